"""Colours of both themes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QCheckBox, QListWidget, QListWidgetItem, QWidget

from dockscope.gui.theme import DARK, LIGHT, Theme, contrast, palette, style_sheet

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


def colors_of(image: QImage, width_px: int) -> set[str]:
    """Return the colours in the first pixels of each line, where a box is."""
    return {image.pixelColor(x, y).name() for x in range(width_px) for y in range(image.height())}


def boxes(theme: Theme, ticked: bool) -> list[QWidget]:
    state = Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked
    alone = QCheckBox()
    alone.setCheckState(state)
    listed = QListWidget()
    item = QListWidgetItem("")
    item.setCheckState(state)
    listed.addItem(item)
    for widget in (alone, listed):
        widget.setPalette(palette(theme))
        widget.setStyleSheet(style_sheet(theme))
    return [alone, listed]


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_boxes_are_seen_ticked_or_not(qtbot, theme: Theme) -> None:
    """A box that is not ticked stands out from its ground by 3:1 (WCAG 2.1, 1.4.11); a ticked one looks different."""
    assert QApplication.instance()
    for empty, ticked in zip(boxes(theme, False), boxes(theme, True), strict=True):
        qtbot.addWidget(empty)
        qtbot.addWidget(ticked)
        seen = colors_of(empty.grab().toImage(), 16)
        assert max(contrast(color, theme.surface) for color in seen) >= 3.0
        assert theme.accent not in seen
        assert {theme.accent, theme.on_accent} <= colors_of(ticked.grab().toImage(), 16)
