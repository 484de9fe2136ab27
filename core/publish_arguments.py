"""Checks of what publish calls are given; a wrong argument raises in the caller's thread and is named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .wire_arrays import real_numbers
from .wire_values import check_text, exact_float


def amount(value: Any, argument: str) -> float:
    """Check for a finite number that is not negative.

    Raises:
        TypeError, ValueError: the text names ``argument``.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{argument}: must be a number, not {type(value).__name__}")
    if not 0 <= value < float("inf"):
        raise ValueError(f"{argument}: {value} must be finite and not negative")
    return exact_float(value, argument)


def positive(value: Any, argument: str) -> float:
    """Check for a finite number above zero.

    Raises:
        TypeError, ValueError: the text names ``argument``.
    """
    if amount(value, argument) == 0:
        raise ValueError(f"{argument}: must be more than 0")
    return float(value)


def scalar(value: Any, argument: str) -> str | int | float | bool:
    """Check for a text or number, NumPy's included.

    Raises:
        TypeError, ValueError: the text names ``argument``.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, str | int | float | bool):
        raise TypeError(f"{argument}: must be text or a number, not {type(value).__name__}")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise ValueError(f"{argument}: an integer beyond 64 bits")
    return check_text(value, argument, 65_536) if isinstance(value, str) else value


def names(texts: Any, argument: str) -> tuple[str, ...]:
    """Check for a sequence of texts; None is none of them.

    Raises:
        TypeError, ValueError: the text names ``argument``.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable | None):
        raise TypeError(f"{argument}: must be a sequence of names, not {type(texts).__name__}")
    return tuple(check_text(text, argument) for text in texts or ())


def frequency_axis(frequencies: Any, channels: int) -> tuple[np.ndarray | None, float, float]:
    """Describe channel frequencies by start and step when they are regular to 1e-4 of a channel.

    Returns:
        The frequencies when they are not regular, f0 and df in Hz.
    """
    f_hz = real_numbers(frequencies, "frequencies").astype("f8")
    if f_hz.shape != (channels,) or not channels:
        raise ValueError(f"frequencies: shape {f_hz.shape} for {channels} channels")
    if not np.isfinite(f_hz).all():
        raise ValueError("frequencies: must be finite")
    f0 = float(f_hz[0])
    df = float(f_hz[-1] - f_hz[0]) / (channels - 1) if channels > 1 else 1.0
    regular = df != 0 and np.abs(f_hz - (f0 + df * np.arange(channels))).max() <= 1e-4 * abs(df)
    return (None if regular else f_hz), f0, df
