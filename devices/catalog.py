"""The kinds of devices that there are: our own, and those of other packages.

A package adds its own through the entry-point group ``dockscope.devices``: the name is the kind, the object a
``DeviceKind`` or a plain class, which is made with ``attach``.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from ..core.plug_ins import installed, load
from .attach import attach
from .built_in_kinds import BUILT_IN
from .device import StreamingDevice
from .device_kind import DeviceKind
from .spec import DeviceSpec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

logger = logging.getLogger("dockscope.devices")

ENTRY_POINT_GROUP = "dockscope.devices"


def kinds() -> dict[str, DeviceKind]:
    """Return all kinds by their names, our own first; a plug-in that is broken is told and left out."""
    found = {kind.name: kind for kind in BUILT_IN}
    for point in installed(ENTRY_POINT_GROUP):
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
    for point in installed(ENTRY_POINT_GROUP):
        if point.name == name and (kind := _load(point)) is not None:
            return kind
    raise ValueError(f"{name[:40]} is no kind of device: there are {', '.join(kinds())}")


def check_built_in(spec: DeviceSpec) -> None:
    """Check a device of one of our own kinds, without loading anything; the others are checked when they are made.

    Raises:
        ValueError: it is wrong, with a sentence.
    """
    for kind in BUILT_IN:
        if kind.name == spec.kind:
            kind.check(spec)


def make_device(spec: DeviceSpec) -> Any:
    """Make a device, not connected yet; may take long, as it may import the packages of its kind.

    Raises:
        ValueError: it is wrong as it is described, with a sentence. ImportError: what its kind needs is not installed.
    """
    kind = kind_of(spec.kind)
    kind.check(spec)
    return kind.make(spec)


def _load(point: EntryPoint) -> DeviceKind | None:
    found = load(point, "device", logger)
    if found is None:
        return None
    if isinstance(found, DeviceKind):
        return found
    if isinstance(found, type):
        return DeviceKind(point.name, found.__name__, partial(_attach, found), takes_others=True)
    logger.error("the device plug-in %s (%s) is neither a class nor a DeviceKind", point.name, point.value)
    return None


def _attach(cls: type, spec: DeviceSpec) -> Any:
    """Make a device of a plug-in's class; our own base takes what is said of the queue, when anything is."""
    usual = DeviceSpec(id=spec.id, kind=spec.kind)
    said = {name: told for name in ("policy", "queue_size") if (told := getattr(spec, name)) != getattr(usual, name)}
    return attach(cls, spec.id, **spec.params, **(said if issubclass(cls, StreamingDevice) else {}))
