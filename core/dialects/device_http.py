"""Requests to a device server: bounded answers, its refusals, and streams as they arrive."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..link_address import LinkError, resolve
from ..link_trouble import Trouble
from ..messages import ProtocolError
from .device_listing import (
    Device,
    ServerError,
    Task,
    read_devices,
    read_error,
    read_object,
    read_streams,
    read_tasks,
)
from .foreign_address import ForeignAddress

if TYPE_CHECKING:
    import httpx

MAX_ANSWER_BYTES = 4 * 2**20
CONNECT_S = 2.0
# A server that works for a device answers nobody meanwhile: connecting a device may take 30 s there.
ANSWER_S = 45.0
# Answers are taken as they are: what is compressed may unfold without bound.
HEADERS = {"accept-encoding": "identity", "user-agent": "dockscope"}


class RefusedError(Exception):
    """The server answered with an error.

    Attributes:
        status: of HTTP. error: what it says.
    """

    def __init__(self, status: int, error: ServerError) -> None:
        super().__init__(error.sentence)
        self.status, self.error = status, error

    @property
    def asks_token(self) -> bool:
        """Tell whether a device server of dockscope wants to be shown its token."""
        return self.status == 401 and self.error.type == "Unauthorized"


@asynccontextmanager
async def device_server(address: ForeignAddress, token: str = "") -> AsyncIterator[DeviceServer]:
    """Speak with a server for the length of a block.

    Args:
        address: of the server. token: to show with every request, "" for none.

    Raises:
        LinkError: there is no such host.
    """
    # It takes a tenth of a second the first time, in which the window goes on.
    httpx = await asyncio.to_thread(import_module, "httpx")

    try:
        number = await resolve(address.host, address.port)
    except LinkError:
        raise LinkError(Trouble.NO_HOST.sentence(address.where)) from None
    host = f"[{number}]" if ":" in number else number
    authorization = {"authorization": f"Bearer {token}"} if token else {}
    # No proxy and no .netrc of the environment: instruments are near, and no password is sent that was not asked for.
    client = httpx.AsyncClient(
        base_url=f"http://{host}:{address.port}",
        headers=HEADERS | authorization | {"host": address.where},
        timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S, pool=None),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=4),
        trust_env=False,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # never used: saves reading all certificates of the machine
    )
    async with client:
        yield DeviceServer(client, address.where)


class DeviceServer:
    """A device server as its client sees it. Made by ``device_server``.

    All methods raise LinkError when the connection fails, RefusedError when the server says no, and ProtocolError
    when its answer is none.
    """

    def __init__(self, client: httpx.AsyncClient, where: str) -> None:
        self._client, self._where = client, where

    async def devices(self) -> tuple[Device, ...]:
        """Return all devices."""
        return read_devices(await self._body("GET", "/devices"))

    async def tasks(self) -> tuple[Task, ...]:
        """Return all tasks."""
        return read_tasks(await self._body("GET", "/tasks"))

    async def task_outcome(self, task: str) -> dict[str, Any]:
        """Return what the server tells of one task: among others ``result`` and ``exception``."""
        return read_object(await self._body("GET", f"/tasks/{_quoted(task)}"))

    async def streams(self, device: str) -> bool:
        """Tell whether a device is one that streams."""
        return read_streams(await self._body("GET", f"/devices/{_quoted(device)}/methods"))

    async def stop_stream(self, device: str) -> str:
        """Have a device's stream ended, whoever reads it; returns the status that the server tells."""
        return await self._status(f"/devices/{_quoted(device)}/stream/stop")

    async def steer_task(self, task: str, verb: str) -> str:
        """Ask for pause, resume or cancel of a task; returns the status that the server tells."""
        return await self._status(f"/tasks/{_quoted(task)}/{verb}")

    async def device_error(self, device: str) -> ServerError | None:
        """Return the error that is recorded for a device, or None."""
        try:
            answer = read_object(await self._body("GET", f"/devices/{_quoted(device)}/error"))
        except RefusedError as refused:
            if refused.status == 404 and refused.error.type == "NoError":
                return None
            raise
        return read_error(answer)

    async def clear_device_error(self, device: str) -> None:
        """Have the recorded error of a device forgotten."""
        # Some servers send a body after 204, which spoils the connection: it is not used again.
        await self._body("DELETE", f"/devices/{_quoted(device)}/error", {"connection": "close"})

    @asynccontextmanager
    async def stream(self, device: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the stream of a device, which starts it; leaving the block closes it, which stops the device."""
        async with self._answer("GET", f"/stream/devices/{_quoted(device)}", {}) as response:
            if "text/event-stream" not in response.headers.get("content-type", ""):
                raise ProtocolError(f"the stream of {device[:40]} is no event stream")
            async with _chunks(response) as chunks:
                yield chunks

    async def _status(self, path: str) -> str:
        status = read_object(await self._body("POST", path)).get("status")
        return status if type(status) is str else ""

    async def _body(self, method: str, path: str, headers: dict[str, str] | None = None) -> bytes:
        async with self._answer(method, path, headers or {}) as response:
            return b"" if response.status_code == 204 else await _bounded(response)

    @asynccontextmanager
    async def _answer(self, method: str, path: str, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        import httpx

        try:
            async with self._client.stream(method, path, headers=headers) as response:
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise ProtocolError("an answer that is compressed, which was not asked for")
                if not response.is_success:
                    raise RefusedError(response.status_code, _error_of(response.status_code, await _bounded(response)))
                yield response
        except httpx.ConnectTimeout:
            raise LinkError(Trouble.SILENT_HOST.sentence(self._where)) from None
        except httpx.ConnectError:
            raise LinkError(Trouble.NOBODY.sentence(self._where)) from None
        except httpx.TimeoutException:
            raise LinkError(f"{self._where} does not answer any more: is a device busy there?") from None
        except httpx.RemoteProtocolError:
            raise LinkError(f"{self._where} broke off, or is no HTTP server: check the port") from None
        except httpx.TransportError:
            raise LinkError(f"The connection to {self._where} broke") from None


@asynccontextmanager
async def _chunks(response: httpx.Response) -> AsyncIterator[AsyncIterator[bytes]]:
    """Give the bytes of an answer as they arrive, and leave nothing of it suspended.

    The generators of httpx await when they are closed. Those that are only dropped, amid an answer, would be closed by
    the garbage collector, outside of any task: that is an error on a loop without hooks for it, such as Qt's.
    """
    import httpx

    chunks = response.aiter_raw()
    try:
        yield chunks
    finally:
        await response.aclose()
        try:
            async for _ in chunks:  # a little that was read already, then the closed connection ends them all
                pass
        except (httpx.HTTPError, httpx.StreamError):
            pass  # that is the end meant


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async with _chunks(response) as chunks:
        async for part in chunks:
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                raise ProtocolError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _error_of(status: int, body: bytes) -> ServerError:
    try:
        error = read_error(read_object(body))
    except ProtocolError:
        error = None
    return error or ServerError(f"HTTP status {status}", "")


def _quoted(id_: str) -> str:
    return quote(id_, safe="")
