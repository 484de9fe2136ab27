"""Colours of both themes."""

from __future__ import annotations

import pytest

from dockscope.gui.theme import DARK, LIGHT, Theme, contrast, style_sheet

GROUNDS = ("background", "surface", "raised")


def test_contrast_of_black_on_white_is_21() -> None:
    """The ratio follows WCAG 2.1: 21 for black on white, 1 for a colour on itself."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#4c9aff", "#4c9aff") == pytest.approx(1.0)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("tone", ["text", "muted", "accent", "ok", "warning", "error"])
def test_every_text_colour_is_readable_on_every_ground(theme: Theme, tone: str) -> None:
    """Text has a contrast of at least 4.5:1 wherever it stands."""
    for ground in GROUNDS:
        assert contrast(getattr(theme, tone), getattr(theme, ground)) >= 4.5, ground


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_curves_and_selection_are_readable(theme: Theme) -> None:
    """Legend texts are written in the curve's colour, so curves obey the same rule; so does selected text."""
    assert contrast(theme.on_accent, theme.accent) >= 4.5
    for color in theme.curves:
        assert contrast(color, theme.surface) >= 4.5, color


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_style_sheet_names_only_colours_that_exist(theme: Theme) -> None:
    """Every name in the sheet is replaced by a colour."""
    assert "$" not in style_sheet(theme)
