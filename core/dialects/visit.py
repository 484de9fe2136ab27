"""Go and see what listens at a host and port: ZeroMQ of which kind, or something else. Nothing is asked of it."""

from __future__ import annotations

import asyncio
import errno

from ..link_address import LinkError, resolve
from ..link_trouble import Trouble
from ..messages import ProtocolError
from .zmtp import ZmtpVisit

CONNECT_S = 2.0
# libzmq speaks first; what is silent that long waits for a word of ours, as HTTP and its like do.
SILENCE_S = 0.4
HANDSHAKE_S = 2.0
READ_BYTES = 1024


async def visit(host: str, port: int, where: str) -> ZmtpVisit:
    """Connect, listen, say no more than a ZMTP greeting to one that began with it, and leave.

    Returns:
        What was learnt; ``speaks`` is false for a peer that does not speak ZMTP.

    Raises:
        LinkError: nobody listens there, as a sentence.
    """
    reader, writer = await _connected(host, port, where)
    learnt = ZmtpVisit()
    try:
        await _listen(reader, writer, learnt)
    except (ProtocolError, OSError, TimeoutError):
        pass  # what it was until then is what there is to know
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass  # the other side closed first
    return learnt


async def _connected(host: str, port: int, where: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        number = await resolve(host, port)
    except LinkError:
        raise LinkError(Trouble.NO_HOST.sentence(where)) from None
    try:
        # Unlike wait_for of Python 3.11, this never hands over an answer in place of a cancellation.
        async with asyncio.timeout(CONNECT_S):
            return await asyncio.open_connection(number, port, limit=READ_BYTES)
    except TimeoutError:
        raise LinkError(Trouble.SILENT_HOST.sentence(where)) from None
    except OSError as error:
        away = error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT)
        raise LinkError((Trouble.SILENT_HOST if away else Trouble.NOBODY).sentence(where)) from None


async def _listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, learnt: ZmtpVisit) -> None:
    async with asyncio.timeout(HANDSHAKE_S):
        async with asyncio.timeout(SILENCE_S):
            data = await reader.read(READ_BYTES)
        while data:
            answer = learnt.feed(data)
            if answer:
                writer.write(answer)
                await writer.drain()
            if learnt.is_over:
                return
            data = await reader.read(READ_BYTES)
