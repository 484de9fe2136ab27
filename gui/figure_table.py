"""Tables of numbers that know their units: a widget, CSV and plain text are three views of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ..core.export import cell

Value = float | str | None


class Column(NamedTuple):
    """A quantity: its name over a narrow column and in full, its unit, how a value is written, and the longest text."""

    title: str
    quantity: str
    unit: str
    write: Callable[[Value], str]
    widest: str = "0000"


class Row(NamedTuple):
    """One line of a table: its name, values as of the columns, and further lines below it."""

    name: str
    values: tuple[Value, ...]
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows under columns; ``name`` says what a row is of, ``title`` stands above."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def milliseconds(value: Value) -> str:
    """Write seconds as milliseconds, "–" when unknown."""
    if not isinstance(value, float):
        return "–"
    ms = value * 1e3
    return f"{ms:.2f}" if ms < 9.995 else f"{ms:.1f}" if ms < 99.95 else f"{ms:.0f}"


def percent(value: Value) -> str:
    """Write a share."""
    return f"{value:.1%}" if isinstance(value, float) else "–"


def number(value: Value) -> str:
    """Write a count with its thousands."""
    if not isinstance(value, int | float):
        return "–"
    for unit_size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 10 * unit_size:
            return f"{value / unit_size:.1f} {unit}"
    return f"{value:.0f}"


def size(value: Value) -> str:
    """Write bytes."""
    if not isinstance(value, int | float):
        return "–"
    for bound, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= bound:
            return f"{value / bound:.{int(value < 100 * bound)}f} {unit}"
    return f"{value:.0f} B"


def words(value: Value) -> str:
    """Write a text as it is."""
    return str(value or "")


def as_csv(tables: Iterable[Table]) -> str:
    """Return tables as CSV with one value per line: table, name, quantity, value, unit."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("table", "name", "quantity", "value", "unit"))
    for table in tables:
        for row in table.rows:
            for column, value in zip(table.columns, row.values, strict=True):
                if value is not None and value != "":
                    shown = cell(value) if isinstance(value, str) else value
                    writer.writerow((table.name, cell(row.name), column.quantity, shown, column.unit))
            writer.writerows((table.name, cell(row.name), "stack", line, "") for line in row.details)
    return out.getvalue()


def as_text(tables: Iterable[Table]) -> str:
    """Return tables as aligned plain text."""
    return "\n".join(line for table in tables for line in _text_of(table))


def _text_of(table: Table) -> list[str]:
    head = ("", *(column.title for column in table.columns))
    body = [
        (row.name, *(column.write(value) for column, value in zip(table.columns, row.values, strict=True)))
        for row in table.rows
    ]
    widths = [max(len(cells[k]) for cells in (head, *body)) for k in range(len(head))]
    lines = [table.title]
    for cells, details in zip((head, *body), ((), *(row.details for row in table.rows)), strict=True):
        first, *others = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        lines.append("  ".join((first, *others)).rstrip())
        lines += [f"    {line}" for line in details]
    return [*lines, ""]
