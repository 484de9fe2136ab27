"""A link to an instrument that several threads share and no hanging call can hold up."""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from typing import Any, TypeVar

from ..core.backoff import Backoff
from ..core.link_address import LinkError
from ..core.problems import Problems, one_line
from .instrument_errors import AnswerError, LinkLostError, NoAnswerError, StuckError
from .instrument_link import InstrumentLink, OtherInstrumentError
from .worker import DeviceStuckError, DeviceWorker

logger = logging.getLogger("dockscope.devices")

T = TypeVar("T")

SETTLE_S = 0.1  # how long closing waits for the exchange under way
CLOSE_S = 0.6  # how long it waits for the session to close, and for the threads to end
OPENING_STEPS = 3  # opening, *IDN?, and opening once more when it is not known; each may take as long as an exchange
FAULTS = {
    NoAnswerError: "no answer",
    AnswerError: "bad answer",
    OtherInstrumentError: "other instrument",
    LinkLostError: "link lost",
    StuckError: "stuck",
}


class LinkState(enum.StrEnum):
    """How it stands with the link."""

    CLOSED = "closed"
    CONNECTED = "connected"
    RETRYING = "retrying"


class LeftError(LinkError):
    """The stream was stopped, or the link closed, while an answer was waited for."""


class SupervisedLink:
    """Hand the calls of any thread to the one thread that talks to the instrument, one exchange at a time.

    An exchange that does not end within ``stuck_after_s`` is given up with its thread and its session; the next call
    opens another one. Faults are counted, told in the log once per kind and 5 s with their number, and set the time
    before which the stream should not try again.

    Args:
        name: of the device, for the log and names of threads. link: to the instrument, not open yet.
        stuck_after_s: the longest an exchange may take. on_state: is told each change, from any thread.
    """

    def __init__(
        self,
        name: str,
        link: InstrumentLink,
        *,
        stuck_after_s: float,
        on_state: Callable[[LinkState, str], None],
    ) -> None:
        self.faults: Counter[str] = Counter()  # per kind, see FAULTS
        self._name = name
        self._link = link
        self._stuck_after_s = stuck_after_s
        self._on_state = on_state
        self._io = threading.Lock()  # one exchange at a time
        self._worker: DeviceWorker | None = None
        self._under_way: Future[Any] | None = None  # also when nobody waits for it any more
        self._stop: Future[None] = Future()  # done: the stream is to end
        self._closed: Future[None] = Future()  # done: everybody is to leave
        self._backoff = Backoff()
        self._next_try_s = 0.0
        self._problems = Problems(time.monotonic)
        self._state = LinkState.CLOSED
        self._detail = ""

    @property
    def state(self) -> LinkState:
        """How it stands with the link."""
        return self._state

    @property
    def detail(self) -> str:
        """A sentence on the state, empty when there is nothing to say."""
        return self._detail

    @property
    def identity(self) -> str:
        """What the instrument answers to ``*IDN?``, empty when it does not or was never connected."""
        return self._link.identity

    def open(self) -> None:
        """Open the link.

        Raises:
            LinkError: it cannot be opened; nothing is left open.
        """
        with self._io:
            if self._worker is None:
                self._worker = DeviceWorker(self._name)
                self._closed = Future()
        try:
            self._run(InstrumentLink.introduce, streaming=False)
        except LinkError:
            self.close()
            raise
        self._works()

    def query(self, command: str, decode: Callable[[bytes], T], *, streaming: bool = False) -> T:
        """Return the decoded answer to a command.

        Args:
            command: what to send. decode: raises AnswerError when it makes no sense.
            streaming: the caller leaves when ``leave_stream`` is called, and comes back after pauses only.

        Raises:
            LinkError: there is none; told and counted. LeftError: the stream was stopped meanwhile.
        """
        if streaming:
            self._await_next_try()

        def exchange(link: InstrumentLink) -> T:
            answer = link.query(command)
            try:
                return decode(answer)
            except AnswerError:
                link.resynchronize()
                raise

        return self._supervised(exchange, command, streaming=streaming)

    def send(self, command: str) -> None:
        """Send a command that has no answer; errors as in ``query``."""
        self._supervised(lambda link: link.send(command), command, streaming=False)

    def enter_stream(self) -> None:
        """Let ``query(streaming=True)`` wait for answers."""
        self._stop = Future()

    def leave_stream(self) -> None:
        """Let ``query(streaming=True)`` raise LeftError at once; the exchange under way ends without it."""
        _finish(self._stop)

    def close(self) -> None:
        """Close the link; everybody who waits for an answer gets LeftError. Takes 2 s at most."""
        _finish(self._closed)
        with self._io:
            worker, self._worker = self._worker, None
            if worker is None:
                return
            under_way, self._under_way = self._under_way, None
            is_idle = under_way is None or not wait({under_way}, SETTLE_S).not_done
            link, self._link = self._link, self._link.successor(is_suspect=not is_idle)
            # A call that does not return often does when its session is closed from outside.
            closer = worker if is_idle else DeviceWorker(self._name)
            wait({closer.submit(link.close if is_idle else link.break_off, limit_s=CLOSE_S)})
            closer.close(CLOSE_S)
            worker.close(CLOSE_S)
        self._tell(LinkState.CLOSED, "")

    def _supervised(self, call: Callable[[InstrumentLink], T], command: str, *, streaming: bool) -> T:
        try:
            result = self._run(call, streaming=streaming)
        except LeftError:
            raise
        except LinkError as error:
            self._count(error, command)
            if isinstance(error, AnswerError) and self._link.is_open:
                self._works()
            else:
                self._failed(error)
            raise
        self._works()
        return result

    def _run(self, call: Callable[[InstrumentLink], T], *, streaming: bool) -> T:
        with self._io:
            if self._under_way is not None:
                self._outcome(self._under_way, streaming=streaming)
            worker, link = self._worker, self._link
            if worker is None:
                raise LinkLostError("it is not connected")
            limit_s = self._stuck_after_s * (1 if link.is_open else OPENING_STEPS + link.commands_at_opening)
            self._under_way = worker.submit(lambda: call(link), limit_s=limit_s)
            return self._outcome(self._under_way, streaming=streaming).result()

    def _outcome(self, under_way: Future[T], *, streaming: bool) -> Future[T]:
        """Wait for the exchange under way and return it; leave it alone when its asker is to leave."""
        awaited: set[Future[Any]] = {under_way, self._closed}
        if streaming:
            awaited.add(self._stop)
        wait(awaited, return_when=FIRST_COMPLETED)
        if not under_way.done():
            raise LeftError("nobody waits for the answer any more")
        self._under_way = None
        if isinstance(under_way.exception(), DeviceStuckError):
            self._give_up_session()
            failed: Future[T] = Future()
            failed.set_exception(StuckError("a call of the VISA library does not return, its thread is left behind"))
            return failed
        return under_way

    def _give_up_session(self) -> None:
        """Go on with a new session; closing the old one from outside lets the call in it end, if anything does."""
        given_up, self._link = self._link, self._link.successor(is_suspect=True)
        if self._worker is not None:
            self._worker.submit(given_up.break_off, limit_s=CLOSE_S)

    def _await_next_try(self) -> None:
        pause_s = self._next_try_s - time.monotonic()
        if pause_s > 0 and wait({self._stop, self._closed}, pause_s, FIRST_COMPLETED).done:
            raise LeftError("the stream was stopped")

    def _works(self) -> None:
        self._backoff.reset()
        self._next_try_s = 0.0
        if self._state is not LinkState.CONNECTED:
            self._tell(LinkState.CONNECTED, "")

    def _failed(self, error: LinkError) -> None:
        pause_s = self._backoff.next_s()
        self._next_try_s = time.monotonic() + pause_s
        self._tell(LinkState.RETRYING, f"{one_line(str(error))}; opened again after {pause_s:.1f} s or when asked")

    def _count(self, error: LinkError, command: str) -> None:
        kind = next((name for fault, name in FAULTS.items() if isinstance(error, fault)), "link lost")
        self.faults[kind] += 1
        sentence = self._problems.sentence(self._name, kind, f"{self._name}: {kind}, asked {command!r}: {error}")
        if sentence is not None:
            logger.warning("%s", sentence)

    def _tell(self, state: LinkState, detail: str) -> None:
        is_late = self._worker is None and state is not LinkState.CLOSED
        if is_late or (state is self._state and detail == self._detail):
            return
        self._state, self._detail = state, detail
        self._on_state(state, detail)


def _finish(future: Future[None]) -> None:
    try:
        future.set_result(None)
    except InvalidStateError:
        pass  # said before
