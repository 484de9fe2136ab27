"""The long form of local devices: very many of them as sources of one loop."""

from __future__ import annotations

import asyncio
import time

import pytest

from dockscope.core.dialects.base import Source, open_source
from dockscope.core.hub import Hub

URL = "device:pymeasure?instrument=bench_drivers.Simulation&reads=limit&id=d{number}&rate={rate_hz}"
RATES_HZ = [10] * 100 + [1000] * 4
SECONDS = 30.0


@pytest.mark.soak
def test_a_hundred_slow_and_four_fast_devices_keep_their_rates(wait_for_async):
    """Rates are kept within 1 %, nothing is lost, and all of it takes less than one core."""

    async def scenario():
        hub = Hub()
        sources = [
            open_source(URL.format(number=number, rate_hz=rate_hz), hub) for number, rate_hz in enumerate(RATES_HZ)
        ]

        def samples(source: Source) -> int:
            return sum(len(curve) for curve in hub.series.curves.values() if curve.producer == source.key)

        for source in sources:
            source.start()
        await wait_for_async(lambda: all(map(samples, sources)), 60.0)
        before, began_s, cpu_s = [samples(source) for source in sources], time.perf_counter(), time.process_time()
        await asyncio.sleep(SECONDS)
        passed_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
        rates = [(samples(source) - count) / passed_s for source, count in zip(sources, before, strict=True)]
        assert rates == pytest.approx(RATES_HZ, rel=0.01)
        assert cpu_s / passed_s < 1.0
        assert not any("were dropped" in row.message for row in hub.log.since(0))
        await asyncio.gather(*(source.close() for source in sources))

    asyncio.run(scenario())
