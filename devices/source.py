"""``visa:ADDRESS``, ``sim:MODEL`` and ``device:KIND``: a local device as a source of the window and the command line.

See ``spec`` for what may stand in such a URL. The device works on threads of its own; here its readings become
messages on the loop, many at once.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Any

from ..core.dialects.base import ProbeResult, Sink, SourceOptions
from ..core.dialects.foreign import ForeignSource
from ..core.messages import Kind
from ..core.run_control import Command, Stage
from .bench_errors import InstrumentError
from .catalog import check_built_in
from .instrument import Instrument
from .source_control import SourceControl
from .source_session import SourceSession
from .spec import DeviceSpec

CLOSE_S = 0.4
ENDS_S = 0.05
PROBE_CLOSE_S = 0.2


class DeviceSource(ForeignSource):
    """One device as a source (see ``base.Source``).

    Args:
        spec: which device. sink, key: see ``base.Factory``. subscribes: False to look at it only.
    """

    def __init__(self, spec: DeviceSpec, sink: Sink, *, key: str, subscribes: bool) -> None:
        self._session = SourceSession(
            spec,
            sink.turns,
            make_control=lambda instrument: SourceControl(instrument, self._confirm, is_ours=subscribes),
            subscribes=subscribes,
        )
        super().__init__(
            spec.url,
            sink,
            key=key,
            where=spec.id,
            connect=self._session.connect,
            steer=self._session.steer,
        )

    @property
    def instrument(self) -> Instrument:
        """The device; another object after the source was closed and started again."""
        return self._session.instrument

    def start(self) -> None:
        """Connect and stream the device; needs a running event loop."""
        if not self.is_open:
            self._session.start()
        super().start()

    def rest(self) -> None:
        """Stream only when that is asked for, and be connected until then."""
        self._session.rests = True
        self.instrument.stop()

    async def close(self) -> None:
        """Leave the device, without waiting for one that hangs."""
        if not self.is_open:
            return
        instrument = self.instrument
        self._session.end()
        leaving = instrument.disconnect()
        await super().close()
        await _leave(instrument, leaving, CLOSE_S)

    def _confirm(self, command: str, args: dict[str, Any], stage: Stage, reason: str) -> None:
        if command == Command.SET and stage is Stage.EFFECTIVE:  # it is to be so again when it is connected anew
            self.url = self.instrument.spec.url
            self._sink.add(self.key, self.url)
        for id_ in self.open_commands(command, args):
            self.confirm(id_, stage, reason)


def parse(url: str) -> DeviceSpec:
    """Read a URL.

    Raises:
        ValueError: it is wrong, with a sentence.
    """
    spec = DeviceSpec.from_url(url)
    check_built_in(spec)
    return spec


def open_device(url: str, sink: Sink, *, key: str, options: SourceOptions) -> DeviceSource:
    """Make a source (see ``base.Factory``).

    Raises:
        ValueError: the URL is wrong, with a sentence.
    """
    subscribes = options.topics is None or any(kind != Kind.CONTROL for kind, _ in options.topics)
    return DeviceSource(parse(url), sink, key=key, subscribes=subscribes)


async def probe_device(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    """Connect the device and leave it at once (see ``base.Dialect``)."""
    spec = parse(url)
    instrument = Instrument(spec, on_change=lambda _: None, on_samples=lambda *_: None)
    try:
        await asyncio.wait_for(asyncio.wrap_future(instrument.connect()), timeout_s)
    except TimeoutError:
        return ProbeResult(False, f"{spec.id} did not answer within {timeout_s:g} s", url)
    except InstrumentError as error:
        return ProbeResult(False, str(error), url)
    finally:
        await _leave(instrument, instrument.disconnect(), PROBE_CLOSE_S)
    streams = ((Kind.METRIC.value, spec.metric),)
    who = instrument.identity or spec.id
    return ProbeResult(True, f"{who}, on this computer", url, spec.id, who, streams=streams, role="operate")


async def _leave(instrument: Instrument, leaving: Future[None], limit_s: float) -> None:
    """Close a device when it has been left; one that hangs is left to its thread."""
    try:
        await asyncio.wait_for(asyncio.wrap_future(leaving), limit_s)
    except (TimeoutError, InstrumentError):
        pass
    closed: Future[bool] = Future()
    # Not by a pool: that of the window's loop keeps its threads.
    threading.Thread(target=lambda: closed.set_result(instrument.close(ENDS_S)), name="leaving", daemon=True).start()
    await asyncio.wrap_future(closed)
