"""What every test obeys: nothing unexpected is logged, nothing is left behind, nothing is waited for by sleeping.

- Python warnings are errors and Qt messages fail (``[tool.pytest.ini_options]``).
- A log record at WARNING or above fails the test, unless ``expect_log`` announced it.
- A thread, asyncio task, socket, ZeroMQ context or child process that outlives its test fails it.
- ``wait_for`` and ``wait_for_async`` wait for a condition with a deadline.

The user's own folders are out of reach: the XDG folders point into a temporary one, for child processes as well.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest

# Before anything loads Qt. A test that wants a real window starts it in its own process with its own environment.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Short, because the path of a Unix socket may have 107 bytes only.
_HOME = Path(tempfile.mkdtemp(prefix="dsc-"))
for _variable in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
    _folder = _HOME / _variable.split("_")[1].lower()
    _folder.mkdir(mode=0o700)
    os.environ[_variable] = str(_folder)

# No limit of time, neither for an example nor for making one: the machine may be busy.
UNTIMED: dict[str, Any] = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("default", max_examples=60, print_blob=True, **UNTIMED)
hypothesis.settings.register_profile("soak", max_examples=3000, print_blob=True, **UNTIMED)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

GRACE_S = 3.0  # for what was told to end in the test and is about to
POLL_S = 0.004


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


class LogWatch(logging.Handler):
    """Collects what is logged at WARNING or above, and what a test said it expects."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []
        self.expected: list[tuple[re.Pattern[str], str, int]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def expect(self, pattern: str, *, logger: str = "dockscope", at_least: int = 1) -> None:
        """Announce log records.

        Args:
            pattern: regular expression, searched in the message.
            logger: name of the logger or of one above it.
            at_least: as many must have come when the test ends; 0 allows without asking.
        """
        self.expected.append((re.compile(pattern), logger, at_least))

    def seen(self, pattern: str, *, logger: str = "dockscope") -> list[logging.LogRecord]:
        """Return the records so far that an expectation with these arguments would take."""
        return [record for record in list(self.records) if _matches(record, re.compile(pattern), logger)]

    def complaints(self) -> list[str]:
        """Return a line for each record nobody expected and each expectation that was not met."""
        stray = [
            f"stray log record: {record.levelname} {record.name}: {record.getMessage()}"
            + (f"\n{logging.Formatter().formatException(record.exc_info)}" if record.exc_info else "")
            for record in self.records
            if not any(_matches(record, pattern, logger) for pattern, logger, _ in self.expected)
        ]
        missing = [
            f"expected at least {at_least} log record(s) of {logger} like {pattern.pattern!r}, saw {count}"
            for pattern, logger, at_least in self.expected
            if (count := sum(_matches(record, pattern, logger) for record in self.records)) < at_least
        ]
        return stray + missing


def _matches(record: logging.LogRecord, pattern: re.Pattern[str], logger: str) -> bool:
    of_logger = logger in {"", record.name} or record.name.startswith(f"{logger}.")
    return of_logger and pattern.search(record.getMessage()) is not None


class Belongings:
    """Everything this process holds that a test has to give back; a snapshot is a set of (kind, identity, name)."""

    @staticmethod
    def now() -> set[tuple[str, object, str]]:
        held: set[tuple[str, object, str]] = set()
        held |= {("thread", thread.ident, thread.name) for thread in threading.enumerate()}
        held |= {("asyncio task", id(task), repr(task)) for task in _unfinished_tasks()}
        held |= {("socket", link, link) for link in _open_sockets()}
        held |= {("zmq context", tid, f"its I/O thread {tid}") for tid in _zmq_io_threads()}
        held |= {("child process", child.pid, _command(child)) for child in psutil.Process().children()}
        # Python's own servant of multiprocessing lives as long as the interpreter.
        return {entry for entry in held if "multiprocessing.resource_tracker" not in entry[2]}

    @classmethod
    def left_over(cls, before: set[tuple[str, object, str]]) -> list[str]:
        """Return what came since ``before`` and does not go within the grace period, one line each."""
        known = {entry[:2] for entry in before}
        deadline = time.monotonic() + GRACE_S
        while extra := sorted(f"{kind}: {name}" for kind, key, name in cls.now() if (kind, key) not in known):
            if time.monotonic() > deadline:
                return extra
            gc.collect()
            time.sleep(POLL_S)
        return []


def _unfinished_tasks() -> list[asyncio.Task]:
    # asyncio.all_tasks wants a loop, and the loop of the test is gone by now: only the register itself knows.
    register = getattr(asyncio.tasks, "_scheduled_tasks", None) or getattr(asyncio.tasks, "_all_tasks", ())
    return [task for task in list(register) if not task.done()]


def _open_sockets() -> set[str]:
    links = set()
    for descriptor in Path("/proc/self/fd").glob("*"):
        try:
            target = str(descriptor.readlink())
        except OSError:  # closed since it was listed
            continue
        if target.startswith("socket:"):
            links.add(target)
    return links


def _zmq_io_threads() -> set[str]:
    found = set()
    for task in Path("/proc/self/task").glob("*"):
        try:
            if (task / "comm").read_text().startswith("ZMQbg/IO"):
                found.add(task.name)
        except OSError:  # ended since it was listed
            continue
    return found


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return "ended, but nobody waited for it"


@pytest.fixture
def log_watch() -> Iterator[LogWatch]:
    """The log records of this test at WARNING or above; see ``expect_log`` for the usual way."""
    watch = LogWatch()
    root = logging.getLogger()
    root.addHandler(watch)
    yield watch
    root.removeHandler(watch)


@pytest.fixture
def expect_log(log_watch: LogWatch) -> Callable[..., None]:
    """``expect_log(pattern, logger="dockscope", at_least=1)``: this test causes such a record, and it must come."""
    return log_watch.expect


@pytest.fixture(autouse=True)
def nothing_unexpected(log_watch: LogWatch) -> Iterator[None]:
    """Fail the test for stray log records and for what it leaves behind."""
    before = Belongings.now()
    yield
    complaints = [f"left over: {line}" for line in Belongings.left_over(before)] + log_watch.complaints()
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    """``wait_for(condition, timeout_s=5.0, what="")`` returns the first true value of ``condition()`` or fails."""

    def wait(condition: Callable[[], object], timeout_s: float = 5.0, what: str = "") -> Any:
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > deadline:
                pytest.fail(f"not within {timeout_s} s: {what or _source_of(condition)}")
            time.sleep(POLL_S)
        return value

    return wait


@pytest.fixture
def wait_for_async() -> Callable[..., Awaitable[Any]]:
    """The same for a coroutine: ``await wait_for_async(condition, timeout_s=5.0)`` lets the loop run meanwhile."""

    async def wait(condition: Callable[[], object], timeout_s: float = 5.0, what: str = "") -> Any:
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > deadline:
                pytest.fail(f"not within {timeout_s} s: {what or _source_of(condition)}")
            await asyncio.sleep(POLL_S)
        return value

    return wait


def _source_of(condition: Callable[[], object]) -> str:
    code = getattr(condition, "__code__", None)
    return f"the condition at {code.co_filename}:{code.co_firstlineno}" if code else repr(condition)
