"""The page of the benchmarks: what a given JSON becomes, and that the committed one is whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .catalog import BY_NAME, FIGURES, ROWS
from .entry import Entry, alternating, percentile
from .machine import describe_machine
from .report import is_met, page, result_of, table_line
from .run import MEASURES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
# The names in the table of the design; others read build/bench.json by them.
DESIGN_ROWS = (
    *("publish_metric_call", "publish_metric_floor", "publish_metric_flush"),
    *("ingest_batched", "ingest_json", "latency", "plot_history", "waterfall_row", "waterfall_large"),
    *("canvas_parts", "control_round_trip", "startup", "memory"),
)
DESIGN_PARTS = {
    *("ingest_batched/frame_p99", "ingest_batched/lost", "latency/p99", "latency/full_p99"),
    *(f"plot_history/{kind}_{size}" for kind in ("walk", "noise") for size in ("1e4", "1e5", "1e6", "1e7", "1e8")),
    *("waterfall_large/p99", "waterfall_large/zoom", "control_round_trip/shown"),
    *("canvas_parts/1e3", "canvas_parts/1e4", "canvas_parts/1e5"),
}


def test_every_row_and_part_of_the_design_is_measured() -> None:
    """The catalogue has every name of the design, and some module measures each row."""
    assert DESIGN_ROWS == ROWS
    assert BY_NAME.keys() >= DESIGN_PARTS
    assert {row for rows in MEASURES.values() for row in rows} == set(ROWS)


def test_the_committed_page_has_every_figure() -> None:
    """docs/benchmarks.md was made from a run of all rows, with this catalogue."""
    text = PAGE.read_text()
    assert [figure.name for figure in FIGURES if f"| `{figure.name}` |" not in text] == []
    assert [figure.name for figure in FIGURES if f"| {figure.what} |" not in text] == []
    for row in ROWS:
        assert f"\n## {row}\n" in text


def test_an_entry_becomes_the_object_of_the_design() -> None:
    """An object of build/bench.json has the design's keys, and ratio is value / reference_value or null."""
    compared = result_of(Entry("waterfall_row", 2.0, "pyqtgraph ImageItem.setImage", 8.0))
    assert json.loads(json.dumps(compared)) == {
        "name": "waterfall_row",
        "value": 2.0,
        "unit": "ms",
        "better": "lower",
        "reference": "pyqtgraph ImageItem.setImage",
        "reference_value": 8.0,
        "ratio": 0.25,
    }
    alone = result_of(Entry("ingest_batched", 2.2e6))
    assert (alone["unit"], alone["better"]) == ("samples/s", "higher")
    assert (alone["reference"], alone["reference_value"], alone["ratio"]) == ("", None, None)


@pytest.mark.parametrize(
    ("entry", "met"),
    [
        (Entry("ingest_batched", 2e6), True),  # at least
        (Entry("ingest_batched", 1.99e6), False),
        (Entry("ingest_batched/lost", 0), True),
        (Entry("ingest_batched/lost", 1), False),
        (Entry("canvas_parts/1e5", 25.0, "peer", 200.0), True),  # at most
        (Entry("canvas_parts/1e5", 25.1, "peer", 200.0), False),
        (Entry("waterfall_row", 2.0, "peer", 10.0), True),  # by the ratio only
        (Entry("waterfall_row", 2.1, "peer", 10.0), False),
        (Entry("waterfall_row", 2.0), False),  # a ratio is asked and there is none
        (Entry("ingest_json", 60.0, "peer", 100.0), True),
        (Entry("ingest_json", 59.0, "peer", 100.0), False),
        (Entry("latency/full_p50", 9.9), None),  # nothing is asked
    ],
)
def test_a_missed_budget_is_told(entry: Entry, met: bool | None) -> None:
    """A figure meets its budget by value or ratio, in its direction, and the table and the page say so."""
    result = result_of(entry)
    assert is_met(result) is met
    assert table_line(result).endswith("MISSED") is (met is False)
    assert ("**missed**" in page([result], {})) is (met is False)


def test_the_page_of_a_given_json() -> None:
    """The page describes the machine, and has a table for each row with figure, reference, ratio, budget and mark."""
    results = [
        result_of(Entry("waterfall_row", 2.0, "pyqtgraph ImageItem.setImage", 8.0)),
        result_of(Entry("waterfall_row/dock", 3.456)),
        result_of(Entry("ingest_batched", 2_345_678.9)),
    ]
    text = page(results, {"CPU": "Some processor", "Cores": "2"})
    head, _, rest = text.partition("## Machine\n")
    assert "make bench" in head
    assert "make bench ROW=" in head
    assert rest.strip().splitlines() == [
        "|  |  |",
        "| --- | --- |",
        "| CPU | Some processor |",
        "| Cores | 2 |",
        "",
        "## waterfall_row",
        "",
        "| Figure | Value | Reference | Ratio | Budget | Met | What it is |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| `waterfall_row` | 2 ms | 8 ms (pyqtgraph ImageItem.setImage) | 0.250 | ≤ 0.2 × | **missed** "
        f"| {BY_NAME['waterfall_row'].what} |",
        f"| `waterfall_row/dock` | 3.46 ms |  |  |  |  | {BY_NAME['waterfall_row/dock'].what} |",
        "",
        "## ingest_batched",
        "",
        "| Figure | Value | Reference | Ratio | Budget | Met | What it is |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        f"| `ingest_batched` | 2,345,679 samples/s |  |  | ≥ 2,000,000 samples/s | yes "
        f"| {BY_NAME['ingest_batched'].what} |",
    ]


def test_the_machine_is_described_without_its_name() -> None:
    """The description has processor, cores, memory, system, Python and package versions, no host name and no path."""
    machine = describe_machine()
    assert {"CPU", "Cores", "Memory", "System", "Python", "numpy", "pyzmq", "pyqtgraph", "rerun-sdk"} <= machine.keys()
    texts = " ".join(machine.values())
    assert "/" not in texts.replace("GNU/Linux", "")
    assert Path("/proc/sys/kernel/hostname").read_text().strip() not in texts


def test_alternating_takes_turns() -> None:
    """Two things are measured one after the other, again and again, and the medians are given."""
    calls: list[str] = []
    values = {"a": iter([1.0, 9.0, 2.0]), "b": iter([5.0, 4.0, 6.0])}

    def measure(name: str) -> float:
        calls.append(name)
        return next(values[name])

    assert alternating(lambda: measure("a"), lambda: measure("b"), rounds=3) == (2.0, 5.0)
    assert calls == ["a", "b"] * 3


def test_a_percentile_is_one_of_the_values() -> None:
    """The 99th percentile of 200 values is the third largest, that of a few the largest."""
    assert percentile([float(value) for value in range(200)], 99) == 198.0
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0
