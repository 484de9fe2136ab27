"""Instruments with a VISA address: the only module that knows pyvisa."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyvisa
from pyvisa.constants import InterfaceType, ResourceAttribute, StatusCode

from ..core.link_address import LinkError
from .answer_reader import AnswerReader, Ending
from .answers import MAX_ANSWER_BYTES
from .instrument_errors import LinkLostError, NoAnswerError
from .instrument_link import Session
from .py_socket import PySocket
from .query_device import QueryDevice, checked_seconds
from .serial_settings import serial_settings

QUIET_S = 0.02  # a line on which nothing came for so long has nothing more to say
MOST_DISCARDED = 4096  # reads; an instrument that never falls silent is not waited for
CONNECT_TIMEOUT_S = 5.0

_one_at_a_time = threading.Lock()  # pyvisa's own register of libraries is not made for several threads


def resource_manager(library: str) -> pyvisa.ResourceManager:
    """Return the resource manager of a VISA library: pyvisa keeps one for each as long as somebody has it.

    Args:
        library: ``@py``, ``FILE@sim``, the path of a vendor's library, or empty for the one installed.

    Raises:
        LinkLostError: there is no such library, as a sentence.
    """
    # pyvisa-py warns of what it finds missing for interfaces nobody asked for.
    warnings.filterwarnings("ignore", module=r"pyvisa_py\b")
    if (log := logging.getLogger("pyvisa")).level == logging.NOTSET:
        log.setLevel(logging.CRITICAL)  # what fails here is told as a LinkError
    if not _one_at_a_time.acquire(timeout=CONNECT_TIMEOUT_S):
        raise LinkLostError("another device is still opening a VISA library")
    try:
        return pyvisa.ResourceManager(library)
    except Exception as error:
        raise LinkLostError(f"the VISA library {library!r} cannot be opened: {error}") from error
    finally:
        _one_at_a_time.release()


def addresses(library: str) -> tuple[list[str], set[str]]:
    """Return the resources that a VISA library finds, and those of them that are open in this process.

    Raises:
        LinkLostError: it cannot look, as a sentence.
    """
    manager = resource_manager(library)
    try:
        found = list(manager.list_resources("?*"))
    except pyvisa.VisaIOError as error:
        if error.error_code != StatusCode.error_resource_not_found:
            raise LinkLostError(f"looking for instruments failed: {error.description}") from error
        found = []
    except Exception as error:
        raise LinkLostError(f"looking for instruments failed: {error}") from error
    return found, {resource.resource_name for resource in manager.list_opened_resources()}


class VisaSession:
    """An open VISA resource, of which one answer after the other is read.

    Args:
        library, address: what to open. timeout_s: the longest wait for bytes, None for any.
        read_termination, write_termination: what ends an answer, a command.
        serial: settings of a serial line, made by ``serial_settings``. most: bytes an answer may have.

    Raises:
        LinkError: it cannot be opened, as a sentence.
    """

    def __init__(
        self,
        library: str,
        address: str,
        *,
        timeout_s: float | None,
        read_termination: str = "\n",
        write_termination: str = "\n",
        serial: Mapping[int, int] | None = None,
        most: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.address = address
        self.marks_ends = False
        self._has_end = bool(read_termination)
        self._write_termination = write_termination.encode()
        self._reader = AnswerReader(self, read_termination.encode(), most)
        self._timeout_s: float | None = None
        self._to_terminator = True
        self._socket: PySocket | None = None
        manager = resource_manager(library)
        with self._explained():
            limit_s = CONNECT_TIMEOUT_S if timeout_s is None else timeout_s
            resource = manager.open_resource(address, open_timeout=int(1000 * limit_s))
        self._resource: Any = resource
        try:
            with self._explained():
                self._prepare(read_termination, serial or {})
            self.timeout_s = timeout_s
        except BaseException:
            self.close()
            raise

    @property
    def timeout_s(self) -> float | None:
        """The longest wait for bytes, None for any."""
        return self._timeout_s

    @timeout_s.setter
    def timeout_s(self, value: float | None) -> None:
        with self._explained():
            self._resource.timeout = None if value is None else max(1, round(1000 * value))
        self._timeout_s = value

    def send(self, message: str) -> None:
        """Send one message.

        Raises:
            LinkError: that failed, or the other side has closed the link.
        """
        with self._explained():
            unread = self._socket is not None and self._socket.has_unread()
            if unread and not self._reader.expects_terminator:
                self.discard()  # nobody asked for it, or not any more
            self._resource.write_raw(message.encode() + self._write_termination)

    def receive(self) -> bytes:
        """Return the next answer without its terminator.

        Raises:
            LinkError: there is none, or it is no proper one.
        """
        return self._reader.read()

    def discard(self) -> None:
        """Throw away what the instrument sent, until it falls silent."""
        self._reader.forget()
        usual_s = self.timeout_s
        self.timeout_s = QUIET_S
        try:
            for _ in range(MOST_DISCARDED):
                self.read_some(1, to_terminator=False)
                try:
                    self.read_some(1 << 16, to_terminator=False)
                except NoAnswerError:
                    pass  # and what there was is gone
            raise LinkLostError(f"{self.address} never stops sending")
        except NoAnswerError:
            pass
        finally:
            self.timeout_s = usual_s

    def clear(self) -> bool:
        """Send a device clear where the interface has it; tell whether that was done."""
        if not self.marks_ends:  # pyvisa-py's clear of a closed socket never returns
            return False
        try:
            with self._explained():
                self._resource.clear()
        except LinkError:
            return False
        return True

    def close(self) -> None:
        """Give the resource back; never raises."""
        handle = self._resource._session  # the property raises once it is closed
        try:
            with self._explained():
                self._resource.close()
        except LinkError:
            pass  # it was gone already
        # pyvisa-py keeps every session it ever opened.
        sessions = getattr(self._resource.visalib, "sessions", None)
        if isinstance(sessions, dict):
            sessions.pop(handle, None)

    def read_some(self, most: int, *, to_terminator: bool) -> tuple[bytes, Ending]:
        """Return up to ``most`` bytes, one at least, and why no more."""
        with self._explained(), self._resource.ignore_warning(StatusCode.success_max_count_read):
            if to_terminator is not self._to_terminator:
                self._resource.set_visa_attribute(ResourceAttribute.termchar_enabled, to_terminator and self._has_end)
                self._to_terminator = to_terminator
            if self._socket is not None:
                self._socket.await_bytes(self._timeout_s)
            chunk, status = self._resource.visalib.read(self._resource.session, most)
        if status == StatusCode.success_max_count_read:
            return bytes(chunk), Ending.NOTHING
        if status == StatusCode.success_termination_character_read:
            return bytes(chunk), Ending.LINE
        return bytes(chunk), Ending.MESSAGE

    def read_if_there(self) -> bytes:
        """Return the next byte if one comes at once, else nothing."""
        usual_s = self.timeout_s
        self.timeout_s = QUIET_S
        try:
            return self.read_some(1, to_terminator=False)[0]
        except NoAnswerError:
            return b""
        finally:
            self.timeout_s = usual_s

    def _prepare(self, read_termination: str, serial: Mapping[int, int]) -> None:
        resource = self._resource
        if not hasattr(resource, "read_termination"):
            raise LinkLostError(f"{self.address} is no instrument that takes commands")
        for attribute, value in serial.items():
            resource.set_visa_attribute(ResourceAttribute(attribute), value)
        resource.read_termination = read_termination or None
        self.marks_ends = resource.resource_class == "INSTR" and resource.interface_type != InterfaceType.asrl
        if resource.interface_type == InterfaceType.tcpip and resource.resource_class == "SOCKET":
            self._keep_alive()
            self._socket = PySocket.of(resource)
            if self._socket is not None:
                self._socket.has_unread()  # pyvisa-py takes a refused connection for an open one

    def _keep_alive(self) -> None:
        """Let the system find out about a peer that vanished; not every library can."""
        try:
            self._resource.set_visa_attribute(ResourceAttribute.tcpip_keepalive, True)
        except (pyvisa.Error, NotImplementedError):
            pass

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the libraries raise into a sentence."""
        try:
            yield
        except LinkError:
            raise
        except pyvisa.VisaIOError as error:
            if error.error_code == StatusCode.error_timeout:
                raise NoAnswerError(f"nothing came within {self._timeout_s} s") from error
            raise LinkLostError(f"{self.address}: {error.description}") from error
        except Exception as error:
            raise LinkLostError(f"{self.address}: {str(error) or type(error).__name__}") from error


class VISAStreamingDevice(QueryDevice):
    """An instrument with a VISA address that is asked the same question at a rate, and others in between.

    Args:
        device_id: its name. address: of the resource, such as ``TCPIP::192.168.1.5::5025::SOCKET``.
        query_command: what is asked for each sample. timeout_s: the longest wait for an answer, None for any.
        read_termination, write_termination: what ends an answer, a command.
        visa_library: ``@py``, ``FILE@sim``, a vendor's library, or "" for the one installed.
        serial: settings of a serial line, such as ``{"baud_rate": 9600, "parity": "even"}``; see ``serial_settings``.
        max_answer_bytes: an answer may have. **options: see QueryDevice.

    Raises:
        ValueError: an argument is out of bounds, as a sentence.
    """

    def __init__(
        self,
        device_id: str,
        address: str,
        query_command: str = "MEAS?",
        *,
        timeout_s: float | None = 5.0,
        read_termination: str = "\n",
        write_termination: str = "\n",
        visa_library: str = "@py",
        serial: Mapping[str, Any] | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        **options: Any,
    ) -> None:
        super().__init__(device_id, query_command, timeout_s=timeout_s, **options)
        self.address = address
        self._session = partial(
            VisaSession,
            visa_library,
            address,
            timeout_s=checked_seconds("timeout_s", timeout_s),
            read_termination=read_termination,
            write_termination=write_termination,
            serial=serial_settings(serial or {}),
            most=max_answer_bytes,
        )

    def _open_session(self) -> Session:
        return self._session()
