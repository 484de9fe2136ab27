"""When a spectrum was measured, and how many are missing before it: both from the times the recorder writes."""

from __future__ import annotations

import statistics
from collections import deque
from typing import Any, NamedTuple

from .object_times import iso_seconds, time_of
from .ovro_packet import Header

STEPS = 16
SLACK = 0.25  # of a step: what a time may be early before one more spectrum counts as missing
MOST_MISSING = 10**9
HELD = 2


class Moment(NamedTuple):
    """Unix seconds, and whether that is the time the recorder wrote, not one that had to serve instead."""

    t: float
    is_told: bool


def moment_of(header: Header, arrived: float) -> Moment:
    """Return the time of a spectrum: the end of what was averaged.

    Where it cannot be read, the time of sending serves, and where that cannot be read either, that of arrival.

    Args:
        header: of its message. arrived: unix seconds.
    """
    told = _seconds(header.last_block_time)
    if told is not None:
        return Moment(told, True)
    sent = _seconds(header.timestamp)
    return Moment(arrived if sent is None else sent, False)


def _seconds(value: Any) -> float | None:
    """Read a time that is ISO text, a number, or a number as text."""
    if not isinstance(value, str):
        return time_of(value)
    text = value.strip()
    seconds = iso_seconds(text)
    if seconds is not None or len(text) > 32:
        return seconds
    try:
        return time_of(float(text))
    except ValueError:
        return None


class Cadence:
    """Find what is missing by the times of what came: the wire has no numbers.

    The usual step is the median of the last 16. A step of n times that, or up to a quarter less, hides n - 1 spectra.
    Another ``time_tag`` begins another sequence, and nothing is missing between two; a sender that gives each message
    another one has none.
    """

    def __init__(self) -> None:
        self._steps: deque[float] = deque(maxlen=STEPS)
        self._last_t: float | None = None
        self._tag: Any = None
        self._held = 0  # messages with this tag

    def missing(self, t: float, time_tag: Any) -> int:
        """Take the time of the next spectrum, unix seconds, and return how many are missing before it."""
        last_t, self._last_t = self._last_t, t
        if self._begins_sequence(time_tag):
            self._steps.clear()
            return 0
        if last_t is None or t <= last_t:
            return 0
        step = t - last_t
        missing = 0
        if self._steps:
            missing = int(min(step / statistics.median(self._steps) + SLACK, MOST_MISSING)) - 1
        self._steps.append(step)
        return max(0, missing)

    def forget(self) -> None:
        """Begin anew: there was a spectrum whose time is not known."""
        self._last_t = None

    def _begins_sequence(self, time_tag: Any) -> bool:
        if time_tag == self._tag:
            self._held += 1
            return False
        ended = self._held >= HELD
        self._tag, self._held = time_tag, 1
        return ended
