"""A device that is asked the same question at a rate, whatever way leads to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..core.link_address import LinkError
from .answers import Reading, as_text, block_dtype, decode
from .device import StreamingDevice
from .instrument_link import InstrumentLink, Session, checked_command, has_answer
from .locked_methods import unlocked
from .supervised_link import LinkState, SupervisedLink

logger = logging.getLogger("dockscope.devices")

LONGEST_S = 24 * 3600.0


class QueryDevice(StreamingDevice):
    """Ask one question for each sample, and others in between; subclasses open the session.

    After an answer that did not come, or when the link is lost, the link is closed and opened again after growing
    pauses while the stream goes on; an answer that makes no sense costs its sample only. Each fault is logged.

    Args:
        device_id: its name. query_command: what is asked for each sample.
        timeout_s: the longest wait for an answer, None for any.
        initialize: commands sent after each opening of the link; answers to those that have one are not looked at.
        unit, name: of the reading. identify: ask ``*IDN?`` when the link is opened.
        block_format: of the numbers in a binary block, as NumPy writes it.
        text: answers that are no numbers are samples too.
        stuck_after_s: a query that does not return within it is given up with its thread; twice the timeout and 5 s
            when not given, or 60 s without timeout. **stream: see StreamingDevice.

    Raises:
        TypeError, ValueError: an argument is wrong, as a sentence.
    """

    def __init__(
        self,
        device_id: str,
        query_command: str,
        *,
        timeout_s: float | None = 5.0,
        initialize: Sequence[str] = (),
        unit: str = "",
        name: str = "",
        identify: bool = True,
        block_format: str = ">f4",
        text: bool = False,
        stuck_after_s: float | None = None,
        **stream: Any,
    ) -> None:
        super().__init__(device_id, **stream)
        if isinstance(initialize, str):
            raise TypeError("initialize is a list of commands, not one string")
        self.query_command = checked_command(query_command)
        self.unit = unit
        self.name = name or device_id
        self._decode = partial(decode, dtype=block_dtype(block_format), text=text)
        self._listeners: list[Callable[[LinkState, str], object]] = []
        usual_s = 60.0 if checked_seconds("timeout_s", timeout_s) is None else 2.0 * (timeout_s or 0.0) + 5.0
        self._link = SupervisedLink(
            device_id,
            InstrumentLink(
                self._open_session, initialize=[checked_command(command) for command in initialize], identify=identify
            ),
            stuck_after_s=checked_seconds("stuck_after_s", stuck_after_s) or usual_s,
            on_state=self._on_link_state,
        )

    @property
    def identity(self) -> str:
        """What the instrument answers to ``*IDN?``; empty when it does not, or was never connected."""
        return self._link.identity

    @property
    def link_state(self) -> LinkState:
        """How it stands with the link."""
        return self._link.state

    @property
    def link_detail(self) -> str:
        """A sentence on the state of the link, empty when there is nothing to say."""
        return self._link.detail

    @property
    def link_faults(self) -> dict[str, int]:
        """How often what went wrong, by the kinds that the log tells, see ``supervised_link.FAULTS``."""
        return dict(self._link.faults)

    @unlocked
    def on_state(self, callback: Callable[[LinkState, str], object]) -> None:
        """Call back with (state, sentence) at each change of the link, from the thread that causes it."""
        self._listeners.append(callback)

    def connect(self) -> None:
        """Open the link and initialize the instrument; nothing when it is open.

        Raises:
            LinkError: that failed, as a sentence.
        """
        with self._ld_lock.released():
            self._link.open()

    def disconnect(self) -> None:
        """Stop streaming and close the link."""
        self.stop_streaming()
        with self._ld_lock.released():
            self._link.close()

    def start_streaming(
        self, callback: Callable[..., object], sample_rate: float = 10.0, *, timed: bool = False
    ) -> None:
        """See StreamingDevice; the link must be open.

        Raises:
            RuntimeError: it is not connected, or streaming already.
        """
        if self._link.state is LinkState.CLOSED:
            raise RuntimeError(f"{self.device_id} is not connected")
        if not self.is_streaming():  # else the base says so
            self._link.enter_stream()
        super().start_streaming(callback, sample_rate, timed=timed)

    def stop_streaming(self, timeout: float | None = None) -> bool:
        """See StreamingDevice; an answer that is waited for does not hold it up."""
        self._link.leave_stream()
        return super().stop_streaming(timeout)

    def ask(self, command: str) -> str:
        """Send one command and return its answer, also while streaming; empty for a command without question mark.

        Raises:
            ValueError: it is no command. LinkError: there is no answer, as a sentence.
        """
        with self._ld_lock.released():
            if has_answer(checked_command(command)):
                return self._link.query(command, as_text)
            self._link.send(command)
            return ""

    def _open_session(self) -> Session:
        """Return a new session; called in the thread that talks to the instrument."""
        raise NotImplementedError(f"{type(self).__name__} does not say how its session is opened")

    def _acquire_sample(self) -> Reading:
        return self._link.query(self.query_command, self._decode, streaming=True)

    def _on_acquisition_error(self, error: Exception) -> bool:
        return isinstance(error, LinkError)  # told already, and the link opens itself again

    def _on_link_state(self, state: LinkState, detail: str) -> None:
        for callback in tuple(self._listeners):
            try:
                callback(state, detail)
            except Exception:  # a listener must not end the stream it is told of
                logger.exception("%s: a listener to the state of its link raised", self.device_id)


def checked_seconds(name: str, value: float | None) -> float | None:
    """Return a duration if it is one.

    Raises:
        ValueError: it is neither None nor above 0 and at most a day.
    """
    if value is not None and not (isinstance(value, int | float) and 0.0 < value <= LONGEST_S):
        raise ValueError(f"{name} must be above 0 and at most {LONGEST_S:g} s, or None, not {value!r}")
    return value
