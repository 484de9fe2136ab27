"""An instrument of pymeasure as a device: its properties become metrics. pymeasure is imported when one is made."""

from __future__ import annotations

import warnings
from operator import attrgetter
from typing import Any

from .driver_class import parameter_names
from .driver_device import DriverDevice


class PymeasureDevice(DriverDevice):
    """Read properties of an instrument that pymeasure has a driver for; a dot leads into a channel: ``ch_1.voltage``.

    Args:
        device_id: its name. options: see ``DriverDevice``; the class is such as ``keithley.Keithley2000``.
    """

    def __init__(self, device_id: str, **options: Any) -> None:
        from pymeasure.instruments import Instrument

        # What drivers lack is told to those who write them, each time that one is made.
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"pymeasure\b")
        super().__init__(device_id, package="pymeasure.instruments", base=Instrument, **options)

    def _open(self) -> Any:
        return self._class(*self._place, **self._options)

    def _begin(self) -> None:
        for name in self._names:
            self._read(name)
        self.identity = str(self._instrument.name)

    def _set(self, path: str, value: Any) -> None:
        (path,) = parameter_names([path])
        self._read(path)  # a property that is not there would silently be made
        holder, _, last = path.rpartition(".")
        setattr(attrgetter(holder)(self._instrument) if holder else self._instrument, last, value)

    def _read(self, path: str) -> Any:
        return attrgetter(path)(self._instrument)

    def _close(self, instrument: Any) -> None:
        instrument.adapter.close()
