"""Colours of a placement picture, made from the theme and the modules' own colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from .theme import Theme, blend, contrast

FORCE_KINDS = ("attraction", "repulsion", "boundary", "constraint", "alignment", "other")

# Curve colours for modules without their own; the reddish ones come last, for overlaps are red.
MODULE_CURVES = (0, 1, 2, 4, 5, 6, 9, 8, 7, 3)

# More colours than this cannot be told apart, and each is a batch of its own.
MAX_COLORS = 48

_HEX = re.compile(r"#[0-9a-fA-F]{6}\Z")


@dataclass(frozen=True)
class Switches:
    """What of a placement is drawn."""

    ratsnest: bool = True
    forces: bool = True
    overlaps: bool = True
    top: bool = True
    bottom: bool = True
    pads: bool = True
    names: bool = True
    legend: bool = True

    def taking(self, state: dict[str, Any]) -> Switches:
        """Return these switches with those of ``state`` that are known and true or false."""
        known = {f.name: state[f.name] for f in fields(self) if isinstance(state.get(f.name), bool)}
        return replace(self, **known)


@dataclass(frozen=True, kw_only=True)
class PlacementColors:
    """Colours as "#rrggbb".

    Args:
        ground: around the board. board, edge: the board and its outline.
        pad, pad_below: of pads on top and on the bottom. plate: behind texts on the picture.
        text, muted: of texts. net, net_faint: ratsnest, and while a part is selected.
        accent: selection. overlap, overlap_frame: tint of what parts share, and the frame around it.
        forces, forces_calm: by kind, see FORCE_KINDS; of the selected part, and of all.
        modules: distinct colours of parts. module_color: index into them for each module; the last is for no module.
    """

    ground: str
    board: str
    edge: str
    pad: str
    pad_below: str
    plate: str
    text: str
    muted: str
    net: str
    net_faint: str
    accent: str
    overlap: str
    overlap_frame: str
    forces: tuple[str, ...]
    forces_calm: tuple[str, ...]
    modules: tuple[str, ...]
    module_color: tuple[int, ...]

    def of_module(self, index: int) -> str:
        """Return the colour of a module; any other index is that of no module."""
        return self.modules[self.module_color[index if 0 <= index < len(self.module_color) - 1 else -1]]

    def fill(self, color: str) -> str:
        """Return the filling of a part on top."""
        return blend(color, self.board, 0.42)

    def ink(self, ground: str) -> str:
        """Return a text colour that can be read on this ground: one of black and white always reaches 4.5:1."""
        if contrast(self.text, ground) >= 4.5:
            return self.text
        return max("#000000", "#ffffff", key=lambda color: contrast(color, ground))

    def below(self, color: str) -> str:
        """Return the line colour of a part on the bottom: as its module, dimmer."""
        return blend(color, self.board, 0.72)


def placement_colors(theme: Theme, modules: Sequence[tuple[str, str | None]]) -> PlacementColors:
    """Choose the colours.

    Args:
        theme: in force.
        modules: (name, colour) pairs; a colour that is not "#rrggbb" is replaced by the theme's for that position.
    """
    board = blend("#2f7d55", theme.surface, 0.13 if theme.is_dark else 0.08)
    distinct: dict[str, int] = {}
    chosen = []
    for index, (_, color) in enumerate(modules):
        wanted = (
            color.lower()
            if color is not None and _HEX.match(color)
            else theme.curve(MODULE_CURVES[index % len(MODULE_CURVES)])
        )
        if wanted not in distinct and len(distinct) >= MAX_COLORS:
            wanted = list(distinct)[index % MAX_COLORS]
        chosen.append(distinct.setdefault(wanted, len(distinct)))
    chosen.append(distinct.setdefault(blend(theme.muted, board, 0.9), len(distinct)))
    forces = (theme.ok, theme.warning, theme.accent, theme.curve(4), theme.curve(5), theme.muted)
    return PlacementColors(
        ground=theme.surface,
        board=board,
        edge=blend("#3f9d6e" if theme.is_dark else "#1f7a4d", theme.text, 0.75),
        pad=blend(theme.text, board, 0.55),
        pad_below=blend(theme.text, board, 0.28),
        plate=theme.surface,
        text=theme.text,
        muted=theme.muted,
        net=blend(theme.muted, board, 0.55),
        net_faint=blend(theme.muted, board, 0.22),
        accent=theme.accent,
        overlap=theme.error,
        overlap_frame=blend(theme.error, board, 0.75),
        forces=forces,
        forces_calm=tuple(blend(color, board, 0.62) for color in forces),
        modules=tuple(_visible(color, board, theme) for color in distinct),
        module_color=tuple(chosen),
    )


def _visible(color: str, board: str, theme: Theme) -> str:
    """Move a module's own colour towards the text colour until its outline stands out from the board."""
    for share in (1.0, 0.75, 0.5):
        shown = blend(color, theme.text, share)
        if contrast(shown, board) >= 2.0:
            return shown
    return blend(color, theme.text, 0.3)
