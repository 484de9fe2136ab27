"""One line of values with captions, of which the last ones give way when it is narrow."""

from __future__ import annotations

import html

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from .theme import Theme

CAPTION_GAP_PX, PAIR_GAP_PX = 4.0, 14.0


class Headline(QWidget):
    """Shows (caption, value) pairs; what does not fit is left out as a whole, and the tooltip has everything."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.pairs: list[tuple[str, str]] = []
        self.note = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(80)

    def show_pairs(self, pairs: list[tuple[str, str]], note: str = "") -> None:
        """Show these values; ``note`` comes first, in the colour of a warning."""
        if (pairs, note) == (self.pairs, self.note):
            return
        self.pairs, self.note = pairs, note
        lines = ([note] if note else []) + [f"{caption}: {value}" if caption else value for caption, value in pairs]
        self.setToolTip("<br>".join(html.escape(line) for line in lines))
        self.setAccessibleName(", ".join(lines))
        self.update()

    def shown_pairs(self) -> list[tuple[str, str]]:
        """Return the pairs that fit."""
        caption, value = self._metrics()
        x = value.horizontalAdvance(self.note) + PAIR_GAP_PX if self.note else 0.0
        shown = []
        for pair in self.pairs:
            x += caption.horizontalAdvance(pair[0]) + CAPTION_GAP_PX + value.horizontalAdvance(pair[1])
            if x > self.width() and shown:
                break
            x += PAIR_GAP_PX
            shown.append(pair)
        return shown

    def sizeHint(self) -> QSize:
        return QSize(240, round(QFontMetricsF(self.font()).height()) + 6)

    def paintEvent(self, event: QPaintEvent) -> None:
        caption, value = self._metrics()
        with QPainter(self) as painter:
            x = 0.0
            if self.note:
                x = self._draw(painter, x, self.note, self.theme.warning, self._bold(), value) + PAIR_GAP_PX
            for name, text in self.shown_pairs():
                if name:
                    x = self._draw(painter, x, name, self.theme.muted, self.font(), caption) + CAPTION_GAP_PX
                x = self._draw(painter, x, text, self.theme.text, self._bold(), value) + PAIR_GAP_PX

    def _draw(self, painter: QPainter, x: float, text: str, color: str, font: QFont, metrics: QFontMetricsF) -> float:
        room = self.width() - x
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.setFont(font)
        painter.setPen(QColor(color))
        place = QRectF(x, 0, room, self.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, text)
        return x + metrics.horizontalAdvance(text)

    def _bold(self) -> QFont:
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        return font

    def _metrics(self) -> tuple[QFontMetricsF, QFontMetricsF]:
        return QFontMetricsF(self.font()), QFontMetricsF(self._bold())
