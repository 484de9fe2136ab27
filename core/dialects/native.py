"""dockscope's own wire as a dialect: ``dockscope://``, ``dockscope+ipc://`` and, until others are asked, ``tcp://``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..link_address import parse_address
from ..messages import Kind
from .base import Sink, Topics

if TYPE_CHECKING:
    from ..link import Link

STREAM_KINDS = frozenset({Kind.SPECTRUM.value, Kind.SCENE.value, Kind.FRAME.value, Kind.DATA.value})


def open_native(url: str, sink: Sink, *, key: str, name: str | None = None, topics: Topics | None = None) -> Link:
    """Make a link (see ``base.Factory``); the name is the sink's business.

    Args:
        url: where the producer listens. sink: gets what arrives. key: how the sink knows this source.
        name: unused, as the wire does not carry it.
        topics: (kind, stream or "*") pairs to subscribe to, all when not given; an empty list only greets.

    Raises:
        ValueError: the URL is wrong, as a sentence.
    """
    from ..link import ALL_TOPICS, Link  # with asyncio and ZeroMQ, which no URL needs to be understood

    address = parse_address(url)
    return Link(address, sink, key=key, topics=narrowed(ALL_TOPICS if topics is None else topics, address.only))


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
