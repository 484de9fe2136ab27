"""Which instruments are there, and who they are."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

from .answers import as_text
from .instrument_link import IDENTITY, IDENTITY_TIMEOUT_S
from .visa import VisaSession, addresses
from .worker import DeviceWorker

AT_ONCE = 16
SESSION_S = 2.0 * IDENTITY_TIMEOUT_S + 1.0  # opening, asking, closing
MOST_RESOURCES = 256


@dataclass(frozen=True)
class FoundResource:
    """A resource that a VISA library lists.

    Attributes:
        address: to connect to it. identity: its answer to ``*IDN?``. note: why there is none, a sentence.
    """

    address: str
    identity: str = ""
    note: str = ""


def scan(visa_library: str = "@py", *, limit_s: float = 10.0, also: Sequence[str] = ()) -> list[FoundResource]:
    """List the resources of a VISA library and ask each who it is.

    Serial ports are listed, not asked: what hangs there may take the question for something else. Neither is what is
    open already: the answer could reach another asker.

    Args:
        visa_library: as for VISAStreamingDevice. limit_s: the longest it may take; what has not answered by then is
            listed without identity. also: addresses to ask that libraries do not find, such as sockets.

    Raises:
        LinkError: the library cannot be opened. DeviceStuckError: it did not list its resources in time.
    """
    until_s = time.monotonic() + limit_s
    finder = DeviceWorker("scan")
    try:
        found, opened = finder.submit(lambda: addresses(visa_library), limit_s=limit_s).result()
    finally:
        finder.close(0.0)
    listed = list(dict.fromkeys([*found, *also]))[:MOST_RESOURCES]
    asked = {address: _Asked(address, _reason_not_to_ask(address, opened)) for address in listed}
    _ask_all(visa_library, [a for a in asked.values() if not a.note], until_s)
    return [one.result() for one in asked.values()]


class _Asked:
    """One resource and what became of asking it."""

    def __init__(self, address: str, note: str) -> None:
        self.address = address
        self.note = note
        self.future: Future[str] | None = None

    def result(self) -> FoundResource:
        if self.future is None:
            return FoundResource(self.address, note=self.note or "there was no time left to ask")
        if not self.future.done() or self.future.cancelled():
            return FoundResource(self.address, note="it did not answer in time")
        error = self.future.exception()
        return (
            FoundResource(self.address, note=str(error)) if error else FoundResource(self.address, self.future.result())
        )


def _reason_not_to_ask(address: str, opened: set[str]) -> str:
    if address.upper().startswith("ASRL"):
        return "a serial port is not asked"
    return "it is in use here" if address in opened else ""


def _ask_all(library: str, asked: Sequence[_Asked], until_s: float) -> None:
    workers = [DeviceWorker(f"scan {number}") for number in range(min(AT_ONCE, len(asked)))]
    for number, one in enumerate(asked):
        one.future = workers[number % AT_ONCE].submit(
            lambda one=one: _identity(library, one.address), limit_s=SESSION_S
        )
    wait([one.future for one in asked if one.future], max(0.0, until_s - time.monotonic()))
    for worker in workers:
        worker.close(0.0)


def _identity(library: str, address: str) -> str:
    session = VisaSession(library, address, timeout_s=IDENTITY_TIMEOUT_S)
    try:
        session.send(IDENTITY)
        return as_text(session.receive())
    finally:
        session.close()
