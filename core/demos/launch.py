"""The three demos as processes of their own, for the time of a ``with``."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self

from .ending import FOLLOW_STDIN

logger = logging.getLogger("dockscope.demos")

DEMOS = ("optimizer", "training", "spectrometer")
START_TIMEOUT_S = 20.0
TERMINATE_TIMEOUT_S = 1.2  # the farewell of a Broadcaster takes at most its linger of 1 s


class DemoError(Exception):
    """A demo did not start; the text says which one and its own last words."""


class DemoProcess:
    """One demo in a process of its own, on a free port.

    Args:
        name: module in dockscope.core.demos.
        arguments: added to its command line.
    """

    def __init__(self, name: str, arguments: Sequence[str] = ()) -> None:
        self.name = name
        # A file, because nobody empties a pipe while the demo runs; and no terminal, so that no bars mix.
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by reap
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{__package__}.{name}", "--url", "tcp://127.0.0.1:0", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=_environment(),
        )
        self._heard = b""

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether the process lives."""
        return self.exit_code is None

    @property
    def exit_code(self) -> int | None:
        """Return how it ended: its exit code, the negative number of the signal, or None while it runs."""
        return self._process.poll()

    def url(self, deadline: float) -> str:
        """Wait for the first line on its stdout, which is its URL.

        Args:
            deadline: of time.monotonic().

        Raises:
            DemoError: it ended before, or said nothing in time.
        """
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._heard:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise DemoError(f"the {self.name} demo told no URL in time")
                piece = os.read(self._process.stdout.fileno(), 4096)
                if not piece:
                    raise DemoError(self._last_words())
                self._heard += piece
        return self._heard.partition(b"\n")[0].decode(errors="replace").strip()

    def terminate(self) -> None:
        """Ask it to end; an ended process is left alone."""
        self._process.terminate()

    def reap(self, deadline: float) -> None:
        """Wait until it has ended, and kill it when it has not by then; close what belongs to it.

        Args:
            deadline: of time.monotonic().
        """
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            logger.info("the %s demo (pid %d) did not end when asked: killed", self.name, self.pid)
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _last_words(self) -> str:
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return f"the {self.name} demo closed its stdout before it told its URL"
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return (
            f"the {self.name} demo ended with exit code {code} before it told its URL: {(lines or ['no reason'])[-1]}"
        )


class DemoProducers:
    """Start demos, tell their URLs, and end them again.

    Args:
        names: which demos.
        arguments: of each demo, by its name.
    """

    def __init__(self, names: Sequence[str] = DEMOS, arguments: dict[str, Sequence[str]] | None = None) -> None:
        self._names = tuple(names)
        self._arguments = arguments or {}
        self.processes: list[DemoProcess] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the processes; returns before they have told their URLs.

        Raises:
            DemoError: the operating system refuses another process.
        """
        try:
            for name in self._names:
                self.processes.append(DemoProcess(name, self._arguments.get(name, ())))
        except OSError as error:
            self.close()
            raise DemoError(f"a demo cannot be started: {error}") from error

    def urls(self, timeout_s: float = START_TIMEOUT_S) -> list[str]:
        """Wait until every demo has told its URL.

        Returns:
            One URL for each demo, in order.

        Raises:
            DemoError: one of them did not start; the others go on until ``close``.
        """
        deadline = time.monotonic() + timeout_s
        return [process.url(deadline) for process in self.processes]

    def close(self) -> None:
        """End every demo: all are asked at once, and who has not gone in time is killed."""
        for process in self.processes:
            process.terminate()
        deadline = time.monotonic() + TERMINATE_TIMEOUT_S
        for process in self.processes:
            process.reap(deadline)
        self.processes.clear()


def _environment() -> dict[str, str]:
    # Matrices this small gain nothing from more threads, and the window needs the other cores.
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    return {**threads, **os.environ, FOLLOW_STDIN: "1"}
