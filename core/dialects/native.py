"""dockscope's own wire as a dialect: ``dockscope://``, ``dockscope+ipc://`` and, until others are asked, ``tcp://``."""

from __future__ import annotations

from collections.abc import Sequence

from ..link import ALL_TOPICS, Link
from ..link_address import parse_address
from ..messages import Kind
from .base import Dialect, Sink, SourceOptions, Topics
from .probe import probe_greeting

STREAM_KINDS = frozenset({Kind.SPECTRUM.value, Kind.SCENE.value, Kind.FRAME.value, Kind.DATA.value})


def open_native(url: str, sink: Sink, *, key: str, options: SourceOptions) -> Link:
    """Make a link (see ``base.Factory``).

    Raises:
        ValueError: the URL is wrong, as a sentence.
    """
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


DIALECT = Dialect(open=open_native, normalize=normalize, probe=probe_greeting)
