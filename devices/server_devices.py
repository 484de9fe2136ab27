"""The devices of the device server, and how more of them come in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from .attach import attach
from .bench import Bench
from .bench_errors import InstrumentError
from .bench_file import spec_of_table
from .instrument import Instrument
from .registered_types import RegisteredTypes
from .served import CALL_LIMIT_S, Served
from .served_instrument import ServedInstrument
from .served_object import ServedObject
from .server_errors import DEVICE, ErrorBook, RequestError
from .server_loop import ServerLoop
from .server_requests import checked_id
from .server_streams import DeviceFeed
from .spec import DeviceSpec
from .worker import DeviceWorker

MOST_DEVICES = 1000
MAKE_LIMIT_S = 30.0
# Kinds whose parameters name classes to be imported are not for clients, nor are those of plug-ins, of which nothing is
# known; of the others these parameters are not, which lead to a file: a library would be loaded and run.
CLIENTS_MAY_MAKE = {"visa": ("visa_library",), "sim": (), "system": ("disk",)}


class ServedDevices:
    """Know the devices, their streams and their last errors. May be used from any thread.

    Args:
        loop: of the server. call_limit_s: the longest that a call to a device may take.

    Attributes:
        errors: the last one of each device. types: of devices that clients may add.
    """

    def __init__(self, loop: ServerLoop, call_limit_s: float = CALL_LIMIT_S) -> None:
        self.errors = ErrorBook()
        self._loop, self._limit_s = loop, call_limit_s
        self._feeds: dict[str, DeviceFeed] = {}
        self.types = RegisteredTypes("device")
        self._takes_kinds = False
        self._bench = Bench(on_change=self._on_change, on_samples=self._on_samples, on_fault=self._on_fault)
        self._on_bench: dict[str, ServedInstrument] = {}
        self._maker = DeviceWorker("new-device")
        self._lock = threading.Lock()

    def register_catalogue(self) -> None:
        """Let clients add devices of those kinds of a bench by which they cannot run code."""
        self._takes_kinds = True

    def add_object(self, device: Any, id_: str, rate_hz: float | None) -> None:
        """Serve an object (see ``DeviceServer.add_device``)."""
        self._add(ServedObject(device, checked_id(id_), rate_hz=rate_hz, call_limit_s=self._limit_s))

    def add_spec(self, spec: DeviceSpec) -> ServedInstrument:
        """Serve a device of a bench (see ``DeviceServer.add_instrument``)."""
        with self._lock:
            self._check_free(spec.id)
            served = self._on_bench[spec.id] = ServedInstrument(self._bench.add(spec))
            self._feeds[spec.id] = DeviceFeed(served, self._loop)
        return served

    def make(self, id_: str, kind: str, params: Mapping[str, Any]) -> Future[Served]:
        """Make a device as a client asked for.

        Args:
            id_: of the new device. kind: name of a registered class or a kind of the catalogue. params: for it.

        Raises:
            RequestError: there is no such type, or the id is taken.
        """
        if id_ in self._feeds:
            raise _exists(id_)
        if (found := self.types.get(kind)) is not None:
            return self._maker.submit(self._making(found, id_, kind, params), limit_s=MAKE_LIMIT_S)
        if self._takes_kinds and kind in CLIENTS_MAY_MAKE:
            _check_harmless(kind, params)
            table = dict(params) | {"id": id_, "kind": kind}
            return self._maker.submit(lambda: self._prepared(spec_of_table(table)), limit_s=MAKE_LIMIT_S)
        words = f"Device type '{kind[:100]}' is not registered"
        raise RequestError(404, "DeviceTypeNotFound", words, context={"device_type": kind})

    def feed(self, id_: str) -> DeviceFeed:
        """Return the stream of a device.

        Raises:
            RequestError: there is no such device.
        """
        feed = self._feeds.get(id_)
        if feed is None:
            raise RequestError(404, "DeviceNotFound", f"No device found with ID: '{id_[:200]}'")
        return feed

    def feeds(self) -> list[DeviceFeed]:
        """Return the streams of all devices, in the order in which those were added."""
        return list(self._feeds.values())

    def get_device(self, device_id: str) -> Any:
        """Return the object of a device, for tasks.

        Raises:
            ValueError: there is none, or it is not connected yet.
        """
        feed = self._feeds.get(device_id)
        served = feed.served if feed else None
        if isinstance(served, ServedObject):
            return served.device
        if isinstance(served, ServedInstrument) and served.instrument.device is not None:
            return served.instrument.device
        what = "No device found with ID" if served is None else "This device is not connected"
        raise ValueError(f"{what}: '{device_id}'")

    def close(self, timeout_s: float) -> bool:
        """Leave all devices at once; returns whether all their threads have ended in time."""
        objects = [feed.served for feed in self.feeds() if isinstance(feed.served, ServedObject)]
        ends = [self._maker.close, self._bench.close, *(served.close for served in objects)]
        outcomes: list[bool] = []
        threads = [threading.Thread(target=lambda end=end: outcomes.append(end(timeout_s))) for end in ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return all(outcomes)

    def _making(self, cls: type, id_: str, kind: str, params: Mapping[str, Any]) -> Callable[[], Served]:
        def make() -> Served:
            device = attach(cls, id_, **params)
            served = ServedObject(device, id_, kind, is_ours=True, call_limit_s=self._limit_s)
            self._add(served)
            return served

        return make

    def _prepared(self, spec: DeviceSpec) -> Served:
        served = self.add_spec(spec)
        served.instrument.prepare()  # so that its methods can be listed before it is connected
        return served

    def _add(self, served: Served) -> None:
        with self._lock:
            self._check_free(served.id)
            self._feeds[served.id] = DeviceFeed(served, self._loop)

    def _check_free(self, id_: str) -> None:
        if id_ in self._feeds:
            raise _exists(id_)
        if len(self._feeds) >= MOST_DEVICES:
            raise RequestError(400, "DeviceCreationError", f"there are {MOST_DEVICES} devices already")

    def _on_change(self, instrument: Instrument) -> None:
        self._on_bench[instrument.spec.id].note_change()

    def _on_samples(self, instrument: Instrument, samples: list[tuple[float, Any]]) -> None:
        self._on_bench[instrument.spec.id].hand_on(samples)

    def _on_fault(self, instrument: Instrument, sentence: str) -> None:
        id_ = instrument.spec.id
        self.errors.record(id_, InstrumentError(sentence), origin=DEVICE, context={"device_id": id_})


def _check_harmless(kind: str, params: Mapping[str, Any]) -> None:
    if (name := next((name for name in CLIENTS_MAY_MAKE[kind] if name in params), None)) is not None:
        words = f"{name} is not for clients to choose: name it in the bench file"
        raise RequestError(400, "DeviceCreationError", words, context={"device_type": kind})


def _exists(id_: str) -> RequestError:
    return RequestError(409, "DeviceExists", f"Device '{id_}' already exists", context={"device_id": id_})
