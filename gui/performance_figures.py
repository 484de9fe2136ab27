"""The figures of the Performance dock: frames, docks, producers, memory and stalls."""

from __future__ import annotations

import datetime as dt
from collections import deque
from typing import TYPE_CHECKING

from .figure_table import Column, Row, Table, Value, milliseconds, number, percent, size, words
from .plain_text import one_line

if TYPE_CHECKING:
    from ..core.durations import Durations
    from ..core.hub import Hub
    from ..core.stall_watch import Stall
    from .loop_recorder import LoopRecorder

RATE_SNAPSHOTS = 9  # four a second: rates over the last two seconds
REST = "Everything else"


def _times(what: str, first: str) -> tuple[Column, Column, Column]:
    return (
        Column(first, f"{what}, last", "s", milliseconds),
        Column("p50", f"{what}, median", "s", milliseconds),
        Column("p99", f"{what}, 99th percentile", "s", milliseconds),
    )


FRAME_COLUMNS = (
    Column("frames/s", "frames", "1/s", number, "00.0 k"),
    *_times("frame interval", "interval"),
    Column("max", "frame interval, longest", "s", milliseconds),
    Column("waiting", "changes that wait for a frame", "1", number),
)
DOCK_COLUMNS = (
    *_times("refresh", "refresh"),
    *_times("paint", "paint"),
    Column("loop", "share of the loop", "1", percent, "00.0%"),
)
SOURCE_COLUMNS = (
    Column("msg/s", "messages", "1/s", number, "00.0 k"),
    Column("samples", "metric samples", "1/s", number, "00.0 k"),
    Column("bytes/s", "bytes", "B/s", size, "00.0 MiB"),
    Column("lag", "from sending to arrival: what waits in the link", "s", milliseconds),
    Column("wait", "samples received and not yet in their curves", "1", number),
)
MEMORY_COLUMNS = (Column("held", "held", "B", size, "00.0 MiB"),)
WHERE_COLUMN = Column("what ran", "what ran", "", words, "painting M…")
STALL_COLUMNS = (
    Column("ms", "length", "s", milliseconds),
    Column("cpu", "processor time of it", "s", milliseconds),
    WHERE_COLUMN,
)


def frame_table(recorder: LoopRecorder, hub: Hub) -> Table:
    """Return how frames followed one another."""
    values = (recorder.frames_per_s(), *_spread(recorder.intervals, longest=True), float(hub.waiting_changes))
    return Table("frames", "Frames", FRAME_COLUMNS, (Row("all", values),))


def dock_table(recorder: LoopRecorder) -> Table:
    """Return the work of each dock, the busiest first, and what the window's thread did besides."""
    elapsed_s = recorder.elapsed_s
    works = sorted(recorder.works.items(), key=lambda item: -item[1].total_s)
    rows = [Row(name, (*_spread(work.refresh), *_spread(work.paint), work.total_s / elapsed_s)) for name, work in works]
    rest_s = max(0.0, recorder.thread_s - sum(work.total_s for _, work in works))
    if rows:
        rows.append(Row(REST, (None,) * 6 + (rest_s / elapsed_s,)))
    return Table("dock", "Refresh and paint, ms", DOCK_COLUMNS, tuple(rows))


def memory_table(hub: Hub, resident_bytes: int) -> Table:
    """Return what each store holds of the budget, and the whole process."""
    held, budget = hub.memory(), hub.budget_bytes
    whole = sum(held.values())
    named = {name.capitalize(): nbytes for name, nbytes in held.items()}
    named |= {"All stores": whole, "Budget": budget, "Process": resident_bytes}
    rows = tuple(Row(name, (float(nbytes),)) for name, nbytes in named.items())
    return Table("memory", f"Memory: {whole / max(1, budget):.0%}", MEMORY_COLUMNS, rows)


def stall_table(recorder: LoopRecorder, hub: Hub, *, utc: bool) -> Table:
    """Return the stalls, the newest first, with their times in UTC or as the wall clock here has them."""

    def what(stall: Stall) -> str:
        producer = hub.producers.get(stall.source)
        name = one_line(producer.name if producer else stall.source, 40)
        source = f"receiving from {name}" if stall.source else ""
        return ": ".join(part for part in (stall.doing, source, stall.where) if part)

    rows = tuple(
        Row(_clock_time(stall.t, utc), (stall.duration_s, stall.cpu_s, what(stall)), stall.lines)
        for stall in reversed(recorder.stalls)
    )
    return Table("stall", f"Stalls over 50 ms: {recorder.stall_count}", STALL_COLUMNS, rows)


class IngestRates:
    """Rates of each producer from its totals, which are looked at four times a second."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[float, int, int, int]]] = {}

    def look(self, hub: Hub, now: float) -> None:
        """Take note of the totals at the time ``now``, seconds."""
        self._seen = {key: seen for key, seen in self._seen.items() if key in hub.producers}
        for key, producer in hub.producers.items():
            seen = self._seen.setdefault(key, deque(maxlen=RATE_SNAPSHOTS))
            seen.append((now, producer.messages, producer.samples, producer.nbytes))

    def of(self, key: str) -> tuple[float, float, float]:
        """Return messages, metric samples and bytes per second; zeros before the second look."""
        seen = self._seen.get(key, ())
        if len(seen) < 2 or seen[-1][0] <= seen[0][0]:
            return 0.0, 0.0, 0.0
        (since, *before), (now, *after) = seen[0], seen[-1]
        messages, samples, nbytes = ((b - a) / (now - since) for a, b in zip(before, after, strict=True))
        return messages, samples, nbytes

    def table(self, hub: Hub) -> Table:
        """Return what each producer sends, and what of it waits where."""
        rows = tuple(
            Row(one_line(producer.name, 80), (*self.of(key), producer.latency_s, float(hub.series.waiting(key))))
            for key, producer in hub.producers.items()
        )
        return Table("producer", "Ingest", SOURCE_COLUMNS, rows)


def _spread(durations: Durations, *, longest: bool = False) -> tuple[Value, ...]:
    spread = durations.spread()
    if spread is None:
        return (None,) * (4 if longest else 3)
    values = (spread.last_s, spread.p50_s, spread.p99_s)
    return (*values, spread.max_s) if longest else values


def _clock_time(t: float, utc: bool) -> str:
    moment = dt.datetime.fromtimestamp(t, dt.UTC)
    return (moment if utc else moment.astimezone()).strftime("%H:%M:%S")
