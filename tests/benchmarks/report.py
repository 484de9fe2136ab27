"""The results as lines of a table and as the page docs/benchmarks.md."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import TypedDict

from .catalog import BY_NAME, Figure
from .entry import Entry

HEADING = f"{'figure':<34} {'value':>12} {'unit':<11} {'reference':>12} {'ratio':>8}  {'budget':<20} met"
MARKS = {True: "yes", False: "MISSED", None: ""}
INTRODUCTION = """\
# Benchmarks

What dockscope costs and how fast it is, beside others in the same run. Made by `make bench`, which measures all rows
again and writes this page and `build/bench.json`; do not edit.

Repeat it with `make bench` (under ten minutes on two cores) or one row with `make bench ROW=latency`. It needs Xvfb,
openbox and xdotool, which `.ci/packages` installs, and nothing else that keeps the machine busy. A value and its
reference are measured in turn in the same run, at least five times each (seven for the canvas), and the medians are
told. A missed budget is marked, it is not a failure.
"""


class Result(TypedDict):
    """An object of build/bench.json; ``ratio`` is value / reference_value."""

    name: str
    value: float
    unit: str
    better: str
    reference: str
    reference_value: float | None
    ratio: float | None


def result_of(entry: Entry) -> Result:
    """Add to an entry what the catalogue knows of it."""
    figure = BY_NAME[entry.name]
    of_reference = entry.reference_value
    return Result(
        **asdict(entry),
        unit=figure.unit,
        better=figure.better,
        ratio=entry.value / of_reference if of_reference else None,
    )


def is_met(result: Result) -> bool | None:
    """Tell whether a result meets its budget; None where there is none."""
    return BY_NAME[result["name"]].is_met(result["value"], result["ratio"])


def table_line(result: Result) -> str:
    """Return a result as a line under ``HEADING``."""
    figure, of_reference, ratio = BY_NAME[result["name"]], result["reference_value"], result["ratio"]
    compared = "" if of_reference is None else number(of_reference)
    share = "" if ratio is None else f"{ratio:.3f}"
    line = f"{figure.name:<34} {number(result['value']):>12} {figure.unit:<11} {compared:>12} {share:>8}"
    return f"{line}  {figure.budget():<20} {MARKS[is_met(result)]}".rstrip()


def number(value: float) -> str:
    """Return a figure with as many digits as it is worth."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def page(results: list[Result], machine: dict[str, str]) -> str:
    """Return the page for people.

    Args:
        results: as in build/bench.json. machine: what describes it, by heading.
    """
    parts = [INTRODUCTION, "## Machine\n", _table(("", ""), list(machine.items()))]
    for row, group in groupby(results, key=lambda result: BY_NAME[result["name"]].row):
        parts += [f"## {row}\n", _row(list(group))]
    return "\n".join(parts)


def _row(results: list[Result]) -> str:
    lines = [_cells(result, BY_NAME[result["name"]]) for result in results]
    return _table(("Figure", "Value", "Reference", "Ratio", "Budget", "Met", "What it is"), lines)


def _cells(result: Result, figure: Figure) -> tuple[str, ...]:
    of_reference, ratio = result["reference_value"], result["ratio"]
    compared = "" if of_reference is None else f"{number(of_reference)} {figure.unit} ({result['reference']})"
    mark = {True: "yes", False: "**missed**", None: ""}[is_met(result)]
    share = "" if ratio is None else f"{ratio:.3f}"
    value = f"{number(result['value'])} {figure.unit}"
    return f"`{figure.name}`", value, compared, share, figure.budget(), mark, figure.what


def _table(heading: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    rows = [heading, ("---",) * len(heading), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
