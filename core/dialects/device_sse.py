"""``http://host:port``: a server of laboratory devices, as labdaemon is one.

It lists devices and tasks, streams the readings of devices as server-sent events, and takes commands. All devices that
stream are streamed, or those of ``?only=a,b``. See docs/dialects.md for what becomes what.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ..asker import Asker
from ..link_address import LinkError
from ..messages import Kind, ProtocolError
from ..run_control import Stage
from .base import Dialect, ProbeResult, Sink, SourceOptions
from .device_http import RefusedError, device_server
from .device_session import NO_DEVICE_SERVER, DeviceSession
from .foreign import ForeignSource
from .foreign_address import ForeignAddress, parse_foreign
from .recognition import Heard

EXAMPLE = "http://127.0.0.1:5000"
RECOGNIZE_S = 1.5
MOST_NAMED = 12


def parse(url: str) -> ForeignAddress:
    """Read a URL.

    Raises:
        ValueError: it is wrong, as a sentence.
    """
    address = parse_foreign(url, example=EXAMPLE)
    if address.binds:
        raise ValueError(f"{url[:80]!r}: a device server is connected to, write its address like {EXAMPLE}")
    return address


def open_devices(url: str, sink: Sink, *, key: str, options: SourceOptions) -> ForeignSource:
    """Make a source (see ``base.Factory``).

    Raises:
        ValueError: the URL is wrong, as a sentence.
    """
    address = parse(url)

    def confirm(command: str, args: dict[str, Any], stage: Stage, reason: str) -> None:
        for id_ in source.open_commands(command, args):
            source.confirm(id_, stage, reason)

    session = DeviceSession(
        address,
        options.asker or Asker(),
        sink.turns,
        subscribes=options.topics is None or any(kind != Kind.CONTROL for kind, _ in options.topics),
        rename=lambda renamed: source.rename(renamed),  # noqa: PLW0108 - it is made below
        confirm=confirm,
    )
    source = ForeignSource(
        address.url, sink, key=key, where=address.where, connect=session.connect, steer=session.steer
    )
    return source


async def probe_devices(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    """Say which devices a server has (see ``base.Dialect``)."""
    address = parse(url)
    try:
        async with asyncio.timeout(timeout_s), device_server(address, _known_token(address, options)) as server:
            devices = await server.devices()
    except TimeoutError:
        return ProbeResult(False, f"{address.where} did not answer within {timeout_s:g} s", url)
    except LinkError as error:
        return ProbeResult(False, str(error), url)
    except RefusedError as refused:
        if not refused.asks_token:
            return ProbeResult(False, NO_DEVICE_SERVER.format(where=address.where), url)
        sentence = f"A device server at {address.where}, which asks for its token"
        return ProbeResult(True, sentence, url, address.where, address.host, role="operate")
    except ProtocolError:
        return ProbeResult(False, NO_DEVICE_SERVER.format(where=address.where), url)
    count = "1 device" if len(devices) == 1 else f"{len(devices)} devices"
    names = tuple((Kind.DATA.value, device.id) for device in devices[:MOST_NAMED])
    sentence = f"A device server at {address.where} with {count}"
    return ProbeResult(True, sentence, url, address.where, address.host, streams=names, role="operate")


def _known_token(address: ForeignAddress, options: SourceOptions) -> str:
    """Return the token that was shown to this server before."""
    return (options.asker.remembered(address.where) if options.asker else None) or ""


async def recognize_devices(heard: Heard) -> str | None:
    """Ask who does not speak ZeroMQ for its list of devices, without any password (see ``base.Dialect``)."""
    if heard.binds or heard.socket_type:
        return None
    url = f"http://{heard.place}"
    answer = await probe_devices(url, SourceOptions(), RECOGNIZE_S)
    return url if answer.ok else None


DIALECT = Dialect(
    open=open_devices,
    normalize=lambda url: parse(url).url,
    probe=probe_devices,
    recognize=recognize_devices,
)
