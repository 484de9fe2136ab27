"""The commands that need no window: tail, control, list, receive, doctor."""

from __future__ import annotations

import asyncio
import json as json_format
import os
import sys
from collections.abc import Coroutine
from getpass import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from . import doctor as examination
from .asker import Asker, read_password
from .control_command import VERBS, control
from .dialects.base import dialect_of
from .discovery import find_local
from .headless import say
from .tail import tail
from .tail_lines import printable

HEADLESS = ("tail", "control", "list", "receive", "doctor")


def command_line(help: str) -> typer.Typer:  # noqa: A002 - typer's own word
    """Return a command line without commands yet, in plain text.

    Args:
        help: about all of its commands.
    """
    return typer.Typer(
        name="dockscope",
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help=help,
    )


app = command_line("Watch and steer what is running. Without a command: the window.")

Url = Annotated[str, typer.Argument(metavar="URL", help="Where the producer listens, like dockscope://127.0.0.1:5560")]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Let other machines reach an address that is bound here, without encryption")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines for people")]


PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="File with the password of the source in its first line"),
]


@app.command("tail")
def tail_command(
    url: Url,
    json: Json = False,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.0, help="End after this time")] = None,
    insecure: Insecure = False,
    password_file: PasswordFile = None,
) -> None:
    """Print what a producer sends, history first, a line for each sample or message."""
    asker = _asker(url, password_file)
    _finish(_piped(_run(tail(url, sys.stdout, json=json, seconds=seconds, insecure=insecure, asker=asker))))


@app.command("control")
def control_command(
    url: Url,
    verb: Annotated[str, typer.Argument(metavar="|".join(VERBS), help="What to do")],
    timeout: Annotated[float, typer.Option("--timeout", min=0.0, help="Seconds to wait for the effect")] = 10.0,
    json: Json = False,
    insecure: Insecure = False,
    password_file: PasswordFile = None,
) -> None:
    """Pause, resume or stop a run, or tell its state; exit 0 only when it is effective."""
    if verb not in VERBS:
        raise typer.BadParameter(f"{verb[:40]!r} is none of {', '.join(VERBS)}", param_hint="command")
    asker = _asker(url, password_file)
    work = control(url, verb, sys.stdout, timeout_s=timeout, json=json, insecure=insecure, asker=asker)
    _finish(_piped(_run(work)))


@app.command("list")
def list_command(json: Json = False) -> None:
    """List the producers of this user on this machine."""
    found = find_local()
    if json:
        entries = [
            {"name": producer.name, "url": producer.url, "pid": producer.pid, "producer": producer.producer}
            for producer in found
        ]
        print(json_format.dumps(entries))
        return
    for producer in found:
        print(f"{printable(producer.url)}  {printable(producer.name)}  process {producer.pid}")
    if not found:
        say("no producer runs here; start one with: python -m dockscope.core.demos.optimizer")


@app.command("receive")
def receive_command(
    addr: Annotated[str, typer.Option("--addr", help="Where the spectra are published")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port there")] = 9798,
    buffer_length: Annotated[int, typer.Option("--buffer-length", min=1, help="Spectra to keep")] = 1200,
    gc_interval: Annotated[
        int, typer.Option("--gc-interval", min=0, help="Spectra between garbage collections, 0 for none")
    ] = 100,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.0, help="End after this time")] = None,
    json: Json = False,
) -> None:
    """Keep the newest averaged spectra of a data recorder, and print every 10 s how it goes.

    --log-level INFO also tells of the connection, DEBUG of every spectrum.
    """
    from .dialects.ovro import StreamReceiver
    from .receive_command import receive

    try:
        receiver = StreamReceiver(addr, port, buffer_length, gc_interval)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    _finish(_piped(_run(receive(receiver, sys.stdout, json=json, seconds=seconds))))


@app.command("doctor")
def doctor_command() -> None:
    """Examine this installation: versions, system libraries, display."""
    _finish(examination.run())


def _asker(url: str, password_file: Path | None) -> Asker:
    """Return what knows the password: of the file, the environment, or the person at the terminal."""
    try:
        if password_file is not None:
            return Asker(read_password(password_file))
        asker = Asker.of_environment()
        if asker.known(url) is None and dialect_of(url).asks_password and sys.stdin.isatty():
            return Asker(getpass(f"Password for {printable(url)}: ") or None)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except (EOFError, KeyboardInterrupt):
        raise typer.Exit(1) from None
    return asker


def _run(work: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(work)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="URL") from None
    except KeyboardInterrupt:  # before the command could listen for it
        return 1


def _piped(code: int) -> int:
    """Leave nothing in stdout that Python would try to write to a closed pipe when it ends."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _finish(code: int) -> None:
    raise typer.Exit(code)
