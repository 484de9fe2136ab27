"""An instrument of pymeasure as a device: its properties become metrics. pymeasure is imported when one is made."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from .device import StreamingDevice
from .driver_class import driver_class, parameter_names

DRIVERS = "pymeasure.instruments"


class PymeasureDevice(StreamingDevice):
    """Read properties of an instrument that pymeasure has a driver for.

    Args:
        device_id: its name. instrument: the class, such as ``keithley.Keithley2000``.
        reads: the properties; one gives its value, several a dict. A dot leads into a channel: ``ch_1.voltage``.
        address: what the driver is opened with; without one the class is made without.
        settings: properties that are set after connecting. options: further arguments of the class.
        stream: options of the stream, as ``StreamingDevice`` takes them.

    Raises:
        ValueError: the class or a name is wrong. ImportError: pymeasure, or what the driver needs, is not installed.
    """

    def __init__(
        self,
        device_id: str,
        *,
        instrument: str,
        reads: str | Sequence[str],
        address: str | int = "",
        settings: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        **stream: Any,
    ) -> None:
        super().__init__(device_id, **stream)
        from pymeasure.instruments import Instrument

        # What drivers lack is told to those who write them, each time that one is made.
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"pymeasure\b")
        self._class = driver_class(instrument, package=DRIVERS, base=Instrument)
        self._names = parameter_names(reads)
        self._address, self._settings, self._options = address, dict(settings or {}), dict(options or {})
        self._instrument: Any = None
        self.identity = instrument

    def connect(self) -> None:
        """Open the instrument, set what is to be set, and read each property once so that a wrong name is told now."""
        place = () if self._address == "" else (self._address,)
        self._instrument = self._class(*place, **self._options)
        try:
            for name, value in self._settings.items():
                self._set(name, value)
            self._read()
        except BaseException:
            self._close()
            raise
        self.identity = str(self._instrument.name)

    def disconnect(self) -> None:
        """Stop streaming and close the connection; the instrument is left as it is set."""
        super().disconnect()
        self._close()

    def ask(self, command: str) -> str:
        """Send a command; returns the answer of one that ends with a question mark, else ""."""
        if command.rstrip().endswith("?"):
            return str(self._instrument.ask(command)).strip()
        self._instrument.write(command)
        return ""

    def _acquire_sample(self) -> Any:
        with self._ld_lock:
            return self._read()

    def _read(self) -> Any:
        values = {name: attrgetter(name)(self._instrument) for name in self._names}
        return values[self._names[0]] if len(values) == 1 else values

    def _set(self, name: str, value: Any) -> None:
        (name,) = parameter_names([name])
        holder, _, last = name.rpartition(".")
        where = attrgetter(holder)(self._instrument) if holder else self._instrument
        getattr(where, last)  # a property that is not there would silently be made
        setattr(where, last, value)

    def _close(self) -> None:
        instrument, self._instrument = self._instrument, None
        if instrument is not None:
            instrument.adapter.close()
