"""What the server needs of a device, whatever it is; nothing of it makes the server wait."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from ..core.dialects.plain_json import to_json
from .server_methods import Described

CALL_LIMIT_S = 60.0  # a call that takes longer is given up
CONNECT_LIMIT_S = 30.0

T = TypeVar("T")
R = TypeVar("R")

Take = Callable[[Any], object]


class DeviceError(Exception):
    """What is asked for is nothing that the device does, or not now; clients of labdaemon know the name."""


class UnwritableError(Exception):
    """What a call returned has no meaning in JSON; the call itself was done."""


class Served(ABC):
    """A device as the server sees it. Methods return at once, futures tell the outcome of what takes its time.

    Args:
        id_: of the device. kind: its type, as it is told.

    Attributes:
        is_connected: as far as is known. is_streaming: the same, whoever started it.
    """

    def __init__(self, id_: str, kind: str) -> None:
        self.id, self.kind = id_, kind
        self.is_connected = self.is_streaming = False

    @property
    @abstractmethod
    def streams(self) -> bool:
        """Tell whether it is a device that streams."""

    @property
    @abstractmethod
    def dropped(self) -> int:
        """Return how many readings were acquired but given up before they came here."""

    @property
    @abstractmethod
    def end_reason(self) -> str:
        """Return why its last stream ended by itself, as a sentence, or ""."""

    @abstractmethod
    def methods(self) -> list[Described]:
        """Describe the methods that may be called."""

    @abstractmethod
    def look(self) -> Future[None] | None:
        """Ask the device for its state; None when that is known, or the device is busy and has to be believed."""

    @abstractmethod
    def look_at_stream(self) -> Future[bool]:
        """Ask whether it still streams."""

    @abstractmethod
    def call(self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Future[str]:
        """Call a method.

        Returns:
            Its result as JSON.

        Raises:
            RequestError: there is no such method, or it may not be called.
        """

    @abstractmethod
    def connect(self) -> Future[None]:
        """Connect it."""

    @abstractmethod
    def disconnect(self) -> Future[None]:
        """Disconnect it."""

    @abstractmethod
    def start(self, take: Take) -> Future[bool]:
        """Have it stream.

        Args:
            take: is called with each reading, in a thread of the device.

        Returns:
            Whether it was started; False when it streams already, and ``take`` is called all the same.
        """

    @abstractmethod
    def stop(self) -> Future[None]:
        """End its stream, whoever started it."""


def written(value: Any) -> str:
    """Return a result as JSON.

    Raises:
        UnwritableError: it has no meaning there.
    """
    try:
        return to_json(value, words=True, compact=True)
    except (TypeError, ValueError) as error:
        raise UnwritableError(f"the call was done, but its result has no meaning in JSON: {error}") from None


def then(future: Future[T], change: Callable[[T], R]) -> Future[R]:
    """Return a future of what becomes of another's result."""
    changed: Future[R] = Future()
    changed.set_running_or_notify_cancel()  # who waits no longer cannot take it back

    def on_done(done: Future[T]) -> None:
        try:
            changed.set_result(change(done.result()))
        except BaseException as error:  # noqa: BLE001 - whoever waits for it is told
            changed.set_exception(error)

    future.add_done_callback(on_done)
    return changed
