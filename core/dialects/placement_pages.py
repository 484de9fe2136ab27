"""The two pages: a viewer of a running stream, and a player of what was captured. Each is one file without a network.

What is received becomes data of a script, never markup; the page's own policy lets no other script run in it.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .placement_capture import CapturedFrame
from .placement_deltas import encode_deltas
from .plain_json import to_json

_MARK = re.compile(r"\{\{(\w+)\}\}")


def viewer_page(page_url: str, board_data: Mapping[str, Any], *, title: str, grid_spacing: float) -> str:
    """Return the page that watches a stream.

    Args:
        page_url: where it connects. board_data: see ``BoardFigures.page_data``. title: of the board.
        grid_spacing: of the grid behind it, mm.
    """
    parts = urlsplit(page_url)
    constants = {"WEBSOCKET_URL": page_url, **board_data, "gridSpacing": grid_spacing, "boardTitle": title}
    return _page("stream_viewer", title, _statements(constants), f"{parts.scheme}://{parts.netloc}")


def canvas_page(
    frames: Iterable[CapturedFrame], board_data: Mapping[str, Any], *, title: str, grid_spacing: float
) -> str:
    """Return the page that plays frames."""
    deltas = list(encode_deltas(frames))
    constants = {"totalFrames": len(deltas), **board_data, "gridSpacing": grid_spacing, "boardTitle": title}
    lines = ",\n".join(f"  {_script_json(delta)}" for delta in deltas)
    return _page("canvas_player", title, f"{_statements(constants)}\nconst deltaFrames = [\n{lines}\n];", "")


def write_page(path: Path, text: str) -> Path:
    """Write a page whole or not at all; its folder is made if need be.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    return draft.replace(path)


def _statements(constants: Mapping[str, Any]) -> str:
    """Return one statement a line, whose right side is JSON: other programs read these lines."""
    return "\n".join(f"const {name} = {_script_json(value)};" for name, value in constants.items())


def _script_json(value: Any) -> str:
    """Return JSON that cannot end the script it stands in."""
    return to_json(value).replace("<", "\\u003c")


def _page(name: str, title: str, data: str, connects_to: str) -> str:
    script = f'"use strict";\n{data}\n{_resource("placement_canvas.js")}\n{_resource(f"{name}.js")}'
    style = _resource("placement.css")
    policy = f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:"
    if connects_to:
        policy += f"; connect-src {connects_to}"
    texts = {"policy": escape(policy, quote=False), "title": escape(title), "style": style, "script": script}
    texts |= {shared: _resource(f"placement_{shared}.html").rstrip() for shared in ("stage", "figures", "modules")}
    # In one pass: a text put in is not searched for marks.
    return _MARK.sub(lambda mark: texts[mark[1]], _resource(f"{name}.html"))


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _resource(name: str) -> str:
    return (importlib.resources.files("dockscope.resources") / "pages" / name).read_text(encoding="utf-8")
