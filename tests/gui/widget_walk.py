"""Look at every visible widget of a window: text that has no room, scroll bars, contrast."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QScrollBar,
    QStyle,
    QStyleOptionComboBox,
    QStyleOptionFrame,
    QTabBar,
    QToolButton,
    QWidget,
)

from dockscope.gui.theme import contrast

SLACK_PX = 1
Text = tuple[str, tuple[int, int], tuple[int, int]]  # the text, the size it needs, the room it has


def visible_widgets(window: QWidget) -> Iterator[QWidget]:
    """All widgets of which something can be seen."""
    for widget in window.findChildren(QWidget):
        if widget.isVisible() and widget.width() > 0 and not widget.visibleRegion().isEmpty():
            yield widget


def name_of(widget: QWidget) -> str:
    """Where a widget is, for a person who reads a failed test."""
    parts = []
    at: QWidget | None = widget
    while at is not None and len(parts) < 6:
        parts.append(f"{type(at).__name__}#{at.objectName()}" if at.objectName() else type(at).__name__)
        at = at.parentWidget()
    return " < ".join(parts)


def clipped(window: QWidget) -> list[str]:
    """Texts that are wider or higher than the room their style gives them, once layouts have answered new texts."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
    found = []
    for widget in visible_widgets(window):
        for text, need, room in _texts(widget):
            if text and (need[0] > room[0] + SLACK_PX or need[1] > room[1] + SLACK_PX):
                found.append(f"{text!r} needs {need}, has {room}: {name_of(widget)}")
        if widget.visibleRegion().boundingRect() != widget.rect() and _texts_of(widget):
            found.append(f"{_texts_of(widget)} is covered or cut: {name_of(widget)}")
    return found


def _texts_of(widget: QWidget) -> str:
    return next((text for text, _, _ in _texts(widget) if text), "")


def _texts(widget: QWidget) -> Iterator[Text]:
    for kind, look in LOOKS.items():
        if isinstance(widget, kind):
            yield from look(widget)
            return


def _combo(widget: QComboBox) -> Iterator[Text]:
    option = QStyleOptionComboBox()
    widget.initStyleOption(option)
    room = widget.style().subControlRect(
        QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, widget
    )
    yield widget.currentText(), _size(widget, widget.currentText()), (room.width(), room.height())


def _line(widget: QLineEdit) -> Iterator[Text]:
    option = QStyleOptionFrame()
    widget.initStyleOption(option)
    room = widget.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, widget)
    yield widget.placeholderText(), _size(widget, widget.placeholderText()), (room.width(), room.height())


def _button(widget: QAbstractButton) -> Iterator[Text]:
    icon_only = Qt.ToolButtonStyle.ToolButtonIconOnly
    if isinstance(widget, QToolButton) and widget.toolButtonStyle() == icon_only and not widget.icon().isNull():
        return
    need = widget.sizeHint()
    yield widget.text(), (need.width(), need.height()), (widget.width(), widget.height())


def _header(widget: QHeaderView) -> Iterator[Text]:
    for section in range(widget.count() if widget.orientation() == Qt.Orientation.Horizontal else 0):
        if not widget.isSectionHidden(section):
            text = str(widget.model().headerData(section, widget.orientation()))
            need = widget.sectionSizeFromContents(section)
            yield text, (need.width(), need.height()), (widget.sectionSize(section), widget.height())


def _tabs(widget: QTabBar) -> Iterator[Text]:
    for tab in range(widget.count()):
        room, need = widget.tabRect(tab), widget.tabSizeHint(tab)
        yield widget.tabText(tab), (need.width(), need.height()), (room.width(), room.height())


def _size(widget: QWidget, text: str) -> tuple[int, int]:
    return widget.fontMetrics().horizontalAdvance(text), widget.fontMetrics().height()


def _label(label: QLabel) -> Iterator[Text]:
    if label.pixmap() is not None and not label.pixmap().isNull():
        return
    room = label.contentsRect()
    flags = int(Qt.TextFlag.TextWordWrap) if label.wordWrap() else 0
    space = QRect(0, 0, room.width() if label.wordWrap() else 100_000, 100_000)
    need = label.fontMetrics().boundingRect(space, flags, label.text())
    yield label.text(), (need.width(), need.height()), (room.width(), room.height())


# How each kind of widget shows its text.
LOOKS: dict[type[QWidget], Callable[[Any], Iterator[Text]]] = {
    QLabel: _label,
    QComboBox: _combo,
    QLineEdit: _line,
    QAbstractButton: _button,
    QHeaderView: _header,
    QTabBar: _tabs,
}


def scroll_bars(window: QWidget) -> list[QScrollBar]:
    """Scroll bars that can be seen."""
    return [bar for bar in visible_widgets(window) if isinstance(bar, QScrollBar) and bar.maximum() > bar.minimum()]


class Picture:
    """A window as drawn, larger than life, so that the strokes of letters have pixels without anti-aliasing."""

    SCALE = 3

    def __init__(self, window: QWidget) -> None:
        self._window = window
        image = QImage(window.size() * self.SCALE, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(self.SCALE)
        window.render(image)
        pixels = np.frombuffer(image.constBits(), dtype="<u4").reshape(image.height(), image.bytesPerLine() // 4)
        self._pixels = pixels[:, : image.width()] & 0xFFFFFF

    def contrast_of(self, widget: QWidget) -> float:
        """The contrast between the commonest colour of a widget and the one farthest from it that is no exception."""
        corner = widget.mapTo(self._window, widget.visibleRegion().boundingRect().topLeft()) * self.SCALE
        size = widget.visibleRegion().boundingRect().size() * self.SCALE
        part = self._pixels[corner.y() : corner.y() + size.height(), corner.x() : corner.x() + size.width()]
        colors, counts = np.unique(part, return_counts=True)
        ground = colors[counts.argmax()]
        often = colors[counts >= max(4, int(part.size * 2e-4))]
        return max(contrast(f"#{color:06x}", f"#{ground:06x}") for color in often)


def pale(window: QWidget, least: float) -> list[str]:
    """Labels and buttons whose drawn text has less contrast than asked, by their pixels."""
    picture = Picture(window.window())
    found = []
    for widget in visible_widgets(window):
        if not isinstance(widget, QLabel | QAbstractButton) or not _texts_of(widget).strip():
            continue
        # WCAG asks nothing of what cannot be used.
        if widget.isEnabled() and (ratio := picture.contrast_of(widget)) < least:
            found.append(f"{_texts_of(widget)!r} has {ratio:.2f}: {name_of(widget)}")
    return found
