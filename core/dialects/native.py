"""dockscope's own wire as a dialect: ``dockscope://`` and ``dockscope+ipc://``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..link_address import parse_address
from ..messages import Kind
from .base import Dialect, ProbeResult, Sink, SourceOptions, Topics
from .recognition import Heard

if TYPE_CHECKING:
    from ..link import Link

STREAM_KINDS = frozenset({Kind.SPECTRUM.value, Kind.SCENE.value, Kind.FRAME.value, Kind.DATA.value})


def open_native(url: str, sink: Sink, *, key: str, options: SourceOptions) -> Link:
    """Make a link (see ``base.Factory``).

    Raises:
        ValueError: the URL is wrong, as a sentence.
    """
    from ..link import ALL_TOPICS, Link  # with asyncio and ZeroMQ, which no URL needs to be understood

    address = parse_address(url)
    topics = ALL_TOPICS if options.topics is None else options.topics
    return Link(address, sink, key=key, topics=narrowed(topics, address.only))


def narrowed(topics: Topics, only: Sequence[str]) -> Topics:
    """Subscribe to the named streams alone, where kinds have streams; the other kinds stay whole.

    Args:
        topics: what to subscribe to otherwise. only: names, none for all.
    """
    if not only:
        return topics
    whole = [(kind, stream) for kind, stream in topics if kind not in STREAM_KINDS]
    return [*whole, *((kind, name) for kind, _ in topics if kind in STREAM_KINDS for name in only)]


def normalize(url: str) -> str:
    """Return the one spelling of a native URL, so that the same address is the same source.

    Raises:
        ValueError: the URL is wrong, as a sentence.
    """
    return parse_address(url).url


async def probe(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    """Connect, greet, leave (see ``base.Dialect``)."""
    from .probe import probe_greeting

    return await probe_greeting(url, options, timeout_s)


async def recognize(heard: Heard) -> str | None:
    """Take a ROUTER, the socket that producers bind; whether it is one, its greeting tells (see ``base.Dialect``)."""
    return f"dockscope://{heard.place}" if heard.socket_type == "ROUTER" else None


DIALECT = Dialect(open=open_native, normalize=normalize, probe=probe, recognize=recognize)
