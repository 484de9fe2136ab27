"""What tests of the device server serve, and how they ask it: plain requests, and event streams read line by line."""

from __future__ import annotations

import http.client
import json
import queue
import threading
from typing import Any

END = object()
MOST_PINGS = 15


class DrivenDevice:
    """Streams what the test emits, from a thread of its own; written like the classes of the seed."""

    def __init__(self, device_id, start_error=None):
        self.device_id = device_id
        self.starts = self.stops = 0
        self.callback = None
        self._start_error = start_error
        self._values = queue.Queue()
        self._thread = None

    def emit(self, *values):
        """Have the stream deliver values."""
        for value in values:
            self._values.put(value)

    def start_streaming(self, callback):
        if self._start_error:
            raise self._start_error
        self.callback = callback
        self._values = queue.Queue()
        self._thread = threading.Thread(target=self._run, args=(callback, self._values), daemon=True)
        self._thread.start()
        self.starts += 1

    def stop_streaming(self, timeout=None):
        self.stops += 1
        self._values.put(END)
        if self._thread is not None:
            self._thread.join(timeout)

    def is_streaming(self):
        return self._thread is not None and self._thread.is_alive()

    def _run(self, callback, values):
        while (value := values.get()) is not END:
            callback(value)


class Laser:
    """A device that does not stream: quick, slow, broken and private methods, and attributes that are none."""

    limit = property(lambda self: 1 / 0)
    factory = dict

    def __init__(self, device_id, nm: float = 1550.0):
        self.device_id = device_id
        self.nm = nm
        self.gifts = {}
        self.hook = lambda: "not for everybody"
        self.entered, self.may_return = threading.Event(), threading.Event()

    def connect(self):
        pass

    def disconnect(self):
        pass

    def set_wavelength(self, nm: float, wait: bool = True):
        self.nm = nm

    def get_wavelength(self):
        return self.nm

    def block(self):
        self.entered.set()
        self.may_return.wait(20.0)
        return "unblocked"

    def give(self, what: str):
        """Return or raise one of the things in ``gifts``."""
        gift = self.gifts[what]
        if isinstance(gift, BaseException):
            raise gift
        return gift

    def _secret(self):
        return "secret"


def ask(
    server: Any, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """Send one request over its own connection; returns the status and the JSON of the answer, None without a body."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10.0)
    try:
        return ask_on(connection, method, path, body, headers)
    finally:
        connection.close()


def ask_on(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any]:
    """The same over a connection that is there; bytes are sent as they are."""
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection.request(method, path, content, headers or {})
    answer = connection.getresponse()
    told = answer.read()
    return answer.status, json.loads(told, parse_constant=_refuse) if told else None


def call(server: Any, device: str, method: str, *args: Any, **kwargs: Any) -> tuple[int, Any]:
    """Call a method of a device."""
    return ask(server, "POST", f"/devices/{device}/call", {"method": method, "args": args, "kwargs": kwargs})


class EventReader:
    """One client of a stream, for the length of a ``with`` block."""

    def __init__(self, server: Any, device: str, headers: dict[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection(server.host, server.port, timeout=10.0)
        self._connection.request("GET", f"/stream/devices/{device}", headers=headers or {})
        self.answer = self._connection.getresponse()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answer.close()
        self._connection.close()

    def block(self) -> bytes:
        """Return the next event as it was sent, b"" at the end of the answer."""
        lines = []
        while (line := self.answer.readline()) not in (b"\r\n", b""):
            lines.append(line)
        return b"".join(lines)

    def event(self) -> dict[str, Any]:
        """Return the next event apart from pings: name, data and perhaps id; {} at the end."""
        for _ in range(MOST_PINGS):
            fields = dict(line.split(": ", 1) for line in self.block().decode().splitlines())
            if fields.get("event") != "ping":
                return fields | {"data": json.loads(fields["data"], parse_constant=_refuse)} if fields else {}
        raise AssertionError(f"nothing but {MOST_PINGS} pings")

    def readings(self, count: int) -> list[tuple[int, Any]]:
        """Return number and value of the next readings, which must follow on each other without another event."""
        events = [self.event() for _ in range(count)]
        assert {event["event"] for event in events} <= {"device_data"}
        return [(int(event["id"]), event["data"]) for event in events]


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")
