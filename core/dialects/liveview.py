"""LiveView (``liveview://*:5555``): runs connect to us and publish, and take commands from the port above.

What runs use is here as well: ``ZmqBroadcaster`` to publish, and ``MontyExperimentWithLiveView``, which has one and
takes commands.
"""

from __future__ import annotations

from dataclasses import replace

from .base import Dialect, ProbeResult, Sink, SourceOptions
from .foreign_address import ForeignAddress, check_open, parse_foreign
from .liveview_broadcaster import ZmqBroadcaster
from .liveview_codec import is_liveview
from .liveview_experiment import MontyExperimentWithLiveView
from .liveview_source import LiveViewSource, command_address
from .recognition import Heard
from .waiting import probe_waiting

__all__ = ["DIALECT", "MontyExperimentWithLiveView", "ZmqBroadcaster"]

EXAMPLE = "liveview://*:5555"


def parse(url: str) -> ForeignAddress:
    """Read a URL; its host is the address to bind.

    Raises:
        ValueError: it is wrong, as a sentence.
    """
    address = replace(parse_foreign(url, example=EXAMPLE), binds=True)
    if address.port >= 65535:
        raise ValueError(f"{url[:80]!r}: commands need the port above, so the highest is 65534")
    return address


def open_liveview(url: str, sink: Sink, *, key: str, options: SourceOptions) -> LiveViewSource:
    """Make a source (see ``base.Factory``).

    Raises:
        ValueError: the URL is wrong, or needs ``insecure``, as a sentence.
    """
    address = parse(url)
    check_open(address, options.insecure)
    return LiveViewSource(address, sink, key=key, adopted=options.adopted)


async def probe_liveview(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    """Say whether runs could connect to us there (see ``base.Dialect``)."""
    address = parse(url)
    free = await probe_waiting(address, options)
    if not free.ok:
        return free
    commands = await probe_waiting(command_address(address), options)
    if commands.ok:
        return free._replace(sentence=f"Free: dockscope will wait on {address.where} for runs to connect")
    return free._replace(sentence=f"Free, but no commands can be sent: {commands.sentence}")


async def recognize_liveview(heard: Heard) -> str | None:
    """Take one who connected to us and whose first message is one of LiveView's (see ``base.Dialect``)."""
    known = heard.binds and heard.port < 65535 and len(heard.first) == 1 and is_liveview(heard.first[0])
    return f"liveview://{heard.place}" if known else None


DIALECT = Dialect(
    open=open_liveview, normalize=lambda url: parse(url).url, probe=probe_liveview, recognize=recognize_liveview
)
