"""Experiments of LiveView as Monty's own are, with bare ZeroMQ, in processes of their own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import psutil

CAPTURE = Path(__file__).with_name("captures") / "monty.jsonl"
SENT = "SENT "


def captured() -> list[bytes]:
    """Return the messages that a real experiment sent, byte for byte."""
    return [line.encode() for line in CAPTURE.read_text("utf-8").splitlines() if not line.startswith(SENT)]


def captured_commands() -> list[bytes]:
    """Return the commands that its viewer sent, byte for byte."""
    return [line.removeprefix(SENT).encode() for line in CAPTURE.read_text("utf-8").splitlines() if SENT in line[:5]]


def free_ports() -> int:
    """Return a port that is free, as is the one above."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def is_bound(port: int) -> bool:
    """Tell whether this process listens at a port and at the one above."""
    listening = {told.laddr.port for told in psutil.Process().net_connections("tcp") if told.status == "LISTEN"}
    return {port, port + 1} <= listening


class Monty:
    """``monty_run.py``: an experiment that counts steps, obeys abort and nothing else.

    Args:
        port: of the viewer. name: of the run. words: see ``monty_run.py``.
    """

    def __init__(self, port: int, name: str = "A", *words: str) -> None:
        program = Path(__file__).with_name("monty_run.py")
        self.process = subprocess.Popen(
            [sys.executable, str(program), str(port), name, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.complete()

    def complete(self) -> None:
        """Let it come to its own end, which is a completed run."""
        if self.process.poll() is None and self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        self._reap()

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self._reap()

    def _reap(self) -> None:
        try:
            self.process.wait(10.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            if not stream.closed:
                stream.close()

    def next_received(self) -> str:
        """Wait for the next command that it takes, or for its end, and return the command's type or ""."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line)["type"] if line else ""

    def received(self) -> list[dict[str, object]]:
        """Return the commands it took; it must have ended, and not been waited for."""
        output, _ = self.process.communicate("", timeout=10.0)
        return [json.loads(line) for line in output.splitlines()]
