"""The producers of this user on this machine, as their token files tell."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .access import read_announcements


class LocalProducer(msgspec.Struct, frozen=True):
    """A running producer; its token stays in its file."""

    url: str
    producer: str
    name: str
    pid: int


def find_local(folder: Path | None = None) -> list[LocalProducer]:
    """List the producers that run, by name; files of dead ones are removed.

    Args:
        folder: of the token files; the user's own when not given.
    """
    found = [LocalProducer(told.url, told.producer, told.name, told.pid) for told in read_announcements(folder)]
    return sorted(found, key=lambda producer: (producer.name, producer.pid, producer.url))
