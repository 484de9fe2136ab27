"""Which instruments are there, and who they are."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial

from .answers import as_text
from .instrument_errors import StuckError
from .instrument_link import IDENTITY, IDENTITY_TIMEOUT_S
from .visa import VisaSession, addresses
from .worker import DeviceStuckError, DeviceWorker

AT_ONCE = 16
SESSION_S = 2.0 * IDENTITY_TIMEOUT_S + 1.0  # opening, asking, closing
MOST_RESOURCES = 256
ENDING_S = 0.1  # before the end, for the last ones to be listed
LEAVING_S = 1.0  # after it, for the threads to end


@dataclass(frozen=True)
class FoundResource:
    """A resource that a VISA library lists.

    Attributes:
        address: to connect to it. identity: its answer to ``*IDN?``. note: why there is none, a sentence.
    """

    address: str
    identity: str = ""
    note: str = ""


def scan(visa_library: str = "@py", *, limit_s: float = 10.0) -> list[FoundResource]:
    """List the resources of a VISA library and ask each who it is.

    Serial ports are listed, not asked: what hangs there may take the question for something else. Neither is what is
    open already: the answer could reach another asker. Sockets are found by no library, see ``identify``.

    Args:
        visa_library: as for VISAStreamingDevice.
        limit_s: the longest it may take, give or take a second; what has not answered by then has no identity.

    Raises:
        LinkError: the library cannot be opened, or did not list its resources in time.
    """
    until_s = time.monotonic() + limit_s
    finder = DeviceWorker("scan")
    try:
        found, opened = finder.submit(lambda: addresses(visa_library), limit_s=limit_s).result()
    except DeviceStuckError as error:
        raise StuckError(f"looking for instruments took longer than {limit_s:g} s") from error
    finally:
        finder.close(LEAVING_S)  # its thread ends a moment after the call
    listed = [_Asked(address, _reason_not_to_ask(address, opened)) for address in found[:MOST_RESOURCES]]
    return _ask_all(visa_library, listed, until_s)


def identify(resources: Sequence[str], visa_library: str = "@py", *, limit_s: float = 10.0) -> list[FoundResource]:
    """Ask the instruments at some addresses who they are, all at once.

    Args:
        resources: VISA addresses. visa_library, limit_s: as for ``scan``.
    """
    return _ask_all(visa_library, [_Asked(address) for address in resources], time.monotonic() + limit_s)


class _Asked:
    """One resource and what became of asking it."""

    def __init__(self, address: str, note: str = "") -> None:
        self.address = address
        self.note = note
        self.future: Future[str] | None = None

    def result(self) -> FoundResource:
        if self.future is None:
            return FoundResource(self.address, note=self.note)
        if not self.future.done():
            return FoundResource(self.address, note="it did not answer in time")
        error = self.future.exception()
        return (
            FoundResource(self.address, note=str(error)) if error else FoundResource(self.address, self.future.result())
        )


def _reason_not_to_ask(address: str, opened: set[str]) -> str:
    if address.upper().startswith("ASRL"):
        return "a serial port is not asked"
    return "it is in use here" if address in opened else ""


def _ask_all(library: str, listed: Sequence[_Asked], until_s: float) -> list[FoundResource]:
    to_ask = [one for one in listed if not one.note]
    workers = [DeviceWorker(f"scan {number}") for number in range(min(AT_ONCE, len(to_ask)))]
    for number, one in enumerate(to_ask):
        ask = partial(_identity, library, one.address, until_s)
        one.future = workers[number % AT_ONCE].submit(ask, limit_s=SESSION_S)
    wait([one.future for one in to_ask if one.future], max(0.0, until_s - time.monotonic()))
    found = [one.result() for one in listed]
    leave_s = time.monotonic() + LEAVING_S
    for worker in workers:
        worker.close(max(0.0, leave_s - time.monotonic()))
    return found


def _identity(library: str, address: str, until_s: float) -> str:
    left_s = until_s - time.monotonic() - ENDING_S
    session = VisaSession(library, address, timeout_s=min(IDENTITY_TIMEOUT_S, max(ENDING_S, left_s)))
    try:
        session.send(IDENTITY)
        return as_text(session.receive())
    finally:
        session.close()
