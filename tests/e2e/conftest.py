"""One desktop for all end-to-end tests; each test has its own home, window and producers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.desktop import Desktop, ProducerProcess, Window, running

NEEDED = ("Xvfb", "openbox", "xdotool")


@pytest.fixture(scope="session")
def desktop() -> Iterator[Desktop]:
    missing = [program for program in NEEDED if not shutil.which(program)]
    assert not missing, f"apt install {' '.join(missing).lower()}: the end-to-end tests use a real window"
    with running(Desktop()) as started:
        yield started


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def open_window(desktop: Desktop, home: Path, stack: ExitStack) -> Callable[..., Window]:
    """``open_window(*arguments)`` starts dockscope in a process of its own."""

    def start(*arguments: str) -> Window:
        return stack.enter_context(running(Window(desktop, home, *arguments)))

    return start


@pytest.fixture
def start_producer(stack: ExitStack) -> Callable[..., ProducerProcess]:
    """``start_producer(module, *arguments)`` starts a bundled producer."""

    def start(module: str, *arguments: str) -> ProducerProcess:
        return stack.enter_context(running(ProducerProcess(module, *arguments)))

    return start
