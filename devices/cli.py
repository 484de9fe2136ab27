"""The commands about benches: run."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..core.cli import command_line
from ..core.headless import say
from .bench_file import BenchError
from .run_command import run_bench

app = command_line("Do something with the devices of a bench file.")

BenchPath = Annotated[Path, typer.Argument(metavar="BENCH.toml", help="The file that lists the devices")]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0.0, help="End after this time")]
Insecure = Annotated[bool, typer.Option("--insecure", help="Let other machines reach it, without encryption")]


@app.callback()
def benches() -> None:
    """Do something with the devices of a bench file."""


@app.command("run")
def run_command(
    bench: BenchPath,
    url: Annotated[str, typer.Option("--url", help="Where to publish")] = "tcp://127.0.0.1:0",
    seconds: Seconds = None,
    insecure: Insecure = False,
) -> None:
    """Connect the devices of a bench and publish what they read, for any window to watch and steer.

    The first line on stdout is the URL.
    """
    try:
        code = asyncio.run(run_bench(bench, url, sys.stdout, seconds=seconds, insecure=insecure))
    except (BenchError, ValueError, OSError) as error:
        say(str(error))
        raise typer.Exit(2 if isinstance(error, ValueError) else 1) from None
    raise typer.Exit(code)
