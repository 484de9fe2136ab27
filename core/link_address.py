"""Where a producer listens: read from a URL, resolved to a number before libzmq sees it.

libzmq would resolve names in its own I/O thread, tell nothing when there is no such host, and could not be closed
while a name server is silent.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from .dialects.only import query_names, query_of

LOOPBACK = "127.0.0.1"
# Producers bind IPv4 loopback by default, while "localhost" often names ::1 first.
LOOPBACK_NAMES = ("*", "localhost", "localhost.")
MAX_IPC_BYTES = 107
RESOLVE_S = 5.0


class LinkError(Exception):
    """The world is not as it should be: no such host, nobody there. The text is a sentence for a person."""


@dataclass(frozen=True)
class LinkAddress:
    """A host and port, or the path of a Unix socket.

    Args:
        host: as written, "" for a Unix socket. path: of the Unix socket, else "".
        only: names to narrow the source to, none for all.
    """

    host: str = ""
    port: int = 0
    path: str = ""
    only: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """Return it as a person would say it."""
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Return its URL."""
        start = f"dockscope+ipc://{self.path}" if self.path else f"dockscope://{self.where}"
        return start + query_of({"only": self.only} if self.only else {})

    async def endpoint(self) -> str:
        """Return the address for libzmq.

        Raises:
            LinkError: there is no such host.
        """
        if self.path:
            return f"ipc://{self.path}"
        number = await resolve(self.host, self.port)
        return f"tcp://[{number}]:{self.port}" if ":" in number else f"tcp://{number}:{self.port}"


def parse_address(url: str) -> LinkAddress:
    """Read ``dockscope://host:port`` or ``dockscope+ipc:///path``.

    Each address has one spelling: the hosts ``*`` and ``localhost`` are 127.0.0.1.

    Raises:
        ValueError: what is wrong with it, as a sentence.
    """
    parts, port = url_parts(url, "dockscope://127.0.0.1:5560")
    only = query_names(url).get("only", ())
    if parts.scheme.lower() == "dockscope+ipc":
        if parts.netloc or len(parts.path) < 2 or len(parts.path.encode()) > MAX_IPC_BYTES:
            raise ValueError(f"{url[:80]!r}: write the path of a Unix socket like dockscope+ipc:///run/user/me.sock")
        return LinkAddress(path=parts.path, only=only)
    if parts.username is not None or parts.password is not None:
        raise ValueError("A dockscope URL carries no user name and no password")
    if not parts.hostname or not port or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(f"{url[:80]!r} needs a host and a port, nothing more: like dockscope://127.0.0.1:5560")
    return LinkAddress(one_spelling(parts.hostname), port, only=only)


def one_spelling(host: str) -> str:
    """Return a host as all its spellings are told: what is connected under one must not be so under another."""
    if host in LOOPBACK_NAMES:
        return LOOPBACK
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.removesuffix(".")


def url_parts(url: str, example: str) -> tuple[SplitResult, int | None]:
    """Split a URL; ``example`` is a right one, for the message.

    Raises:
        ValueError: its port is none, as a sentence.
    """
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:  # its own words are for programmers
        raise ValueError(f"{url[:80]!r} has no valid port: write it like {example}") from None


async def resolve(host: str, port: int) -> str:
    """Return the number of a host, IPv4 if it has one.

    Raises:
        LinkError: there is no such host.
    """
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    numbers = await _look_up(host, port)
    return next((number for number in numbers if ":" not in number), numbers[0])


async def _look_up(host: str, port: int) -> list[str]:
    """Ask the resolver in a thread of its own: one that hangs must not hold up the end of the program."""
    import asyncio  # URLs are read before the first paint, which need not wait for it

    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def settle(numbers: list[str]) -> None:
        if not answer.done():
            answer.set_result(numbers)

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            numbers = [str(address[0]) for *_, address in found]
        except (OSError, UnicodeError):
            numbers = []
        try:
            loop.call_soon_threadsafe(settle, numbers)
        except RuntimeError:
            pass  # the loop ended while the name server was silent: nobody waits any more

    threading.Thread(target=ask, name="dockscope-resolve", daemon=True).start()
    try:
        async with asyncio.timeout(RESOLVE_S):
            numbers = await answer
    except TimeoutError:
        numbers = []
    if not numbers:
        raise LinkError(host)
    return numbers
