"""JSON objects of nothing but the same numbers, decoded many at a time: the usual case of a publisher of metrics."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter, itemgetter
from typing import Any

import msgspec
import numpy as np

MOST_NAMES = 256
_BRACE = {ord("{")}

_decode_dicts = msgspec.json.Decoder(list[dict[str, float]]).decode


class AlikeObjects:
    """Decode batches; what the objects of the last one were called is tried first, as a structure of these fields."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._columns: tuple[Callable[[Any], float], ...] = ()
        self._decode: Callable[[bytes], list[Any]] | None = None

    def decode(self, payloads: list[Any]) -> tuple[tuple[str, ...], np.ndarray] | None:
        """Decode one message after another.

        Args:
            payloads: of one batch; only bytes can be such objects.

        Returns:
            The names and f8[names, messages], or None when not all are objects of the same numbers. They are read as
            one list: that each begins with a brace and their count is right shows that no two were glued together.
        """
        if not {bytes}.issuperset(map(type, payloads)) or set(map(itemgetter(0), payloads)) != _BRACE:
            return None
        text = b"[%b]" % b",".join(payloads)
        return self._as_structures(text, len(payloads)) or self._as_dicts(text, len(payloads))

    def _as_structures(self, text: bytes, count: int) -> tuple[tuple[str, ...], np.ndarray] | None:
        """Decode objects of the known names: half the time of dicts."""
        if self._decode is None:
            return None
        try:
            objects = self._decode(text)
        except (msgspec.DecodeError, RecursionError):
            return None
        if len(objects) != count:
            return None
        return self._names, np.array([np.fromiter(map(column, objects), "f8", count) for column in self._columns])

    def _as_dicts(self, text: bytes, count: int) -> tuple[tuple[str, ...], np.ndarray] | None:
        try:
            objects = _decode_dicts(text)
        except (msgspec.DecodeError, RecursionError):
            return None
        names = tuple(objects[0]) if len(objects) == count else ()
        if not 0 < len(names) <= MOST_NAMES or not all(tuple(one) == names for one in objects):
            return None
        self._expect(names)
        return names, np.array([list(one.values()) for one in objects], "f8").T

    def _expect(self, names: tuple[str, ...]) -> None:
        fields = [f"field_{number}" for number in range(len(names))]
        structure = msgspec.defstruct(
            "Alike",
            [(field, float) for field in fields],
            rename=dict(zip(fields, names, strict=True)),
            forbid_unknown_fields=True,
            gc=False,
        )
        self._names, self._columns = names, tuple(map(attrgetter, fields))
        self._decode = msgspec.json.Decoder(list[structure]).decode
