"""The command line of a demo that runs for a time: options, URL on stdout, progress bar, one line at the end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from ..broadcaster import Broadcaster
from .ending import end_by_signals
from .progress import ProgressBar


class TimedDemo(Protocol):
    """What a demo has to offer."""

    def run(self, seconds: float | None, bar: ProgressBar) -> bool:
        """Run for so many seconds, or until stopped; True when a viewer stopped it."""
        ...

    def finish(self, stopped: bool) -> str:
        """Publish the end and return the summary."""
        ...


def run_timed(
    arguments: Sequence[str] | None,
    *,
    name: str,
    port: int,
    description: str,
    make: Callable[[Broadcaster, argparse.Namespace], TimedDemo],
    add_options: Callable[[argparse.ArgumentParser], None] | None = None,
) -> int:
    """Run a demo from its command line.

    Args:
        arguments: the words, None for those of the process.
        name: of the producer, and of its module.
        port: the usual one. description: for --help.
        make: builds the demo from its Broadcaster and the options, among them ``seed``.
        add_options: adds what this demo alone understands.

    Returns:
        The exit code: 0 also when it was stopped, 1 when the URL cannot be used.
    """
    parser = _parser(name, port, description)
    if add_options is not None:
        add_options(parser)
    options = parser.parse_args(arguments)
    end_by_signals()
    try:
        with Broadcaster(options.url, name=name) as broadcaster:
            demo = make(broadcaster, options)
            try:
                print(broadcaster.url, flush=True)
                with ProgressBar(name, total=options.seconds) as bar:
                    stopped = demo.run(options.seconds, bar)
            except KeyboardInterrupt:
                stopped = True
            summary = demo.finish(stopped)
    except (OSError, ValueError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    print(f"{summary}, stopped by user: {'yes' if stopped else 'no'}", flush=True)
    return 0


def _parser(name: str, port: int, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m dockscope.core.demos.{name}", description=description)
    parser.add_argument("--url", default=f"tcp://127.0.0.1:{port}", help="where to publish (default: %(default)s)")
    parser.add_argument("--seconds", type=_seconds, help="how long to run (default: until stopped)")
    parser.add_argument("--seed", type=_seed, default=1, help="of everything random (default: %(default)s)")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no duration")
    return seconds


def _seed(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number
