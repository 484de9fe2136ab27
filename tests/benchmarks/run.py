"""Measure the budgets of the design: ``python tests/benchmarks/run.py build/bench.json``.

Each module beside this one that has ``rows()`` measures some of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import publish_metric
from entry import Entry

MEASURES: tuple[Callable[[], Iterator[Entry]], ...] = (publish_metric.rows,)


def main() -> int:
    """Run every measure, print a table on stdout and write the file."""
    if len(sys.argv) != 2:
        print("usage: run.py FILE", file=sys.stderr)
        return 2
    found = []
    for measure in MEASURES:
        for entry in measure():
            row = entry.row()
            against = f"{row['ratio']:.2f} x {entry.reference}" if row["ratio"] is not None else ""
            print(f"{entry.name:<28} {entry.value:>12.4g} {entry.unit:<10} {against}", flush=True)
            found.append(row)
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
