"""Read a generated viewer page: where it connects, and what it knows of the board. Nothing in it is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from ..messages import ProtocolError
from .payload import decode_payload
from .placement_facts import BoardFacts, read_board_facts

MAX_PAGE_BYTES = 64 * 2**20
PLACES = ("stream_viewer.html", "placement_debug/stream_viewer.html")
NAMES = ("WEBSOCKET_URL", "boardBounds", "boardOutline", "moduleColors", "staticProps", "componentLayers")
# One statement a line, whose right side is JSON.
_STATEMENT = re.compile(rf"^[ \t]*const ({'|'.join(NAMES)}) = (.*);[ \t\r]*$", re.MULTILINE)


class ViewerFile(NamedTuple):
    """What a page says: where it connects, "" when it does not tell, and the board."""

    page_url: str
    facts: BoardFacts


def read_viewer(path: Path) -> ViewerFile:
    """Read a page.

    Args:
        path: of the page, or of a folder that it is in, or of the folder above.

    Raises:
        OSError: there is none, or it cannot be read. ValueError: it is no such page, as a sentence.
    """
    with viewer_path(path).open("rb") as file:
        content = file.read(MAX_PAGE_BYTES + 1)
    if len(content) > MAX_PAGE_BYTES:
        raise ValueError(f"{path} is larger than any viewer page")
    try:
        return read_page(content.decode("utf-8", "replace"))
    except ProtocolError as error:
        raise ValueError(f"{path} is no viewer page of a placement: {error}") from None


def viewer_path(path: Path) -> Path:
    """Return the path of the page that a path leads to."""
    path = path.expanduser()
    if not path.is_dir():
        return path
    return next((path / place for place in PLACES if (path / place).is_file()), path / PLACES[0])


def read_page(text: str) -> ViewerFile:
    """Read the text of a page.

    Raises:
        ProtocolError: it has none of the statements, or one that is not what it should be.
    """
    told: dict[str, Any] = {}
    for name, value in _STATEMENT.findall(text):
        told[name] = decode_payload(value.encode()) if value else None
    if not told:
        raise ProtocolError("it does not tell of a board")
    url = told.get("WEBSOCKET_URL")
    return ViewerFile(url if type(url) is str else "", read_board_facts(told))
