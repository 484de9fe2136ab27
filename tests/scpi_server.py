"""A real instrument behind a TCP socket, which speaks SCPI and fails when told to."""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Self

IDENTITY = "dockscope,scpi server,1,0"


class ScpiServer:
    """Answers commands that end with a newline; each connection has its own thread.

    ``MEAS?`` answers 1, 2, 3, … so that a test sees which question an answer belongs to; ``ECHO? x`` answers x.

    Args:
        identity: answer to ``*IDN?``; None: it does not know the question and says nothing.
        answers: further commands, each with what is sent back (bytes, terminator included) or a function of the rest
            of the command that returns it.
        one_line: what is late goes to whoever is connected then, as behind a gateway to a serial line.
    """

    def __init__(
        self,
        *,
        identity: str | None = IDENTITY,
        answers: Mapping[str, bytes | Callable[[str], bytes]] | None = None,
        one_line: bool = False,
    ) -> None:
        self.identity = identity
        self.received: list[str] = []
        self.connections = 0
        self._answers: dict[str, Any] = {
            "*IDN?": lambda _: None if self.identity is None else f"{self.identity}\n".encode(),
            "MEAS?": self._measure,
            "ECHO?": lambda text: f"{text}\n".encode(),
            **(answers or {}),
        }
        self._one_line = one_line
        self._faults: deque[tuple[str, Any]] = deque()
        self._lasting: tuple[str, Any] | None = None
        self._measured = 0
        self._late: list[tuple[socket.socket, bytes]] = []
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()
        self._listener = _listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = self._begin(self._accept)

    @property
    def address(self) -> str:
        """The VISA address."""
        return f"TCPIP::127.0.0.1::{self.port}::SOCKET"

    @property
    def measured(self) -> int:
        """How many ``MEAS?`` were asked."""
        return self._measured

    def fail(self, kind: str, detail: Any = None, *, times: int = 1) -> None:
        """Let the next questions, ``*IDN?`` excepted, fail.

        Args:
            kind: silent, late (until ``send_late``), garbage, half, slow, close, reset.
            detail: the bytes of garbage, the seconds of slow. times: as many questions; 0 for all from now on.
        """
        if times:
            self._faults.extend([(kind, detail)] * times)
        else:
            self._lasting = (kind, detail)

    def recover(self) -> None:
        """Fail no more."""
        self._faults.clear()
        self._lasting = None

    def send_late(self) -> int:
        """Send the answers kept back by ``late``; return how many found somebody connected."""
        sent = 0
        late, self._late = self._late, []
        for connection, answer in late:
            try:
                (self._open[-1] if self._one_line else connection).sendall(answer)
                sent += 1
            except (OSError, IndexError):
                pass  # that connection is gone, as it is for a real instrument
        return sent

    def refuse(self) -> None:
        """Go away: close every connection and the port."""
        self._listener.close()
        for connection in tuple(self._open):
            _shut(connection)

    def come_back(self) -> None:
        """Listen on the same port again."""
        self._acceptor.join()  # which holds the port as long as it waits
        self._listener = _listen(self.port)
        self._acceptor = self._begin(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self.refuse()
        for thread in self._threads:
            thread.join(5.0)
            assert not thread.is_alive()

    def _begin(self, target: Callable[..., None], *args: Any) -> threading.Thread:
        thread = threading.Thread(target=target, args=args, daemon=True, name="scpi server")
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        listener = self._listener
        while not self._closing.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return  # closed
            self.connections += 1
            self._open.append(connection)
            self._begin(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    command = line.decode().strip()
                    self.received.append(command)
                    self._answer(connection, command)
        except OSError:
            pass  # the other side went away
        finally:
            self._open.remove(connection)

    def _answer(self, connection: socket.socket, command: str) -> None:
        word, _, rest = command.partition(" ")
        answer: Any = self._answers.get(word)
        if callable(answer):
            answer = answer(rest)
        if answer is None or "?" not in word:
            return
        kind, detail = self._next_fault() if word != "*IDN?" else ("", None)
        if kind == "late":
            self._late.append((connection, answer))
        elif kind == "slow":
            self._closing.wait(detail)
            connection.sendall(answer)
        elif kind == "garbage":
            connection.sendall(detail or b"\x00\xffgar\nbage\n")
        elif kind == "half":
            connection.sendall(answer[: len(answer) // 2])
        elif kind == "close":
            _shut(connection)
        elif kind == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionAbortedError  # leaving the connection closes it
        elif kind != "silent":
            connection.sendall(answer)

    def _next_fault(self) -> tuple[str, Any]:
        if self._faults:
            return self._faults.popleft()
        return self._lasting or ("", None)

    def _measure(self, _: str) -> bytes:
        self._measured += 1
        return f"{self._measured}\n".encode()


def _listen(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port))
    listener.settimeout(0.05)
    return listener


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it was closed by the other side
