"""What a source has to be told by a person: passwords, and which streams. Without a person: what is known, and all."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

PASSWORD_VARIABLE = "DOCKSCOPE_PASSWORD"  # noqa: S105 - a name, not a password
MAX_PASSWORD_BYTES = 4096


class Asker:
    """Know passwords by place, in memory only, and never ask anybody. The window has one that asks.

    Args:
        password: for every place that has not refused it, None for none.
    """

    def __init__(self, password: str | None = None) -> None:
        self._password = password
        self._by_place: dict[str, str] = {}
        self._refused: set[str] = set()

    @classmethod
    def of_environment(cls) -> Asker:
        """Return one that knows the password of ``DOCKSCOPE_PASSWORD``, if there is one."""
        return cls(os.environ.get(PASSWORD_VARIABLE) or None)

    def known(self, place: str) -> str | None:
        """Return the password for a place, such as a host and port, as far as it is known."""
        return self._by_place.get(place) or (None if place in self._refused else self._password)

    def remembered(self, place: str) -> str | None:
        """Return the password meant for this very place; one that was given for any place is not shown around."""
        return self._by_place.get(place)

    def remember(self, place: str, password: str) -> None:
        """Keep a password until the program ends."""
        self._by_place[place] = password

    def refuse(self, place: str) -> None:
        """Forget the password for a place, as it was refused there."""
        self._by_place.pop(place, None)
        self._refused.add(place)

    def was_refused(self, place: str) -> bool:
        """Tell whether a password was refused there."""
        return place in self._refused

    async def password(self, place: str) -> str | None:
        """Return the password for a place, asking where there is somebody to ask; None when nobody gives one."""
        return self.known(place)

    async def streams(self, place: str, names: Sequence[str], what: str = "streams") -> Collection[str] | None:
        """Return which of the streams of a place are wanted; None for all, also those to come.

        Args:
            place: host and port. names: to choose from. what: they are called there, such as "devices".
        """
        return None


def read_password(path: Path) -> str:
    """Return the first line of a password file.

    Raises:
        ValueError: it cannot be read, is empty or too long; a sentence for a person.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PASSWORD_BYTES + 1)
        password = content.decode().partition("\n")[0].rstrip("\r")
    except OSError as error:
        raise ValueError(f"--password-file: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"--password-file: {path} is no UTF-8 text") from None
    if not password or len(content) > MAX_PASSWORD_BYTES:
        raise ValueError(f"--password-file: {path} must begin with a line of 1 to {MAX_PASSWORD_BYTES} bytes")
    return password
