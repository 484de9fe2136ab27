"""The visible samples of curves as CSV."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Sequence

import numpy as np

from ..core.export import cell
from .axis_ticks import moment
from .curve_view import CurveView
from .x_axis import XAxis

MOST_ROWS = 500_000


def metrics_csv(views: Sequence[CurveView], axis: XAxis) -> tuple[str, int]:
    """Write the visible samples of the shown curves.

    The columns are name, producer, labels (as JSON), run (1 is the oldest), t (ISO 8601, UTC), value, then every
    field of any of the curves; a cell is empty where a sample has no such field.

    Args:
        views: curves. axis: the visible stretch.

    Returns:
        The table, and how many of the oldest rows were left out because there are more than ``MOST_ROWS``.
    """
    shown = [view for view in views if view.shown and view.has(axis)]
    fields = list(dict.fromkeys(field for view in shown for field in view.curve.fields))
    positions = [view.visible_positions(axis) for view in shown]
    share = min(1.0, MOST_ROWS / max(1, sum(map(len, positions))))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "producer", "labels", "run", "t", "value", *map(cell, fields)])
    left_out = 0
    for view, chosen in zip(shown, positions, strict=True):
        kept = chosen[len(chosen) - int(len(chosen) * share) :]
        left_out += len(chosen) - len(kept)
        writer.writerows(_rows(view, kept, fields))
    return out.getvalue(), left_out


def _rows(view: CurveView, positions: np.ndarray, fields: Sequence[str]) -> list[list[object]]:
    curve = view.curve
    labels = json.dumps(dict(curve.labels), ensure_ascii=False) if curve.labels else ""
    fixed = [cell(curve.name), cell(view.producer_name), cell(labels)]
    runs = np.searchsorted(curve.run_of, positions, side="right") + 1
    times = [_iso(t) for t in curve.column("t")[positions].tolist()]
    columns = [
        [_number(x) for x in curve.column(field)[positions].tolist()] if curve.has(field) else [""] * len(positions)
        for field in fields
    ]
    values = curve.column("value")[positions].tolist()
    return [[*fixed, *row] for row in zip(runs.tolist(), times, values, *columns, strict=True)]


def _iso(t: float) -> str:
    if not math.isfinite(t):
        return ""
    return moment(t, utc=True).astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _number(x: float) -> object:
    if math.isnan(x):
        return ""
    return int(x) if x.is_integer() and abs(x) < 2**53 else x
