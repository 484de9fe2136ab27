"""CSV text for the clipboard or a file, in which text that others sent is never a spreadsheet's formula."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterable

from .records import LogRow

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def log_csv(rows: Iterable[LogRow], *, name_of: Callable[[str], str] = str) -> str:
    """Return rows of the log: time (ISO 8601, UTC), producer, source, level, message, fields as JSON.

    Args:
        rows: to write. name_of: the name to write for a producer key.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["time", "producer", "source", "level", "message", "fields"])
    for row in rows:
        fields = json.dumps(row.fields, ensure_ascii=False) if row.fields else ""
        texts = (name_of(row.producer), row.source, row.level, row.message, fields)
        writer.writerow([_iso(row.t), *map(cell, texts)])
    return text.getvalue()


def cell(text: str) -> str:
    """Return a text as a cell that a spreadsheet shows and does not calculate."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def _iso(t: float) -> str:
    try:
        return dt.datetime.fromtimestamp(t, dt.UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return repr(t)  # a time that no calendar has is still told
