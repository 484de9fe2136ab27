"""Measure some rows in a process of their own: ``python -m tests.benchmarks.measure MODULE``.

Prints one JSON object per entry. A process each, because Qt, a store of gigabytes and a broken row stay among
themselves that way.
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict


def main() -> None:
    """Run ``rows()`` of a module beside this one."""
    module = importlib.import_module(f".{sys.argv[1]}", __package__)
    for entry in module.rows():
        print(json.dumps(asdict(entry)), flush=True)


if __name__ == "__main__":
    main()
