"""``dockscope serve``: the devices of a bench file over HTTP, for labdaemon's clients and every window."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TextIO

from ..core.headless import ended_by_signals, within
from .bench_file import read_bench
from .server import DeviceServer


async def serve(
    bench: Path,
    output: TextIO,
    *,
    host: str = "127.0.0.1",
    port: int = 5000,
    token: str = "",
    insecure: bool = False,
    seconds: float | None = None,
) -> int:
    """Serve until time is up, or a signal comes.

    Args:
        bench: the file. output: gets the URL, once clients can connect. host, port, token, insecure: see
            ``DeviceServer``. seconds: from now, None for ever.

    Returns:
        The exit code: 1 when a device did not let go.

    Raises:
        ValueError: the bench file is wrong, or the address needs a token. OSError: the address cannot be bound.
    """
    specs = read_bench(bench)
    server = DeviceServer(host, port, token=token, insecure=insecure)
    server.register(catalogue=True)
    over = asyncio.Event()
    try:
        for spec in specs:
            server.add_instrument(spec)
        server.start()
        output.write(f"{server.url}\n")
        output.flush()
        with ended_by_signals(over):
            await within(over, seconds)
    finally:
        has_ended = await asyncio.to_thread(server.stop)
    return 0 if has_ended else 1
