"""What was asked of a device last, and who waits for it to be so."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any, NamedTuple

from .bench_errors import InstrumentError


class Wish(enum.Enum):
    """What a device shall do; the value is how it is asked for."""

    DISCONNECTED = "disconnect"
    CONNECTED = "stop"
    PAUSED = "pause"
    STREAMING = "start"


class _Awaited(NamedTuple):
    future: Future[None]
    is_so: Callable[[], bool]
    within: Collection[Wish]


class Wishes:
    """The wish that stands, and a future for each time something was asked. Its owner keeps threads apart.

    Futures are finished by what ``Wishes`` returns, to be called without any lock held: who waits may act at once.

    Args:
        name: of the device, for sentences.

    Attributes:
        now: what the device shall do.
    """

    def __init__(self, name: str) -> None:
        self.now = Wish.DISCONNECTED
        self._name = name
        self._awaited: list[_Awaited] = []

    def ask(
        self, wish: Wish, is_so: Callable[[], bool], within: Collection[Wish] = ()
    ) -> tuple[Future[None], list[Callable[[], None]]]:
        """Take a wish in the place of the last one.

        Args:
            wish: what the device shall do. is_so: tells whether what was asked has come about.
            within: wishes that may follow without withdrawing this one; only the same when empty.

        Returns:
            The future of it, and what withdraws those that this wish contradicts.
        """
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()
        withdrawn = [one.future for one in self._awaited if wish not in one.within]
        self._awaited = [one for one in self._awaited if wish in one.within]
        self._awaited.append(_Awaited(future, is_so, within or (wish,)))
        self.now = wish
        error = InstrumentError(f"{self._name}: {wish.value} was asked meanwhile")
        return future, [_failing(one, error) for one in withdrawn]

    def settled(self) -> list[Callable[[], None]]:
        """Return what finishes the futures of all that has come about."""
        done = [one for one in self._awaited if one.is_so()]
        self._awaited = [one for one in self._awaited if one not in done]
        return [_finishing(one.future) for one in done]

    def failed(self, sentence: str) -> list[Callable[[], None]]:
        """Return what tells everybody who waits that it did not come about, or not yet."""
        awaited, self._awaited = self._awaited, []
        return [_failing(one.future, InstrumentError(sentence)) for one in awaited]


def refused(sentence: str) -> Future[Any]:
    """Return the future of something that cannot be."""
    future: Future[Any] = Future()
    future.set_exception(InstrumentError(sentence))
    return future


def _finishing(future: Future[None]) -> Callable[[], None]:
    return lambda: future.set_result(None)


def _failing(future: Future[None], error: InstrumentError) -> Callable[[], None]:
    return lambda: future.set_exception(error)
