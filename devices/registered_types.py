"""Classes that clients of the device server may name."""

from __future__ import annotations

from collections.abc import Mapping


class RegisteredTypes:
    """Know classes by the names of their types.

    Args:
        what: they are, for sentences.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._classes: dict[str, type] = {}

    def add(self, classes: Mapping[str, type]) -> None:
        """Take more.

        Raises:
            ValueError: a name is taken; none is added then.
        """
        for name in classes:
            if name in self._classes:
                raise ValueError(f"{self._what} type {name!r} is already registered")
        self._classes.update(classes)

    def get(self, name: str) -> type | None:
        """Return a class, None when there is none of that name."""
        return self._classes.get(name)
