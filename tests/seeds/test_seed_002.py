"""Devices of labdaemon's guide to streaming, unchanged, served by the real labdaemon and watched by our source.

The function that the examples leave open, ``_acquire_sample``, is given: it counts. The examples as devices of
dockscope itself are another matter; docs/seeds.md lists each.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from device_replay import LabDaemon
from dockscope.core.run_control import Stage
from watched import Watched, run

GUIDE = Path(__file__).with_name("002_labdaemon.md")


@pytest.mark.parametrize("example", ["RateLimitedStreamingDevice", "BackpressureStreamingDevice"])
def test_an_example_is_streamed_stopped_and_started(example, wait_for_async):
    """The server offers the example without further ado: its samples come in order, it is stopped and started."""

    async def scenario():
        with LabDaemon(guide=GUIDE, device=example) as lab:
            async with Watched(f"{lab.url}?only=guide") as seen:
                await wait_for_async(lambda: seen.samples("guide.sample") > 5)
                for is_on in (False, True):
                    id_ = seen.source.send("set", {"name": "guide stream", "value": is_on})
                    await wait_for_async(
                        lambda id_=id_: seen.hub.commands[id_].stage is Stage.EFFECTIVE, timeout_s=15.0
                    )
                    listed = await seen_from_elsewhere(lab)
                    assert listed["guide"] is is_on
                count = seen.samples("guide.sample")
                await wait_for_async(lambda: seen.samples("guide.sample") > count + 5)
                values = seen.curve("guide.sample").column("value").tolist()
                assert all(before < after for before, after in pairwise(values))

    run(scenario)


async def seen_from_elsewhere(lab: LabDaemon) -> dict[str, bool]:
    """Return which devices stream, as another client is told."""
    told = await asyncio.to_thread(lab.ask, "GET", "/devices")
    return {device["device_id"]: device["streaming"] for device in told["devices"]}
