"""A small coloured badge: in the toolbar as a label, in lists as a painted shape."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from .plain_text import tooltip_text
from .theme import ThemeSwitch

PADDING_PX = 8.0
HEIGHT_PX = 18.0
MAX_WIDTH_PX = 320  # a longer text is elided: the buttons beside it matter more


def pill_width_px(text: str, font: QFont) -> float:
    """Return the width of a pill with this text."""
    return QFontMetricsF(font).horizontalAdvance(text) + 2 * PADDING_PX


def paint_pill(painter: QPainter, rect: QRectF, text: str, color: str) -> None:
    """Paint a tinted, rounded badge; the text is elided to fit."""
    tint = QColor(color)
    tint.setAlphaF(0.13)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(color))
    painter.setBrush(tint)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), rect.height() / 2, rect.height() / 2)
    inner = rect.adjusted(PADDING_PX - 2, 0, -PADDING_PX + 2, 0)
    shown = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, inner.width() + 1)
    painter.drawText(inner, Qt.AlignmentFlag.AlignCenter, shown)
    painter.restore()


class Pill(QWidget):
    """A badge that shows one short text in a tone of the theme."""

    def __init__(self, themes: ThemeSwitch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.text = ""
        self.tone = "muted"
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(round(HEIGHT_PX) + 4)
        themes.changed.connect(lambda _theme: self.update())

    def show_text(self, text: str, tone: str, detail: str = "") -> None:
        """Show this text; ``tone`` is a colour name of Theme, the tooltip holds the whole text and ``detail``."""
        if (text, tone) != (self.text, self.tone):
            self.text, self.tone = text, tone
            width_px = round(pill_width_px(text, self.font())) + 2 if text else 0
            self.setFixedWidth(min(width_px, MAX_WIDTH_PX))
            self.setAccessibleName(text)
            self.update()
        tip = tooltip_text(text, detail)
        if tip != self.toolTip():
            self.setToolTip(tip)

    def paintEvent(self, event: object) -> None:
        if self.text:
            with QPainter(self) as painter:
                color = getattr(self._themes.current, self.tone)
                paint_pill(painter, QRectF(self.rect()).adjusted(0, 1, 0, -1), self.text, color)
