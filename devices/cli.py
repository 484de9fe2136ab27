"""The commands about benches: run, serve."""

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


@app.command("serve")
def serve_command(
    bench: BenchPath,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where to listen, 0 for any free port")] = 5000,
    host: Annotated[str, typer.Option("--host", help="The address to bind")] = "127.0.0.1",
    token: Annotated[
        str,
        typer.Option(
            "--token", envvar="DOCKSCOPE_TOKEN", help="What clients have to send as Authorization: Bearer TOKEN"
        ),
    ] = "",
    seconds: Seconds = None,
    insecure: Insecure = False,
) -> None:
    """Serve the devices of a bench over HTTP and server-sent events, to labdaemon's clients and every window.

    The first line on stdout is the URL.
    """
    from .serve_command import serve

    try:
        work = serve(bench, sys.stdout, host=host, port=port, token=token, insecure=insecure, seconds=seconds)
        code = asyncio.run(work)
    except (ValueError, OSError) as error:
        say(str(error))
        raise typer.Exit(2 if isinstance(error, ValueError) else 1) from None
    raise typer.Exit(code)
