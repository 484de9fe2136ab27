"""Live parameters: values of a run that a viewer may tune while it goes on."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .messages import ParameterState
from .wire_values import check_text, exact_float

logger = logging.getLogger("dockscope.control")

MAX_PARAMETERS = 4096
MAX_CHOICES = 1024
MAX_VALUE_BYTES = 4096


class Parameter:
    """A value that viewers can change; the watched loop reads ``value``.

    A new value is checked when it arrives and taken over at the loop's next checkpoint, so ``value`` never changes in
    the middle of an iteration. Made by ``Broadcaster.control.parameter``.
    """

    def __init__(
        self,
        name: str,
        default: Any,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        choices: Sequence[Any] | None = None,
        unit: str = "",
    ) -> None:
        self.name = check_text(name, "name")
        self.unit = check_text(unit, "unit")
        self.type = _type_name(default)
        self.minimum = _bound(minimum, "minimum", self.type)
        self.maximum = _bound(maximum, "maximum", self.type)
        self.choices: tuple[Any, ...] | None = None
        if choices is not None:
            if isinstance(choices, str) or not isinstance(choices, Sequence):
                raise TypeError(f"choices: must be a sequence of values, not {type(choices).__name__}")
            if not 1 <= len(choices) <= MAX_CHOICES:
                raise ValueError(f"choices: {len(choices)} given, must be 1 to {MAX_CHOICES}")
            self.choices = tuple(self.check(choice, "choices") for choice in choices)
        self.default = self.check(default, "default")
        self.revision = 0
        self._value = self.default
        self._callbacks: list[Callable[[Any], object]] = []

    @property
    def value(self) -> Any:
        """The value to use now; its type is that of the default."""
        return self._value

    def on_change(self, callback: Callable[[Any], object]) -> Callable[[Any], object]:
        """Call ``callback(value)`` after each change, in the thread that is in checkpoint; also a decorator."""
        if not callable(callback):
            raise TypeError("callback: must be callable")
        self._callbacks.append(callback)
        return callback

    def check(self, value: Any, argument: str = "value") -> Any:
        """Convert a value to the parameter's type when that loses nothing.

        Raises:
            ValueError: of another type, out of bounds, or not among the choices; the text names ``argument``.
        """
        converted = _convert(value, self.type)
        if converted is None:
            raise ValueError(f"{argument}: {str(value)[:40]!r} is not {self.type}")
        if self.minimum is not None and converted < self.minimum:
            raise ValueError(f"{argument}: {converted} is less than the minimum {self.minimum:g}")
        if self.maximum is not None and converted > self.maximum:
            raise ValueError(f"{argument}: {converted} is more than the maximum {self.maximum:g}")
        if self.choices is not None and converted not in self.choices:
            raise ValueError(f"{argument}: {str(converted)[:40]!r} is none of the choices")
        return converted

    def take(self, value: Any) -> None:
        """Take over a checked value."""
        self._value = value
        self.revision += 1

    def tell(self) -> None:
        """Call the callbacks with the present value; an exception of one is logged and harms nobody."""
        for callback in self._callbacks:
            try:
                callback(self._value)
            except Exception:
                logger.exception("a callback of parameter %s failed", self.name)

    def declared_like(self, other: Parameter) -> bool:
        """Tell whether both were declared with equal arguments."""
        return self._declaration() == other._declaration()

    def _declaration(self) -> tuple[Any, ...]:
        return (self.type, self.default, self.minimum, self.maximum, self.choices, self.unit)

    def state(self) -> ParameterState:
        """Describe the parameter as viewers see it."""
        return ParameterState(
            self.name, self.type, self._value, self.minimum, self.maximum, self.choices, self.unit, self.revision
        )


def _type_name(default: Any) -> str:
    if isinstance(default, bool | np.bool_):
        return "bool"
    if isinstance(default, int | np.integer):
        return "int"
    if isinstance(default, float | np.floating):
        return "float"
    if isinstance(default, str):
        return "str"
    raise TypeError(f"default: must be bool, int, float or str, not {type(default).__name__}")


def _bound(bound: Any, argument: str, type_name: str) -> float | None:
    if bound is None:
        return None
    if type_name not in ("int", "float"):
        raise ValueError(f"{argument}: a {type_name} has no bounds")
    if isinstance(bound, bool) or not isinstance(bound, int | float | np.integer | np.floating):
        raise TypeError(f"{argument}: must be a number, not {type(bound).__name__}")
    if bound != bound:
        raise ValueError(f"{argument}: must not be NaN")
    return exact_float(bound, argument)


def _convert(value: Any, type_name: str) -> Any:
    """Convert without loss, or give None."""
    if type_name == "bool":
        return bool(value) if isinstance(value, bool | np.bool_) else None
    if type_name == "str":
        return str(value) if isinstance(value, str) and len(value.encode(errors="replace")) <= MAX_VALUE_BYTES else None
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return None
    if type_name == "int":
        return int(value) if abs(value) <= 2**53 and value == int(value) else None
    return float(value) if abs(value) <= sys.float_info.max or math.isinf(value) else None
