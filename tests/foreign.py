"""Producers of foreign systems in processes of their own, for tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


class Publisher:
    """``foreign_publisher.py``; ends with its ``with`` block.

    Args:
        form: of its messages. endpoint: for libzmq; port * takes any. connects: to us, instead of binding.
    """

    def __init__(self, form: str = "json", endpoint: str = "tcp://127.0.0.1:*", *, connects: bool = False) -> None:
        program = Path(__file__).with_name("foreign_publisher.py")
        way = "connect" if connects else "bind"
        self.process = subprocess.Popen(
            [sys.executable, str(program), way, endpoint, form],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.endpoint = self.process.stdout.readline().strip("\0\n")
        assert self.endpoint, "the publisher did not start"

    @property
    def url(self) -> str:
        """Its URL for the JSON dialect."""
        return self.endpoint.replace("tcp://", "json+zmq://").replace("ipc://", "json+zmq+ipc://")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self) -> None:
        """Let it come to its end, or kill it."""
        try:
            self.process.communicate("", timeout=5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
