"""The class of a driver that another package has, found by its dotted name."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

_DOTTED = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*")


def driver_class(dotted: str, *, package: str, base: type) -> type[Any]:
    """Return a class by its name, within the drivers of a package or as a full name.

    Args:
        dotted: such as ``keithley.Keithley2000``. package: where it is looked for first. base: what it derives from.

    Raises:
        ValueError: it is no such name, or no such class, with a sentence. ImportError: there is no such module.
    """
    module, _, name = dotted.rpartition(".")
    if not _DOTTED.fullmatch(dotted) or not module:
        raise ValueError(f"instrument is {dotted[:60]!r}, but must be written like module.Class")
    found = getattr(_module(module, package), name, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ValueError(f"{dotted[:60]} is no instrument: it must be a class derived from {base.__name__}")
    return found


def parameter_names(reads: Any) -> tuple[str, ...]:
    """Return the names that are read, given as one text with commas or a list of texts.

    Raises:
        ValueError: one of them is no name, with a sentence.
    """
    words = reads.split(",") if isinstance(reads, str) else list(reads)
    names = tuple(str(word).strip() for word in words)
    wrong = next((name for name in names if not _DOTTED.fullmatch(name)), None)
    if wrong is not None or not names:
        raise ValueError(f"reads has {wrong or ''!r:.40}, but must be names of parameters, such as voltage")
    return names


def _module(module: str, package: str) -> Any:
    """Import a module of the package, else one of this full name."""
    try:
        return import_module(f"{package}.{module}")
    except ModuleNotFoundError as error:
        if error.name is None or not f"{package}.{module}".startswith(error.name):
            raise  # it is there, and what it needs itself is not
    return import_module(module)
