"""What every source has in common, and which dialect a URL belongs to.

A dialect is one file here that ends with ``DIALECT = Dialect(…)``, plus one line in ``BUILT_IN`` for each scheme.
Other packages add theirs through the entry-point group ``dockscope.sources``: the name is the URL scheme, the object a
``Dialect``. docs/dialects.md shows how to write one: ``foreign`` gives it its life, ``reception`` takes what it reads.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..messages import Hello
from ..plug_ins import installed, load
from ..run_control import LinkState, Stage
from ..turns import Turns
from ..wire import DataMessage

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from ..asker import Asker
    from .recognition import Heard
    from .subscriber import Subscriber

logger = logging.getLogger("dockscope.dialects")

ENTRY_POINT_GROUP = "dockscope.sources"
Topics = Sequence[tuple[str, str]]

# Scheme to module; each module has a DIALECT. What is behind tcp:// is asked in this order, the particular first.
BUILT_IN = {
    "dockscope": "native",
    "dockscope+ipc": "native",
    "ovro": "ovro",
    "liveview": "liveview",
    "json+zmq": "json_zmq",
    "json+zmq+ipc": "json_zmq",
    "http": "device_sse",
    "ws": "placement_ws",
    "conduit": "conduit",
    "tcp": "finder",
}


class Sink(Protocol):
    """Where sources deliver: the hub, or what the command line prints from. All calls come from the loop's thread.

    Attributes:
        turns: say when a source may read, so that many of them leave the loop to others.
    """

    turns: Turns

    def add(self, key: str, url: str, name: str | None = None) -> Any:
        """Make a source known before anything else is told of it."""

    def greet(self, key: str, hello: Hello, role: str) -> None:
        """Take what the producer told of itself; another producer id than before is a new run."""

    def receive(self, key: str, message: DataMessage) -> None:
        """Take a data message."""

    def caught_up(self, key: str) -> None:
        """Take note that what was retained for late viewers has all been delivered: the rest is live."""

    def link(self, key: str, state: LinkState, detail: str = "") -> None:
        """Take the link state, and a sentence about it."""

    def gap(self, key: str, topic: str = "") -> None:
        """Take note that something may be missing here, where nobody numbers: curves are broken.

        Only those whose name is ``topic``, or begins with it and a dot, when there is one.
        """

    def latency(self, key: str, round_trip_s: float, offset_s: float) -> None:
        """Take a measured round trip, and the producer's clock minus ours."""

    def problem(self, key: str, cause: str, sentence: str, refused: int = 0) -> None:
        """Take a trouble: a short name for its cause, at most 140 characters for a person, and messages it cost."""

    def command(
        self, key: str, command_id: bytes, command: str, args: dict[str, Any], stage: Stage, reason: str = ""
    ) -> None:
        """Take how far a command has come."""

    def remember(self, key: str) -> tuple[list[Any], list[Any]]:
        """Return ``have`` and ``have_series`` of the subscribe request: what need not be sent again."""
        ...


class Source(Protocol):
    """Something that delivers messages into a sink and may be steered."""

    key: str
    url: str
    waits: bool  # the producer connects to us: that nobody is there yet is no reason to give up

    @property
    def parts(self) -> Mapping[str, Source]:
        """Return, by key, the sources of runs that it tells apart; its own key may be one. It steers all of them."""
        ...

    def start(self) -> None:
        """Begin, also with parts that were closed; what has begun goes on. Needs a running event loop."""

    async def close(self) -> None:
        """Leave, within half a second, without a task, socket or thread left; the producer goes on."""

    def send(self, command: str, args: dict[str, Any] | None = None) -> bytes:
        """Ask the producer for something; progress comes through ``Sink.command``.

        Returns:
            The id of the command.
        """
        ...

    def retry(self, id_: bytes) -> bool:
        """Send an open command once more, under its own id so that it cannot happen twice.

        Returns:
            False when there is no such open command, or nothing could be sent.
        """
        ...


class ProbeResult(NamedTuple):
    """What answered at a URL; when ``ok`` is false only ``sentence`` and ``url`` mean something.

    Args:
        streams: (kind, stream) pairs. role: observe or operate.
    """

    ok: bool
    sentence: str
    url: str
    name: str = ""
    host: str = ""
    pid: int = 0
    streams: tuple[tuple[str, str], ...] = ()
    role: str = "observe"


@dataclass(frozen=True)
class SourceOptions:
    """How a source is opened; each dialect takes what concerns it.

    Args:
        topics: (kind, stream or "*") pairs to subscribe to, None for all; an empty list only greets.
        insecure: addresses may be bound that other machines reach.
        adopted: a socket that stands already, as the one who found out what is behind it left it.
        asker: gives passwords and chooses streams; without one nobody is asked.
    """

    topics: Topics | None = None
    insecure: bool = False
    adopted: Subscriber | None = None
    asker: Asker | None = None


class Factory(Protocol):
    """What makes a source of a dialect, not started yet."""

    def __call__(self, url: str, sink: Sink, *, key: str, options: SourceOptions) -> Source:
        """Make it.

        Args:
            url: as a person typed it. sink: gets what arrives. key: how the sink knows this source. options: as above.

        Raises:
            ValueError: the URL is wrong, or asks for what the options do not allow; a sentence for a person.
        """
        ...


@dataclass(frozen=True)
class Dialect:
    """What a dialect is to the others.

    Args:
        open: makes a source. normalize: gives the one spelling of a URL, which is also the key of its source;
            raises ValueError with a sentence for a person.
        probe: finds out what answers at a normalized URL within some seconds, without staying.
        recognize: tells by what was heard at ``tcp://host:port`` whether it speaks this dialect, and gives its URL
            then. None for dialects that nothing but their name tells apart.
        asks_password: its sources need one. is_opaque: its URLs are written ``scheme:rest``, without two slashes.
    """

    open: Factory
    normalize: Callable[[str], str]
    probe: Callable[[str, SourceOptions, float], Awaitable[ProbeResult]]
    recognize: Callable[[Heard], Awaitable[str | None]] | None = None
    asks_password: bool = False
    is_opaque: bool = False


def open_source(url: str, hub: Sink, *, key: str | None = None, name: str | None = None, **options: Any) -> Source:
    """Make the source a URL names and make it known to the hub; ``start()`` connects it.

    Args:
        url: of any scheme in ``schemes()``.
        hub: gets what the source delivers.
        key: how the hub tells sources apart; the normalized URL when not given.
        name: the user's own name for it.
        options: see ``SourceOptions``.

    Raises:
        ValueError: not a URL that any dialect knows, or wrong in itself; a sentence for a person.
    """
    dialect = dialect_of(url)
    key = normalize_url(url) if key is None else key
    source = dialect.open(url.strip(), hub, key=key, options=SourceOptions(**options))
    hub.add(source.key, source.url, name)
    return source


def normalize_url(url: str) -> str:
    """Return the one spelling of a URL, which is also the key of its source.

    Raises:
        ValueError: not a URL that any dialect knows, or wrong in itself; a sentence for a person.
    """
    return dialect_of(url).normalize(url.strip())


async def probe(url: str, timeout_s: float = 2.5, **options: Any) -> ProbeResult:
    """Find out what answers at a URL, without subscribing to anything for long and without staying.

    Args:
        url: as a person typed it. timeout_s: after which the answer is no. options: see ``SourceOptions``.

    Returns:
        Who answered, or a sentence that says why nobody did; never an exception for what the URL leads to.
    """
    try:
        dialect, normalized = dialect_of(url), normalize_url(url)
        return await dialect.probe(normalized, SourceOptions(**options), timeout_s)
    except ValueError as error:
        return ProbeResult(False, str(error), url)


def schemes() -> list[str]:
    """Return how the URLs begin that can be opened, such as ``dockscope://``."""
    others = {point.name: _plug_in(point) for point in installed(ENTRY_POINT_GROUP) if point.name not in BUILT_IN}
    known = dict.fromkeys(BUILT_IN, False) | {name: other.is_opaque for name, other in others.items() if other}
    return sorted(f"{scheme}:" if is_opaque else f"{scheme}://" for scheme, is_opaque in known.items())


def dialect_of(url: str) -> Dialect:
    """Return the dialect of a URL.

    Raises:
        ValueError: there is none; a sentence for a person.
    """
    scheme, colon, rest = url.strip().partition(":")
    has_slashes = rest.startswith("//")
    dialect = _dialect(scheme.lower()) if colon else None
    if not has_slashes and (dialect is None or not dialect.is_opaque):
        raise ValueError(f"{url[:60]!r} is no URL: write it like dockscope://127.0.0.1:5560")
    if dialect is None:
        raise ValueError(f"{scheme[:30]}:// is not a kind of source dockscope knows: use {', '.join(schemes())}")
    return dialect


def recognizing_dialects() -> Iterator[Dialect]:
    """Yield the dialects that recognize what is behind an address, in the order in which they are to be asked."""
    for name in dict.fromkeys(BUILT_IN.values()):
        dialect = _built_in(name)
        if dialect.recognize is not None:
            yield dialect
    for point in installed(ENTRY_POINT_GROUP):
        dialect = _plug_in(point)
        if dialect is not None and dialect.recognize is not None:
            yield dialect


def _dialect(scheme: str) -> Dialect | None:
    if scheme in BUILT_IN:
        return _built_in(BUILT_IN[scheme])
    for point in installed(ENTRY_POINT_GROUP):
        if point.name == scheme:
            return _plug_in(point)
    return None


def _built_in(name: str) -> Dialect:
    return import_module(f".{name}", __package__).DIALECT


def _plug_in(point: EntryPoint) -> Dialect | None:
    """Load another package's dialect; one that is broken is told and left out."""
    dialect = load(point, "source", logger)
    if dialect is None or isinstance(dialect, Dialect):
        return dialect
    logger.error("the source plug-in %s (%s) is no dockscope.core.dialects.base.Dialect", point.name, point.value)
    return None
