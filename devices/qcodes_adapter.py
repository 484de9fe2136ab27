"""An instrument of QCoDeS as a device: its parameters become metrics. qcodes is imported when one is made."""

from __future__ import annotations

import re
from typing import Any

from .driver_class import parameter_names
from .driver_device import DriverDevice


class QcodesDevice(DriverDevice):
    """Read parameters of an instrument that QCoDeS has a driver for; a dot leads into a submodule: ``sense.voltage``.

    Args:
        device_id: its name. options: see ``DriverDevice``; the class is such as ``Keithley.Keithley2450``.

    Attributes:
        units: of the parameters, by name, as QCoDeS tells them.
    """

    def __init__(self, device_id: str, **options: Any) -> None:
        from qcodes.instrument import Instrument

        super().__init__(device_id, package="qcodes.instrument_drivers", base=Instrument, **options)
        self.units: dict[str, str] = {}
        self._parameters: dict[str, Any] = {}

    def _open(self) -> Any:
        # QCoDeS keeps a list of all instruments by names that have to be identifiers.
        name = re.sub(r"\W", "_", f"dockscope_{self.device_id}_{id(self):x}")
        return self._class(name, *self._place, **self._options)

    def _begin(self) -> None:
        self._parameters = {path: self._find(path) for path in self._names}
        self.units = {path: str(parameter.unit) for path, parameter in self._parameters.items() if parameter.unit}
        told = self._instrument.get_idn()
        self.identity = " ".join(str(word) for word in told.values() if word) or self.identity

    def _set(self, path: str, value: Any) -> None:
        self._find(path).set(value)

    def _read(self, path: str) -> Any:
        return self._parameters[path].get()

    def _close(self, instrument: Any) -> None:
        self._parameters = {}
        instrument.close()

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
