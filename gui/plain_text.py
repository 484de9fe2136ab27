"""Received text made fit to be shown on one line; never interpreted as markup."""

from __future__ import annotations

import html

LONGEST_SHOWN = 200


def one_line(text: str, limit: int = LONGEST_SHOWN) -> str:
    """Return the text without line breaks and control characters, cut to ``limit`` characters with an ellipsis."""
    if len(text) <= limit and text.isprintable() and "  " not in text:
        return text.strip()
    cut = text[: 4 * limit]
    shown = " ".join("".join(c if c.isprintable() else " " for c in cut).split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def menu_text(text: str, limit: int = 60) -> str:
    """Return the text for a menu entry or button: an ampersand is shown instead of underlining what follows."""
    return one_line(text, limit).replace("&", "&&")


def tooltip_text(*lines: str) -> str:
    """Return rich text for a tooltip that shows the lines literally."""
    return "<qt>" + "<br>".join(html.escape(one_line(line)).replace(" ", "&nbsp;") for line in lines) + "</qt>"
