"""What devices share whose instrument is a driver of another package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .device import StreamingDevice
from .driver_class import driver_class, parameter_names


class DriverDevice(StreamingDevice):
    """Read parameters of an instrument that another package drives; subclasses say how it is opened and read.

    Args:
        device_id: its name. instrument: the class, such as ``module.Class`` below ``package``.
        reads: the parameters; one gives its value, several a dict. A dot leads into a part of the instrument.
        address: what the driver is opened with; without one the class is made without.
        settings: parameters that are set after connecting. options: further arguments of the class.
        package, base: of the drivers. stream: options of the stream, as ``StreamingDevice`` takes them.

    Raises:
        ValueError: the class or a name is wrong. ImportError: what the driver needs is not installed.
    """

    def __init__(
        self,
        device_id: str,
        *,
        instrument: str,
        reads: str | Sequence[str],
        package: str,
        base: type,
        address: str | int = "",
        settings: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        **stream: Any,
    ) -> None:
        super().__init__(device_id, **stream)
        self._class = driver_class(instrument, package=package, base=base)
        self._names = parameter_names(reads)
        self._place = () if address == "" else (address,)
        self._settings, self._options = dict(settings or {}), dict(options or {})
        self._instrument: Any = None
        self.identity = instrument

    def connect(self) -> None:
        """Open the instrument and set what is to be set; one that then fails is left again."""
        self._instrument = self._open()
        try:
            for path, value in self._settings.items():
                self._set(path, value)
            self._begin()
        except BaseException:
            self._leave_instrument()
            raise

    def disconnect(self) -> None:
        """Stop streaming and close the connection; the instrument is left as it is set."""
        super().disconnect()
        self._leave_instrument()

    def ask(self, command: str) -> str:
        """Send a command; returns the answer of one that ends with a question mark, else ""."""
        if command.rstrip().endswith("?"):
            return str(self._instrument.ask(command)).strip()
        self._instrument.write(command)
        return ""

    def _acquire_sample(self) -> Any:
        with self._ld_lock:
            values = {name: self._read(name) for name in self._names}
        return values[self._names[0]] if len(values) == 1 else values

    def _leave_instrument(self) -> None:
        instrument, self._instrument = self._instrument, None
        if instrument is not None:
            self._close(instrument)

    def _open(self) -> Any:
        """Return the instrument, opened."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Get ready to read it; raises when a name is wrong."""
        raise NotImplementedError

    def _set(self, path: str, value: Any) -> None:
        """Set a parameter."""
        raise NotImplementedError

    def _read(self, path: str) -> Any:
        """Return the value of a parameter."""
        raise NotImplementedError

    def _close(self, instrument: Any) -> None:
        """Close the instrument."""
        raise NotImplementedError
