"""The kinds of devices that there are: our own, and those of other packages.

A package adds its own through the entry-point group ``dockscope.devices``: the name is the kind, the object a
``DeviceKind`` or a plain class, which is made with ``attach``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .attach import attach
from .built_in_kinds import BUILT_IN
from .device_kind import DeviceKind
from .spec import DeviceSpec

logger = logging.getLogger("dockscope.devices")

ENTRY_POINT_GROUP = "dockscope.devices"


def kinds() -> dict[str, DeviceKind]:
    """Return all kinds by their names, our own first; a plug-in that is broken is told and left out."""
    found = {kind.name: kind for kind in BUILT_IN}
    for point in _entry_points():
        if point.name not in found and (kind := _load(point)) is not None:
            found[point.name] = kind
    return found


def kind_of(name: str) -> DeviceKind:
    """Return one kind; no other plug-in is loaded for it.

    Raises:
        ValueError: there is none of that name, with a sentence.
    """
    for kind in BUILT_IN:
        if kind.name == name:
            return kind
    for point in _entry_points():
        if point.name == name and (kind := _load(point)) is not None:
            return kind
    raise ValueError(f"{name[:40]} is no kind of device: there are {', '.join(kinds())}")


def make_device(spec: DeviceSpec) -> Any:
    """Make a device, not connected yet; may take long, as it may import the packages of its kind.

    Raises:
        ValueError: it is wrong as it is described, with a sentence. ImportError: what its kind needs is not installed.
    """
    kind = kind_of(spec.kind)
    kind.check(spec)
    return kind.make(spec)


def _entry_points() -> Iterable[EntryPoint]:
    return entry_points(group=ENTRY_POINT_GROUP)


def _load(point: EntryPoint) -> DeviceKind | None:
    try:
        found = point.load()
    except Exception:
        logger.exception("the device plug-in %s (%s) cannot be loaded", point.name, point.value)
        return None
    if isinstance(found, DeviceKind):
        return found
    if isinstance(found, type):
        return DeviceKind(
            point.name, found.__name__, lambda spec: attach(found, spec.id, **spec.params), takes_others=True
        )
    logger.error("the device plug-in %s (%s) is neither a class nor a DeviceKind", point.name, point.value)
    return None
