"""Simulated twins: instruments of pyvisa-sim that measure, drift, and fail when told to."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from .answer_reader import AnswerReader, Ending
from .instrument_errors import LinkLostError, NoAnswerError
from .instrument_link import IDENTITY, Session, has_answer
from .locked_methods import unlocked
from .query_device import QueryDevice
from .simulated_models import MODELS, Measuring, Model
from .simulated_wire import USUAL_TIMEOUT_S, Wire
from .visa import QUIET_S, VisaSession, resource_manager

FAULT_SHARE = 0.05  # of the questions, when the switch is on and nothing else is said


class SimulatedSession:
    """A session of pyvisa-sim: what was set is there, what is measured is made, and answers go over the wire.

    Args:
        visa: the session that pyvisa opened. measure: answers questions for measured values, given a way to ask
            for what was set. wire: between the instrument and here; it outlives the session.
        timeout_s: the longest wait for bytes, None for a usual one.
    """

    def __init__(self, visa: VisaSession, measuring: Measuring, wire: Wire, timeout_s: float | None) -> None:
        wire.check()
        self.marks_ends = visa.marks_ends
        self.timeout_s = timeout_s
        self._closed = threading.Event()
        self._visa = visa
        self._measuring = measuring
        self._wire = wire
        self._reader = AnswerReader(self, b"\n")

    def send(self, message: str) -> None:
        """Send one message.

        Raises:
            LinkError: the simulated link is down, or pyvisa-sim does not know the question.
        """
        self._wire.check()
        if not has_answer(message):
            self._visa.send(message)
            return
        answer = self._measuring.measure(message, self._ask) or self._ask(message).encode()
        # A twin that cannot be recognized would be another fault than the one asked for.
        self._wire.carry(answer + b"\n", self.timeout_s, fails=message != IDENTITY)

    def receive(self) -> bytes:
        """Return the next answer without its terminator; errors as those of VisaSession."""
        return self._reader.read()

    def discard(self) -> None:
        """Throw away what is there."""
        self._reader.forget()
        messages = self._wire.messages
        while messages and messages[0].ready_s <= time.monotonic() + QUIET_S:
            messages.popleft()

    def clear(self) -> bool:
        """Clear the instrument where the interface can, with what it is about to send."""
        if self.marks_ends:
            self._wire.messages.clear()
        return self.marks_ends

    def close(self) -> None:
        """Close the session of pyvisa-sim."""
        self._closed.set()
        self._visa.close()

    def read_some(self, most: int, *, to_terminator: bool) -> tuple[bytes, Ending]:
        """Return up to ``most`` bytes, one at least, and why no more."""
        self._await_bytes()
        message = self._wire.messages[0]
        end = message.left.find(b"\n") + 1 if to_terminator else 0
        chunk = bytes(message.left[: min(most, end or most)])
        del message.left[: len(chunk)]
        if not message.left:
            self._wire.messages.popleft()
            if self.marks_ends:
                return chunk, Ending.MESSAGE
        return chunk, Ending.LINE if to_terminator and chunk.endswith(b"\n") else Ending.NOTHING

    def read_if_there(self) -> bytes:
        """Return the next byte if one comes at once, else nothing."""
        ready_s = self._wire.next_ready_s()
        is_there = ready_s is not None and ready_s <= time.monotonic() + QUIET_S
        return self.read_some(1, to_terminator=False)[0] if is_there else b""

    def _ask(self, question: str) -> str:
        self._visa.send(question)
        return self._visa.receive().decode()

    def _await_bytes(self) -> None:
        self._wire.check()
        ready_s, now = self._wire.next_ready_s(), time.monotonic()
        longest_s = USUAL_TIMEOUT_S if self.timeout_s is None else self.timeout_s
        wait_s = longest_s if ready_s is None else ready_s - now
        if self._closed.wait(min(wait_s, longest_s)):
            raise LinkLostError("the session was closed")
        if ready_s is None or wait_s > longest_s:
            raise NoAnswerError(f"nothing came within {longest_s:g} s")


class SimulatedDevice(QueryDevice):
    """A simulated twin of an instrument; everything above its session is what a real one uses.

    Args:
        device_id: its name. model: one of MODELS. query_command: asked for each sample; the model's when empty.
        fault: timeout, garbage, disconnect, slow, random, or empty. fault_share: of the questions that fail, 0 to 1.
        seed: of noise, drift and faults; None for any. unit: of the reading; the model's when not given.
        **options: see QueryDevice.

    Raises:
        ValueError: an argument is out of bounds, as a sentence.
    """

    def __init__(
        self,
        device_id: str,
        model: str = "multimeter",
        *,
        query_command: str = "",
        fault: str = "",
        fault_share: float = FAULT_SHARE,
        seed: int | None = None,
        unit: str | None = None,
        timeout_s: float | None = 1.0,
        **options: Any,
    ) -> None:
        if model not in MODELS:
            raise ValueError(f"there is no simulated {model!r}; there are {', '.join(MODELS)}")
        self.model: Model = MODELS[model]
        query_command = query_command or self.model.query
        unit = self.model.unit if unit is None and query_command == self.model.query else unit or ""
        super().__init__(device_id, query_command, timeout_s=timeout_s, unit=unit, **options)
        rng = np.random.default_rng(seed)
        self._timeout_s = timeout_s
        self._measuring = self.model.make(rng)
        self._wire = Wire(device_id, rng)
        self._wire.set_fault(fault, fault_share)
        self._library = ""
        self._manager: Any = None  # as long as it lives, so does what was set in the instrument

    @property
    def axis_hz(self) -> tuple[float, float] | None:
        """First and last frequency of the last trace, as they are set in the instrument; None without a trace."""
        return getattr(self._measuring, "axis_hz", None)

    @property
    def injected_faults(self) -> dict[str, int]:
        """How many questions failed because the switch said so, by kind."""
        return {str(fault): count for fault, count in self._wire.injected.items()}

    @unlocked
    def set_fault(self, fault: str, share: float = 1.0) -> None:
        """Turn the fault switch.

        Args:
            fault: timeout, garbage, disconnect, slow, random for any of them, or empty. share: of the questions.

        Raises:
            ValueError: there is no such fault or share.
        """
        self._wire.set_fault(fault, share)

    def _open_session(self) -> Session:
        self._wire.check()
        if self._manager is None:
            self._library, self._manager = _own_library(self.model.file)
        visa = VisaSession(self._library, self.model.address, timeout_s=self._timeout_s or USUAL_TIMEOUT_S)
        return SimulatedSession(visa, self._measuring, self._wire, self._timeout_s)


def _own_library(file: str) -> tuple[str, Any]:
    """Open an instrument file as a VISA library that no other device shares: each has its own settings."""
    with tempfile.TemporaryDirectory(prefix="dockscope-") as folder:
        own = Path(folder, file)
        with resources.as_file(resources.files("dockscope.resources") / "simulated" / file) as path:
            shutil.copyfile(path, own)
        library = f"{own}@sim"
        return library, resource_manager(library)
