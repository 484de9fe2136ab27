"""The kept frames of one placement: every array either whole or as what changed since the frame before.

Most arrays of a frame repeat or nearly repeat: modules do not change, late in a run few parts move. An array is kept
whole where that is smaller, and where the way back to the last whole one would take too long to replay.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from .array_delta import ArrayDelta, array_delta
from .messages import PlacementFrame

ARRAYS = ("position", "module", "force", "force_owner", "force_kind", "overlap", "movement")
OVERHEAD_BYTES = 2048
# Of the deltas between two whole arrays: how many, and how many times the bytes of the whole one.
MOST_STEPS, MOST_REPLAYED = 64, 4.0

_NOTHING = np.empty((0, 3), dtype="<f4")
_ABSENT: dict[str, Any] = {"position": _NOTHING} | dict.fromkeys(ARRAYS[1:])

Stored = np.ndarray | ArrayDelta | None  # whole, what changed, or not in the frame


@dataclass(frozen=True, eq=False)
class _Kept:
    """A frame without its arrays, and its arrays; one that repeats is the very object of the frame before."""

    bare: PlacementFrame
    stored: dict[str, Stored]
    repeats: frozenset[str]

    @property
    def nbytes(self) -> int:
        held = sum(part.nbytes for name, part in self.stored.items() if part is not None and name not in self.repeats)
        return OVERHEAD_BYTES + held


class FrameChain:
    """Frames in the order in which they came; each comes back exactly as it was given.

    Attributes:
        latest: the newest frame, None before the first.
        first_serial: how many frames were dropped, which is the serial of the oldest that is left.
    """

    def __init__(self) -> None:
        self.latest: PlacementFrame | None = None
        self.first_serial = 0
        self._kept: deque[_Kept] = deque()
        self._kept_bytes = 0
        self._replay: dict[str, tuple[int, int]] = {}  # array -> deltas, and their bytes, since it was kept whole
        self._rebuilt: tuple[int, PlacementFrame] | None = None  # serial and frame that was asked for last

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def nbytes(self) -> int:
        """Bytes of what is kept, with what is held whole besides: the newest frame and the one asked for last."""
        whole = 0
        if self.latest is not None:
            whole += self._besides(self.latest, len(self._kept) - 1)
        if self._rebuilt is not None:
            whole += self._besides(self._rebuilt[1], self._rebuilt[0] - self.first_serial)
        return self._kept_bytes + whole

    def _besides(self, frame: PlacementFrame, position: int) -> int:
        stored = self._kept[position].stored
        return sum(getattr(frame, name).nbytes for name in ARRAYS if isinstance(stored[name], ArrayDelta))

    def append(self, frame: PlacementFrame) -> None:
        """Keep a frame."""
        stored: dict[str, Stored] = {}
        repeated: dict[str, np.ndarray] = {}
        for name in ARRAYS:
            before, after = getattr(self.latest, name, None), getattr(frame, name)
            delta = array_delta(before, after) if before is not None and after is not None else None
            if before is not None and delta is not None and delta.is_empty:
                stored[name], repeated[name] = self._kept[-1].stored[name], before
            else:
                stored[name] = self._record(name, after, delta)
        kept = _Kept(msgspec.structs.replace(frame, **_ABSENT), stored, frozenset(repeated))
        self._kept.append(kept)
        self._kept_bytes += kept.nbytes
        # What repeats is held once.
        self.latest = msgspec.structs.replace(frame, **repeated) if repeated else frame

    def _record(self, name: str, after: np.ndarray | None, delta: ArrayDelta | None) -> Stored:
        """Choose between the whole array and what changed."""
        steps, replayed = self._replay.get(name, (0, 0))
        if delta is None or after is None or steps >= MOST_STEPS or replayed > MOST_REPLAYED * after.nbytes:
            self._replay[name] = (0, 0)
            return after
        self._replay[name] = (steps + 1, replayed + delta.nbytes)
        return delta

    def frame(self, position: int) -> PlacementFrame:
        """Return a kept frame, 0 the oldest; asked again at once, it is the same object.

        Raises:
            IndexError: there is no such frame.
        """
        if not 0 <= position < len(self._kept):
            raise IndexError(f"frame {position} of {len(self._kept)}")
        if self.latest is not None and position == len(self._kept) - 1:
            return self.latest
        serial = self.first_serial + position
        if self._rebuilt is None or self._rebuilt[0] != serial:
            arrays = {name: self._array(name, position) for name in ARRAYS}
            self._rebuilt = serial, msgspec.structs.replace(self._kept[position].bare, **arrays)
        return self._rebuilt[1]

    def _array(self, name: str, position: int) -> np.ndarray | None:
        """Replay an array from where it was whole last, or from the frame rebuilt last when that comes first."""
        deltas: list[ArrayDelta] = []
        rebuilt_at = -1 if self._rebuilt is None else self._rebuilt[0] - self.first_serial
        while isinstance(delta := self._kept[position].stored[name], ArrayDelta) and position != rebuilt_at:
            if name not in self._kept[position].repeats:
                deltas.append(delta)
            position -= 1
        start = delta
        if isinstance(start, ArrayDelta):
            start = getattr(self._rebuilt[1], name) if self._rebuilt is not None else None
        if start is None or not deltas:
            return start
        array = np.array(start, order="C")
        for change in reversed(deltas):
            change.apply(array)
        return array

    def drop(self, number: int) -> None:
        """Drop the oldest frames; of the oldest that is left every array is kept whole then."""
        number = min(number, len(self._kept))
        if number == len(self._kept):
            self._clear()
        elif number:
            whole = {name: self._array(name, number) for name in ARRAYS}
            for _ in range(number):
                self._kept_bytes -= self._kept.popleft().nbytes
            oldest = self._kept[0]
            self._kept[0] = _Kept(oldest.bare, dict(whole), frozenset())
            self._kept_bytes += self._kept[0].nbytes - oldest.nbytes
        self.first_serial += number
        if self._rebuilt is not None and self._rebuilt[0] < self.first_serial:
            self._rebuilt = None

    def _clear(self) -> None:
        self._kept.clear()
        self._replay.clear()
        self._kept_bytes, self.latest, self._rebuilt = 0, None, None
