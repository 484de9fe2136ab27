"""Where a foreign source is: the parts of its URL, checked."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..access import is_loopback
from ..link_address import LOOPBACK, MAX_IPC_BYTES, LinkAddress, one_spelling, url_parts
from .only import query_names, query_of


@dataclass(frozen=True)
class ForeignAddress:
    """A URL taken apart.

    Args:
        scheme: of the URL, in lower case. host, port: as written, the host of ``*`` is loopback.
        path: of a Unix socket, else "".
        binds: the producer connects to us, not we to it. query: names asked for, by option.
    """

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""
    binds: bool = False
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Return host and port, or the path, as a person would say it."""
        return self._link.where

    @property
    def url(self) -> str:
        """Return its one spelling."""
        place = f"*:{self.port}" if self.binds and self.host == LOOPBACK else self.where
        return f"{self.scheme}://{place}{query_of(self.query)}"

    @property
    def is_open(self) -> bool:
        """Tell whether other machines can reach what is bound here."""
        return self.binds and not is_loopback(self.host)

    async def endpoint(self) -> str:
        """Return the address for libzmq, its host resolved.

        Raises:
            LinkError: there is no such host.
        """
        return await self._link.endpoint()

    @property
    def _link(self) -> LinkAddress:
        return LinkAddress(self.host, self.port, self.path)


def parse_foreign(url: str, *, example: str, options: Collection[str] = ("only",)) -> ForeignAddress:
    """Read ``scheme://host:port``, ``scheme://*:port`` or ``scheme+ipc:///path``, with ``?option=NAME,NAME``.

    The host ``*`` binds loopback, an unspecified address (0.0.0.0, [::]) every interface; any other is connected to.

    Args:
        url: as a person typed it. example: a right one, for the message. options: that may follow.

    Raises:
        ValueError: what is wrong with it, as a sentence.
    """
    parts, port = url_parts(url, example)
    scheme, query = parts.scheme.lower(), query_names(url, options)
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"A URL carries no user name and no password: write it like {example}")
    if scheme.endswith("+ipc"):
        if parts.netloc or len(parts.path) < 2 or len(parts.path.encode()) > MAX_IPC_BYTES:
            raise ValueError(f"{url[:80]!r}: write the path of a Unix socket like {scheme}:///run/user/me.sock")
        return ForeignAddress(scheme, path=parts.path, query=query)
    if not parts.hostname or not port or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(f"{url[:80]!r} needs a host and a port, nothing more: like {example}")
    binds = parts.hostname == "*" or _is_unspecified(parts.hostname)
    return ForeignAddress(scheme, one_spelling(parts.hostname), port, binds=binds, query=query)


def check_open(address: ForeignAddress, insecure: bool) -> None:
    """Refuse to bind where other machines reach it, unless that was asked for.

    Raises:
        ValueError: the sentence that says what to do.
    """
    if address.is_open and not insecure:
        loopback = f"{address.scheme}://*:{address.port}"
        raise ValueError(
            f"{address.where} would take data from any machine: bind {loopback} and use an SSH tunnel, or allow it in "
            "the settings or with --insecure"
        )


def binds_openly(url: str) -> bool:
    """Tell whether the URL of a source has dockscope listen where other machines reach it."""
    try:
        parts = urlsplit(url)
        return not parts.scheme.startswith("dockscope") and _is_unspecified(parts.hostname or "")
    except ValueError:  # such as a name of another package's own making
        return False


def _is_unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
