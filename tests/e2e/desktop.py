"""A desktop for one test: an X server, a window manager, the mouse and the keyboard, and windows run on it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROBE = Path(__file__).parent / "window_probe.py"
DEADLINE_S = 20.0
ANSWER_S = 15.0


def until(condition: Callable[[], Any], what: str, timeout_s: float = DEADLINE_S) -> Any:
    """Wait until ``condition()`` is true and return its value."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.01)
    return value


class Desktop:
    """Xvfb with openbox on a display of its own."""

    def __init__(self, width_px: int = 1920, height_px: int = 1200) -> None:
        read, write = os.pipe()
        # Without -noreset the server starts anew, and takes the window manager along, when the first asker leaves.
        size = f"{width_px}x{height_px}x24"
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp", "-noreset"],
            pass_fds=[write],
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        with os.fdopen(read) as told:
            self.display = f":{int(told.readline())}"
        self.environment = {**os.environ, "DISPLAY": self.display}
        self.environment.pop("QT_QPA_PLATFORM", None)
        self._manager = subprocess.Popen(
            ["openbox"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._is_managed, "a window manager")

    def _is_managed(self) -> bool:
        asked = subprocess.run(
            ["xdotool", "get_num_desktops"], env=self.environment, capture_output=True, text=True, check=False
        )
        return asked.returncode == 0 and asked.stdout.strip().isdecimal()

    def close(self) -> None:
        for process in (self._manager, self._server):
            process.terminate()
            process.wait(timeout=10)

    def do(self, *words: object) -> None:
        """Run xdotool with these words."""
        subprocess.run(["xdotool", *map(str, words)], env=self.environment, check=True, capture_output=True)

    def click(self, place: dict[str, Any], button: int = 1) -> None:
        """Click the middle of a widget."""
        self.do("mousemove", *middle(place), "click", button)

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Drag as a hand does: docks take no jump for a drag, and show where they can go after a moment."""
        self.do("mousemove", *start, "sleep", 0.1, "mousedown", 1, "sleep", 0.1)
        for step in range(1, 13):
            x = start[0] + (end[0] - start[0]) * step // 12
            y = start[1] + (end[1] - start[1]) * step // 12
            self.do("mousemove", x, y, "sleep", 0.02)
        self.do("sleep", 0.3, "mouseup", 1, "sleep", 0.5)

    def type(self, text: str) -> None:
        """Type text into what has the focus."""
        self.do("type", "--delay", 5, text)

    def key(self, keys: str) -> None:
        """Press a key or a combination, in xdotool's words: "ctrl+p"."""
        self.do("key", keys)


class Window:
    """dockscope in a process of its own, on a desktop, with a home of its own."""

    def __init__(self, desktop: Desktop, home: Path, *arguments: str) -> None:
        self.desktop = desktop
        self.folder = tempfile.TemporaryDirectory(prefix="dsw-")  # short: a socket's path has 107 bytes
        path = str(Path(self.folder.name) / "probe")
        self.output = (home / "window.txt").open("a+")
        self.process = subprocess.Popen(
            [sys.executable, str(PROBE), path, "--temp-basedir", str(home), *arguments],
            env=desktop.environment,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        self._socket = socket.socket(socket.AF_UNIX)
        self._lines: Any = None
        try:
            until(lambda: self._connect(path), "the window's process")
            self._socket.settimeout(ANSWER_S)
            self._lines = self._socket.makefile("rw")
            until(lambda: self.ask("window"), "the window")
        except BaseException:
            self.dispose()
            raise

    def _connect(self, path: str) -> bool:
        assert self.process.poll() is None, f"the window ended at its start:\n{self.told()}"
        try:
            self._socket.connect(path)
        except OSError:
            return False
        return True

    def ask(self, what: str, **question: Any) -> Any:
        """Ask the probe; a failed look fails the test."""
        self._lines.write(json.dumps({"ask": what, **question}) + "\n")
        self._lines.flush()
        try:
            line = self._lines.readline()
        except TimeoutError:
            self.process.send_signal(signal.SIGUSR1)  # the probe writes where every thread is
            until(lambda: "most recent call first" in self.told(), "the stacks of a window that hangs")
            raise AssertionError(f"the window does not answer {what}:\n{self.told()}") from None
        assert line, f"the window ended:\n{self.told()}"
        answer = json.loads(line)
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return answer

    def button(self, text: str) -> dict[str, Any]:
        """Wait for a visible, enabled button with this text that stands still: a new window may still be moved."""
        seen: list[Any] = [None]

        def settled() -> Any:
            seen.append(self.ask("button", text=text))
            time.sleep(0.05)
            return seen[-1] and seen[-1]["enabled"] and seen[-1] == seen[-2] and seen[-1]

        return until(settled, f"button {text}")

    def choose(self, *texts: str) -> None:
        """Click these entries one after another, each in the menu that the one before has opened."""
        for menu, text in zip(("", *texts), texts, strict=False):
            self.desktop.click(until(lambda menu=menu, text=text: self.ask("entry", text=text, menu=menu), text))

    def click_button(self, text: str) -> None:
        self.desktop.click(self.button(text))

    def state(self) -> str:
        """What the toolbar says of the target."""
        return self.ask("window")["state"]

    def producer(self, name: str) -> dict[str, Any]:
        return self.ask("producers").get(name, {})

    def told(self) -> str:
        """Everything the program has written to the terminal."""
        self.output.flush()
        self.output.seek(0)
        return self.output.read()

    def close(self, timeout_s: float = 10.0) -> int:
        """Close the window through the window manager, with its key for that; returns the exit code."""
        if self.process.poll() is None:
            self.ask_to_close()
        return self._reap(timeout_s)

    def ask_to_close(self) -> None:
        """Press the window manager's key for closing the window that has the focus (xdotool's own would tear it)."""
        mine = ["search", "--onlyvisible", "--pid", self.process.pid, "--name", "^dockscope"]
        self.desktop.do(*mine, "windowactivate", "--sync")
        self.desktop.key("alt+F4")

    def _reap(self, timeout_s: float) -> int:
        try:
            return self.process.wait(timeout_s)
        finally:
            self.dispose()

    def dispose(self) -> None:
        """End the process whatever it does, and let go of what it used."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._lines is not None:
            self._lines.close()
        self._socket.close()
        self.output.close()
        self.folder.cleanup()


class ProducerProcess:
    """A real producer: one of the bundled programs in a process of its own."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"dockscope.core.demos.{module}", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, f"{module} told no URL"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def finish(self, timeout_s: float = 15.0) -> tuple[int, str]:
        """Wait for the end; returns exit code and what was printed after the URL."""
        assert self.process.stdout is not None
        code = self.process.wait(timeout_s)
        return code, self.process.stdout.read()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()


class ScriptProcess(ProducerProcess):
    """A producer from a few lines of Python that print the URL first.

    Args:
        script: the program. arguments: its sys.argv[1:].
    """

    def __init__(self, script: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdout=subprocess.PIPE,
            text=True,  # and stderr stays this process's own: a failed test shows what the script said
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            self.close()
            raise AssertionError("the script told no URL")


@contextlib.contextmanager
def running(thing: Any) -> Iterator[Any]:
    """Use a desktop, window or producer and end it, however the test goes."""
    try:
        yield thing
    finally:
        (thing.dispose if isinstance(thing, Window) else thing.close)()


def middle(place: dict[str, Any]) -> tuple[int, int]:
    """The middle of a widget on the screen."""
    return place["x"] + place["width"] // 2, place["y"] + place["height"] // 2
