"""A hub, a clock and a theme for docks, and messages as a link would deliver them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dockscope.core.hub import Hub
from dockscope.core.messages import Hello, Kind
from dockscope.core.run_control import LinkState
from dockscope.core.settings import Settings
from dockscope.core.wire import DataMessage
from dockscope.gui.dock import DockContext
from dockscope.gui.dock_area import configure_docking
from dockscope.gui.frame_clock import FrameClock
from dockscope.gui.theme import ThemeSwitch

from .window_bench import LoopBench, WindowBench

KEY = "dockscope://127.0.0.1:5560"
HELLO = Hello(
    producer=b"p" * 16,
    name="trainer",
    host="here",
    pid=4711,
    capabilities=("pause", "resume", "stop", "set"),
    role="operate",
)


@pytest.fixture(scope="module", autouse=True)
def collected_at_the_end() -> Iterator[None]:
    """What the tests of a file leave behind is destroyed in the thread that made it."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def collected_here() -> Iterator[None]:
    """No other thread collects during a test: Qt's objects may be destroyed in their own thread only."""
    gc.disable()
    yield
    gc.collect(1)
    gc.enable()


@pytest.fixture
def hub() -> Hub:
    """A hub with one live producer, named trainer."""
    hub = Hub()
    hub.add(KEY, KEY)
    hub.greet(KEY, HELLO, "operate")
    hub.link(KEY, LinkState.LIVE)
    hub.caught_up(KEY)
    return hub


@pytest.fixture
def deliver(hub: Hub) -> Callable[..., None]:
    """``deliver(kind, stream, message)`` as a link would, with numbers from 1 in each stream."""
    numbers: dict[tuple[Kind, str], int] = {}

    def put(kind: Kind, stream: str, message: Any, *, sent_ns: int = 1_700_000_000_000_000_000) -> None:
        counted = kind not in (Kind.SERIES, Kind.METRIC)
        n = numbers[kind, stream] = numbers.get((kind, stream), 0) + 1 if counted else 0
        hub.receive(
            KEY,
            DataMessage(
                kind=kind, stream=stream, n=n, sent_ns=sent_ns, subscription=b"s" * 16, nbytes=100, message=message
            ),
        )

    return put


@pytest.fixture
def told() -> list[str]:
    """The sentences that were told to the user."""
    return []


@pytest.fixture
def context(qtbot: object, hub: Hub, tmp_path: Path, told: list[str]) -> Iterator[DockContext]:
    """What docks are given; its clock ticks with Qt's events."""
    clock = FrameClock(hub.take_changes)
    hub.on_change = clock.arm
    themes = ThemeSwitch("dark")
    themes.apply()
    yield DockContext(
        hub=hub,
        settings=Settings(tmp_path / "settings.json"),
        themes=themes,
        clock=clock,
        tell=told.append,
        actions={},
    )
    clock.stop()


@pytest.fixture(scope="session", autouse=True)
def docking(qapp: object) -> None:
    """QtAds' options are global and must be set before the first manager."""
    configure_docking()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The user's settings: a file of this test's own, without desktop notifications."""
    return Settings(tmp_path / "settings.json", notifications=False)


@pytest.fixture
def bench(qapp: Any) -> Iterator[LoopBench]:
    """An event loop on Qt's, as asyncio code of the window has it."""
    bench = LoopBench(qapp)
    yield bench
    bench.close()


@pytest.fixture
def open_window(qapp: Any, settings: Settings) -> Iterator[Callable[..., WindowBench]]:
    """``open_window(hub=…, found=…, ask=…, settings=…)`` makes the whole window; it is taken apart at the end."""
    opened: list[WindowBench] = []

    def make(**parts: Any) -> WindowBench:
        loop = opened[0].loop if opened else None
        opened.append(WindowBench(qapp, parts.pop("settings", settings), loop=loop, **parts))
        return opened[-1]

    yield make
    for bench in reversed(opened):
        bench.close()
