"""An instrument of QCoDeS as a device: its parameters become metrics. qcodes is imported when one is made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .device import StreamingDevice
from .driver_class import driver_class, parameter_names

DRIVERS = "qcodes.instrument_drivers"


class QcodesDevice(StreamingDevice):
    """Read parameters of an instrument that QCoDeS has a driver for.

    Args:
        device_id: its name. instrument: the class, such as ``Keithley.Keithley2450``.
        reads: the parameters; one gives its value, several a dict. A dot leads into a submodule: ``sense.voltage``.
        address: what the driver is opened with, where it has one.
        settings: parameters that are set after connecting. options: further arguments of the class.
        stream: options of the stream, as ``StreamingDevice`` takes them.

    Attributes:
        units: of the parameters, by name, as QCoDeS tells them.

    Raises:
        ValueError: the class or a name is wrong. ImportError: qcodes, or what the driver needs, is not installed.
    """

    def __init__(
        self,
        device_id: str,
        *,
        instrument: str,
        reads: str | Sequence[str],
        address: str = "",
        settings: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        **stream: Any,
    ) -> None:
        super().__init__(device_id, **stream)
        from qcodes.instrument import Instrument

        self._class = driver_class(instrument, package=DRIVERS, base=Instrument)
        self._names = parameter_names(reads)
        self._address, self._settings, self._options = address, dict(settings or {}), dict(options or {})
        self._instrument: Any = None
        self._parameters: dict[str, Any] = {}
        self.identity = instrument
        self.units: dict[str, str] = {}

    def connect(self) -> None:
        """Open the instrument and set what is to be set."""
        place = () if self._address == "" else (self._address,)
        # QCoDeS keeps a list of all instruments by names that have to be identifiers.
        name = re.sub(r"\W", "_", f"dockscope_{self.device_id}_{id(self):x}")
        self._instrument = self._class(name, *place, **self._options)
        try:
            for path, value in self._settings.items():
                self._find(path).set(value)
            self._parameters = {path: self._find(path) for path in self._names}
            told = self._instrument.get_idn()
        except BaseException:
            self._close()
            raise
        self.units = {path: str(parameter.unit) for path, parameter in self._parameters.items() if parameter.unit}
        self.identity = " ".join(str(word) for word in told.values() if word) or self.identity

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
            values = {path: parameter.get() for path, parameter in self._parameters.items()}
        return values[self._names[0]] if len(values) == 1 else values

    def _find(self, path: str) -> Any:
        """Return a parameter by its dotted path.

        Raises:
            ValueError: there is none, with those that there are.
        """
        *modules, last = parameter_names([path])[0].split(".")
        where = self._instrument
        for module in modules:
            where = getattr(where, "submodules", {}).get(module)
        parameters = getattr(where, "parameters", {})
        if last not in parameters:
            known = ", ".join(self._instrument.parameters)
            raise ValueError(f"{path[:40]} is no parameter of {type(self._instrument).__name__}: it has {known[:200]}")
        return parameters[last]

    def _close(self) -> None:
        instrument, self._instrument, self._parameters = self._instrument, None, {}
        if instrument is not None:
            instrument.close()
