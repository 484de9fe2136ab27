"""Take an object apart: its numbers under dotted names, its log line, and the rest."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..messages import LogRecord, ProtocolError
from ..metric_values import Labels
from ..wire_values import MAX_NESTING
from .object_times import TIME_KEYS, iso_seconds, time_key

NUMBERS = frozenset({int, float, bool})
MOST_NUMBERS = 4096
MOST_ITEMS = 16  # a longer list of numbers is an array to look at, not so many curves
MAX_LABEL_CHARACTERS = 64
LEVELS = {
    "trace": "debug",
    "debug": "debug",
    "info": "info",
    "notice": "info",
    "warn": "warning",
    "warning": "warning",
    "error": "error",
    "err": "error",
    "critical": "critical",
    "fatal": "critical",
}
_NESTED = frozenset({dict, list})
_LEVEL_KEYS = ("level", "levelname", "severity")
_MESSAGE_KEYS = ("message", "msg")
_LOG_KEYS = frozenset(_LEVEL_KEYS)

Numbers = dict[str, Any]


class Reading(NamedTuple):
    """What is in an object.

    Args:
        numbers: by dotted name. rest: what is no number, in its own nesting; {} for nothing.
        metric: name of the one metric that an object with ``name`` and ``value`` tells, else "".
        labels: of that metric.
    """

    numbers: Numbers
    rest: dict[str, Any]
    metric: str = ""
    labels: Labels = ()


def read_object(value: dict[str, Any]) -> Reading:
    """Take an object apart.

    An object with a ``name`` and a numeric ``value`` is one metric of that name; its other numbers are its fields, its
    short texts its labels. Of any other object every number and truth value is a metric of its own.

    Raises:
        ProtocolError: nested deeper than 64, or more than 4,096 numbers.
    """
    if type(value.get("name")) is str and type(value.get("value")) in NUMBERS and value["name"]:
        return _named(value)
    numbers: Numbers = {}
    rest = _part_object(value, "", numbers, 0)
    key = time_key(rest)
    if key is not None and type(rest[key]) is str and (seconds := iso_seconds(rest[key])) is not None:
        numbers[key] = seconds
        del rest[key]
    return Reading(numbers, rest)


def read_log(value: dict[str, Any]) -> tuple[LogRecord, Any] | None:
    """Return an object that is clearly a log line, and its own time if it has one; None for any other object."""
    if _LOG_KEYS.isdisjoint(value):
        return None
    level_key = next((key for key in _LEVEL_KEYS if key in value), None)
    message_key = next((key for key in _MESSAGE_KEYS if key in value), None)
    if level_key is None or message_key is None:
        return None
    level, message = value[level_key], value[message_key]
    if type(level) is not str or type(message) is not str or level.lower() not in LEVELS:
        return None
    key = time_key(value)
    fields = {
        name: item
        for name, item in value.items()
        if name not in (level_key, message_key, key) and type(item) in (int, float, bool, str)
    }
    return LogRecord(LEVELS[level.lower()], message, fields, 0.0), None if key is None else value[key]


def _named(value: dict[str, Any]) -> Reading:
    numbers: Numbers = {"value": value["value"]}
    labels, rest = [], {}
    for key, item in value.items():
        kind = type(item)
        if key in ("name", "value"):
            continue
        if kind in NUMBERS:
            numbers[key] = item
        elif kind is str and key in TIME_KEYS and (seconds := iso_seconds(item)) is not None:
            numbers[key] = seconds
        elif kind is str and len(item) <= MAX_LABEL_CHARACTERS:
            labels.append((key, item))
        elif item is not None:
            rest[key] = item
    return Reading(numbers, rest, value["name"], tuple(sorted(labels)))


def _part_object(value: dict[str, Any], prefix: str, numbers: Numbers, depth: int) -> dict[str, Any]:
    """Put the numbers of an object into ``numbers``; return what is left of it."""
    if depth > MAX_NESTING:
        raise ProtocolError(f"nested deeper than {MAX_NESTING}")
    rest = {}
    for key, item in value.items():
        kind = type(item)
        if kind in NUMBERS:
            numbers[prefix + key] = item
        elif kind is dict:
            if left := _part_object(item, f"{prefix}{key}.", numbers, depth + 1):
                rest[key] = left
        elif kind is list:
            if (left := _part_list(item, f"{prefix}{key}.", numbers, depth + 1)) is not None:
                rest[key] = left
        elif item is not None:
            rest[key] = item
    if len(numbers) > MOST_NUMBERS:
        raise ProtocolError(f"more than {MOST_NUMBERS} numbers in one object")
    return rest


def _part_list(items: list[Any], prefix: str, numbers: Numbers, depth: int) -> Any:
    """Put the numbers of a short list into ``numbers``; return what is left of it, or None."""
    kinds = set(map(type, items))
    if len(items) > MOST_ITEMS or not kinds & (NUMBERS | {dict, list}):
        return as_array(items) if kinds and kinds <= NUMBERS else check_depth(items, depth)
    before = len(numbers)
    left = _part_object({str(index): item for index, item in enumerate(items)}, prefix, numbers, depth)
    if len(numbers) == before:
        return items
    return left or None


def as_array(items: list[Any]) -> Any:
    """Return numbers as f8[n], or the list itself when one of them is beyond what a float holds."""
    try:
        return np.array(items, "f8")
    except OverflowError:
        return items


def check_depth(value: Any, depth: int = 0) -> Any:
    """Let a value through that is nested no deeper than 64.

    Raises:
        ProtocolError: it is.
    """
    level = [value] if type(value) in _NESTED else []
    while level:
        if depth > MAX_NESTING:
            raise ProtocolError(f"nested deeper than {MAX_NESTING}")
        depth += 1
        inner = [outer.values() if type(outer) is dict else outer for outer in level]
        level = [item for items in inner for item in items if type(item) in _NESTED]
    return value
