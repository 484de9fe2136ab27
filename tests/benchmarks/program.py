"""A producer in a process of its own, from a file in programs/."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
END_S = 20.0


class Program:
    """A running program that told its URL in its first line and ends when its stdin closes.

    Args:
        name: of the file, without ".py". arguments: its words.
    """

    def __init__(self, name: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAMS / f"{name}.py"), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self.line()
        assert self.url, f"{name} told no URL"

    def line(self) -> str:
        """Wait for the next line it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        """Write a line to its stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def end(self) -> None:
        """Let it come to its end, and wait for it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.close()
            self.process.stdout.read()
            self.process.wait(END_S)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()


@contextmanager
def program(name: str, *arguments: object) -> Iterator[Program]:
    """Run a program for the time of a ``with``."""
    running = Program(name, *arguments)
    try:
        yield running
    finally:
        running.end()
