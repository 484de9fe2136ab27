"""What is known of a kind of device: its name, what a person fills in, and how one is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .spec import DeviceSpec


@dataclass(frozen=True)
class Field:
    """One parameter of a kind, as a dialog asks for it.

    Args:
        name: of the parameter. title: for a person. example: of a value. tip: a sentence about it.
        is_required: it cannot be left out. choices: that there are, when not any value is one.
        is_list: it may be several.
    """

    name: str
    title: str
    example: str = ""
    tip: str = ""
    is_required: bool = False
    choices: tuple[str, ...] = ()
    is_list: bool = False


@dataclass(frozen=True)
class DeviceKind:
    """A kind of device. Other packages offer theirs through the entry-point group ``dockscope.devices``.

    Args:
        name: as in ``DeviceSpec.kind``. title: for a person.
        make: makes a device, not connected yet. It has ``connect``, ``disconnect``, ``start_streaming``,
            ``stop_streaming`` and ``is_streaming`` as ``StreamingDevice`` has them.
        fields: of its parameters. takes_others: parameters beyond ``fields`` are handed on too.
    """

    name: str
    title: str
    make: Callable[[DeviceSpec], Any]
    fields: tuple[Field, ...] = ()
    takes_others: bool = False

    def check(self, spec: DeviceSpec) -> None:
        """Check the parameters of a device of this kind, without making it.

        Raises:
            ValueError: one is missing or not known, with a sentence.
        """
        known = {field.name: field for field in self.fields}
        for name, field in known.items():
            if field.is_required and spec.params.get(name) in (None, "", []):
                raise ValueError(f"{name} is missing, such as {name} = {field.example!r}")
            if field.choices and spec.params.get(name, field.choices[0]) not in field.choices:
                raise ValueError(f"{name} is {spec.params[name]!r:.40}, but must be one of {', '.join(field.choices)}")
        unknown = next((name for name in spec.params if name not in known), None)
        if unknown is not None and not self.takes_others:
            raise ValueError(f"{unknown[:40]} is not known to {self.name}, which has {', '.join(known) or 'none'}")
