"""What every source has in common, and which dialect a URL belongs to.

A dialect is one file here plus one line in ``_built_in``; others add theirs through the entry-point group
``dockscope.sources``, named by the URL scheme, with a factory like ``Factory``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..messages import Hello
from ..run_control import LinkState, Stage
from ..turns import Turns
from ..wire import DataMessage

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "dockscope.sources"
Topics = Sequence[tuple[str, str]]


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

    def start(self) -> None:
        """Begin; needs a running event loop."""

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


# Makes a source, not started yet: (url, sink, *, key, name, **options of the dialect). It raises ValueError with a
# sentence for a person when the URL is wrong.
Factory = Callable[..., Source]


def open_source(url: str, hub: Sink, *, key: str | None = None, name: str | None = None, **options: Any) -> Source:
    """Make the source a URL names and make it known to the hub; ``start()`` connects it.

    Args:
        url: ``dockscope://host:port``, ``dockscope+ipc:///path`` or ``tcp://host:port``; more with further dialects.
        hub: gets what the source delivers.
        key: how the hub tells sources apart; the normalized URL when not given.
        name: the user's own name for it.
        options: of the dialect; the native one knows ``topics`` (what to subscribe to, all when not given).

    Raises:
        ValueError: not a URL that any dialect knows, or wrong in itself; a sentence for a person.
    """
    factory = _factory_of(url)
    source = factory(url.strip(), hub, key=normalize_url(url) if key is None else key, name=name, **options)
    hub.add(source.key, source.url, name)
    return source


def normalize_url(url: str) -> str:
    """Return the one spelling of a URL, which is also the key of its source.

    Raises:
        ValueError: not a URL that any dialect knows, or wrong in itself; a sentence for a person.
    """
    if _factory_of(url) is not _native():
        return url.strip()
    from .native import normalize

    return normalize(url.strip())


async def probe(url: str, timeout_s: float = 2.5) -> ProbeResult:
    """Find out what answers at a URL, without subscribing to anything and without staying.

    Args:
        url: as a person typed it.
        timeout_s: after which the answer is no.

    Returns:
        Who answered, or a sentence that says why nobody did; never an exception for what the URL leads to.
    """
    from .probe import probe_url

    return await probe_url(url, timeout_s)


def schemes() -> list[str]:
    """Return the URL schemes that can be opened, ending with ``://``."""
    found = {point.name for point in _entry_points()} | set(_built_in())
    return sorted(f"{scheme}://" for scheme in found)


def _factory_of(url: str) -> Factory:
    scheme, separator, _ = url.strip().partition("://")
    if not separator:
        raise ValueError(f"{url[:60]!r} is no URL: write it like dockscope://127.0.0.1:5560")
    factory = _factory(scheme.lower())
    if factory is None:
        raise ValueError(f"{scheme[:30]}:// is not a kind of source dockscope knows: use {', '.join(schemes())}")
    return factory


def _factory(scheme: str) -> Factory | None:
    built_in = _built_in().get(scheme)
    if built_in is not None:
        return built_in()
    for point in _entry_points():
        if point.name == scheme:
            return point.load()
    return None


def _entry_points() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points  # a hundredth of a second that the first paint need not wait for

    return entry_points(group=ENTRY_POINT_GROUP)


def _built_in() -> Mapping[str, Callable[[], Factory]]:
    return {"dockscope": _native, "dockscope+ipc": _native, "tcp": _native}


def _native() -> Factory:
    from .native import open_native

    return open_native
