"""CSV text of curves and log rows, for the clipboard or a file.

Text that others sent is written so that a spreadsheet shows it and does not take it for a formula.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from .curve import Curve
from .records import LogRow

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def curves_csv(
    curves: Sequence[Curve],
    *,
    x: str = "t",
    lo: float = -np.inf,
    hi: float = np.inf,
    name_of: Callable[[str], str] = str,
) -> str:
    """Return the samples of some curves, one row each: producer, metric, labels, t, value and all fields.

    Args:
        curves: whose samples.
        x: "t" or a field; curves without it are left out. lo, hi: only samples with lo ≤ x ≤ hi.
        name_of: the name to write for a producer key.
    """
    fields = list(dict.fromkeys(field for curve in curves for field in curve.fields))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["producer", "metric", "labels", "t", "value", *map(_cell, fields)])
    for curve in curves:
        if not curve.has(x):
            continue
        labels = " ".join(f"{label}={value}" for label, value in curve.labels)
        head = [_cell(name_of(curve.producer)), _cell(curve.name), _cell(labels)]
        whole = np.isneginf(lo) and np.isposinf(hi)
        window = slice(None) if whole else curve.window(x, lo, hi)
        columns = [curve.column(name)[window].tolist() for name in ("t", "value")]
        columns += [_field_column(curve, field, window, len(columns[0])) for field in fields]
        writer.writerows([*head, *map(_number, row)] for row in zip(*columns, strict=True))
    return text.getvalue()


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
        writer.writerow([_iso(row.t), *map(_cell, texts)])
    return text.getvalue()


def _field_column(curve: Curve, field: str, window: slice | np.ndarray, number: int) -> list[float | None]:
    return curve.column(field)[window].tolist() if curve.has(field) else [None] * number


def _number(value: float | None) -> str:
    """Return the shortest text that reads back as the same number; nothing where a sample has no such field."""
    return "" if value is None else repr(value)


def _cell(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def _iso(t: float) -> str:
    try:
        return dt.datetime.fromtimestamp(t, dt.UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return repr(t)  # a time that no calendar has is still told
