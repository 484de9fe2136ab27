"""What a metric call may carry: a number, and extras that are columns (numbers) or labels (text)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .timestamps import unix_seconds_array
from .wire_arrays import real_numbers
from .wire_encode import MAX_FIELDS, MAX_TEXT_BYTES
from .wire_values import check_text, exact_float

Labels = tuple[tuple[str, str], ...]


class SeriesKey(NamedTuple):
    """What makes samples belong to one series: metric name, labels and names of the extra columns."""

    name: str
    labels: Labels = ()
    fields: tuple[str, ...] = ()


class Block(NamedTuple):
    """Many samples of one series, as arrays: t and value f8[n], columns f8[n] each."""

    key: SeriesKey
    t: np.ndarray
    value: np.ndarray
    columns: tuple[np.ndarray, ...]


def number(value: Any, argument: str) -> float:
    """Convert a number to the wire's float64; NaN and infinities are data like any other.

    Raises:
        TypeError: not a real number. ValueError: an integer that float64 cannot hold exactly.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, int | float | np.integer | np.floating | np.bool_):
        return exact_float(value, argument)
    raise TypeError(f"{argument}: must be a number, not {type(value).__name__}")


def split_extra(extra: dict[str, Any]) -> tuple[Labels, tuple[str, ...], tuple[float, ...]]:
    """Sort the extras of a call into labels and columns; None is left out.

    Raises:
        TypeError, ValueError: an extra that is neither number nor text, or too many; the text names it.
    """
    labels: list[tuple[str, str]] = []
    columns: list[tuple[str, float]] = []
    for name in sorted(extra):
        value = extra[name]
        if value is None:
            continue
        check_text(name, "extra")
        if isinstance(value, str):
            labels.append((name, check_text(value, name, MAX_TEXT_BYTES // 16)))
        else:
            columns.append((name, number(value, name)))
    if len(labels) > MAX_FIELDS or len(columns) > MAX_FIELDS:
        raise ValueError(f"extra: more than {MAX_FIELDS} labels or columns")
    return tuple(labels), tuple(name for name, _ in columns), tuple(value for _, value in columns)


def make_block(name: str, values: Any, timestamps: Any, extra: dict[str, Any], copy: bool) -> Block:
    """Check the arrays of one series.

    Args:
        name: metric name.
        values: n numbers.
        timestamps: n times, or one for all.
        extra: labels (text) and columns (numbers, or arrays of n numbers).
        copy: whether arrays must be detached from the caller's.

    Raises:
        TypeError, ValueError: the text names the argument.
    """
    value = _column(values, "values", None)
    t = unix_seconds_array(timestamps, len(value))
    arrays = {key: column for key, column in extra.items() if isinstance(column, np.ndarray | list | tuple)}
    labels, fields, constants = split_extra({key: item for key, item in extra.items() if key not in arrays})
    columns = {key: np.full(len(value), item) for key, item in zip(fields, constants, strict=True)}
    columns |= {check_text(key, "extra"): _column(column, key, len(value)) for key, column in arrays.items()}
    names = tuple(sorted(columns))
    parts = [t, value, *(columns[key] for key in names)]
    if copy:
        parts = [np.array(part, "f8") for part in parts]
    return Block(SeriesKey(name, labels, names), parts[0], parts[1], tuple(parts[2:]))


def _column(values: Any, argument: str, length: int | None) -> np.ndarray:
    column = real_numbers(values, argument)
    if column.ndim != 1 or length not in (None, len(column)):
        raise ValueError(f"{argument}: shape {column.shape}, must be ({'n' if length is None else length},)")
    return column
