"""A real browser without a screen, steered by the DevTools protocol over one WebSocket."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

PROGRAM = "chromium"
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # it has no user to change to in a container; it opens nothing but pages of ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-port=0",
)
START_S = 30.0
POLL_S = 0.02


class Browser:
    """Chromium for the time of an ``async with``; ``open`` gives pages."""

    def __init__(self) -> None:
        assert shutil.which(PROGRAM), "apt install chromium: the pages are tested in a real browser"
        self._home = tempfile.mkdtemp(prefix="dsc-chromium-")
        self._log = Path(self._home, "log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, *FLAGS, f"--user-data-dir={self._home}/profile", "about:blank"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    async def __aenter__(self):
        try:
            async with asyncio.timeout(START_S):
                self._socket = await connect(await self._address(), max_size=64 * 2**20, compression=None, proxy=None)
        except BaseException:
            self._end()
            raise
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._reading = asyncio.ensure_future(self._read(self._socket))
        return self

    async def __aexit__(self, *_):
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._socket.close()
        self._end()

    async def open(self, url: str, *, width: int = 1280, height: int = 720, dark: bool = True) -> Page:
        """Open a page; what goes wrong from its first byte on is in ``page.complaints``."""
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Runtime", "Log", "Page", "Network"):
            await page.call(f"{domain}.enable")
        await page.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await page.call("Emulation.setEmulatedMedia", features=[scheme])
        await page.call("Page.navigate", url=url)
        await page.until("document.readyState === 'complete'")
        return page

    async def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Give a command of the protocol and return its result."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters}
        await self._socket.send(json.dumps(message if session is None else {**message, "sessionId": session}))
        return await asyncio.wait_for(answer, START_S)

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            message = json.loads(text)
            if "id" in message:
                answer = self._answers.pop(message["id"])
                if "error" in message:
                    answer.set_exception(RuntimeError(message["error"]["message"]))
                else:
                    answer.set_result(message["result"])
            elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
                page.take(message["method"], message["params"])

    async def _address(self) -> str:
        while True:
            lines = self._port_lines()
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            assert self._process.poll() is None, self._log.read_text()
            await asyncio.sleep(POLL_S)

    def _port_lines(self) -> list[str]:
        port_file = Path(self._home, "profile", "DevToolsActivePort")
        return port_file.read_text().split() if port_file.exists() else []

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)


class Page:
    """A page of a browser.

    Attributes:
        complaints: everything at the level of an error or a warning that its console got.
    """

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session
        self.complaints: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self._browser.call(method, self._session, **parameters)

    def take(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(parameters["entry"]["text"])

    async def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str, timeout_s: float = 20.0) -> Any:
        """Wait until an expression is true and return its value."""
        deadline = time.monotonic() + timeout_s
        while True:
            value = await self.ask(expression)
            if value:
                return value
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {expression}; console: {self.complaints}"
            await asyncio.sleep(POLL_S)

    async def text(self, selector: str) -> str:
        return await self.ask(f"document.querySelector({json.dumps(selector)}).textContent")

    async def click(self, selector: str) -> None:
        """Press the mouse in the middle of an element."""
        box = await self.ask(
            f"(() => {{const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2];})()"
        )
        where = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, **where)

    async def press(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)
