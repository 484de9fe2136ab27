"""Whether producers could connect to an address of ours."""

from __future__ import annotations

from ..link_address import LinkError
from .base import ProbeResult, SourceOptions
from .foreign_address import ForeignAddress, check_open
from .subscriber import Subscriber


async def probe_waiting(address: ForeignAddress, options: SourceOptions) -> ProbeResult:
    """Say whether producers could connect to an address of ours."""
    check_open(address, options.insecure)
    try:
        Subscriber(await address.endpoint(), where=address.where, max_message_bytes=1, binds=True).close()
    except LinkError as error:
        return ProbeResult(False, str(error), address.url)
    return ProbeResult(True, f"Free: dockscope will wait on {address.where} for a producer to connect", address.url)
