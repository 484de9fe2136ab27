"""Count exactly what was lost on the way, and how much arrives per second.

Every stream numbers its messages from 1, every series its samples. What is missing between two numbers is lost, until
it arrives after all; what arrives twice is told apart. Counting starts at the first number that is seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

MOST_HOLES = 1024
RATE_WINDOW_S = 2.0


class Numbering:
    """The numbers of one stream or series that have been seen.

    Args:
        next_number: the number expected next; 0 until one was seen.
    """

    __slots__ = ("_starts", "_stops", "lost", "next_number")

    def __init__(self, next_number: int = 0) -> None:
        self.next_number = next_number
        self.lost = 0
        self._starts: list[int] = []  # missing stretches that can still be filled, ascending
        self._stops: list[int] = []

    def take(self, first: int, span: int = 1) -> list[tuple[int, int]]:
        """Take note of the numbers ``first`` … ``first + span - 1``.

        Returns:
            The (start, stop) stretches of them that had not been seen, ascending; none for a duplicate.
        """
        stop = first + span
        expected = self.next_number
        if first == expected or not expected:
            self.next_number = stop
            return [(first, stop)]
        fresh = self._fill(first, min(stop, expected)) if first < expected else []
        if stop > expected:
            if first > expected:
                self._open(expected, first)
            fresh.append((max(first, expected), stop))
            self.next_number = stop
        return fresh

    def missing(self) -> list[tuple[int, int]]:
        """Return the (start, stop) stretches that can still be filled."""
        return list(zip(self._starts, self._stops, strict=True))

    def _open(self, start: int, stop: int) -> None:
        self.lost += stop - start
        self._starts.append(start)
        self._stops.append(stop)
        if len(self._starts) > MOST_HOLES:  # what is that old will not come any more; it stays lost
            del self._starts[0], self._stops[0]

    def _fill(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return the parts of a stretch that were missing, and close them."""
        low, high = bisect_right(self._stops, start), bisect_left(self._starts, stop)
        holes = list(zip(self._starts[low:high], self._stops[low:high], strict=True))
        filled = [(max(a, start), min(b, stop)) for a, b in holes]
        left = [
            rest for (a, b), (c, d) in zip(holes, filled, strict=True) for rest in ((a, c), (d, b)) if rest[1] > rest[0]
        ]
        self._starts[low:high] = [a for a, _ in left]
        self._stops[low:high] = [b for _, b in left]
        self.lost -= sum(b - a for a, b in filled)
        return filled


class RateMeter:
    """Events per second over about the last two seconds, without a timer."""

    __slots__ = ("_before", "_count", "_started", "_warm")

    def __init__(self) -> None:
        self._started = 0.0
        self._count = 0
        self._before = 0
        self._warm = False  # a whole window came before the present one

    def add(self, number: int, now: float) -> None:
        """Count ``number`` events at the time ``now``, seconds."""
        age = now - self._started
        if not 0.0 <= age < RATE_WINDOW_S:
            self._turn(age, now)
        self._count += number

    def per_second(self, now: float) -> float:
        """Return events per second at the time ``now``: this window and its share of the one before."""
        age = now - self._started
        if not 0.0 <= age < 2 * RATE_WINDOW_S:
            return 0.0
        if age >= RATE_WINDOW_S:
            return self._count * (2 * RATE_WINDOW_S - age) / RATE_WINDOW_S / RATE_WINDOW_S
        if not self._warm:
            return self._count / max(age, RATE_WINDOW_S / 4)
        return (self._count + self._before * (1.0 - age / RATE_WINDOW_S)) / RATE_WINDOW_S

    def _turn(self, age: float, now: float) -> None:
        follows = RATE_WINDOW_S <= age < 2 * RATE_WINDOW_S
        self._before = self._count if follows else 0
        self._started = self._started + RATE_WINDOW_S if follows else now
        self._warm = follows
        self._count = 0
