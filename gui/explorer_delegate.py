"""How the Explorer paints its rows: two lines and a badge for a producer, one line for a stream."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QIcon, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from .icons import toned_icon
from .pill import HEIGHT_PX, paint_pill, pill_width_px
from .theme import ThemeSwitch

ROW = Qt.ItemDataRole.UserRole + 1
PRODUCER_HEIGHT_PX = 40
STREAM_HEIGHT_PX = 20
LOCK_PX = 14


@dataclass(frozen=True)
class ProducerRow:
    """What a producer's row says; tones are colour names of Theme, ``is_open`` paints an open lock."""

    name: str
    badge: str
    badge_tone: str
    link_tone: str
    second: str
    second_tone: str = "muted"
    is_open: bool = False


@dataclass(frozen=True)
class StreamRow:
    """What a stream's row says: its name, its kind when the name alone does not tell, and figures at the right."""

    name: str
    kind: str
    figures: str
    lost: str = ""


class ExplorerDelegate(QStyledItemDelegate):
    """Paint ProducerRow and StreamRow."""

    def __init__(self, themes: ThemeSwitch) -> None:
        super().__init__()
        self._themes = themes
        self._locks: dict[str, QIcon] = {}  # by colour

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        is_producer = isinstance(index.data(ROW), ProducerRow)
        return QSize(120, PRODUCER_HEIGHT_PX if is_producer else STREAM_HEIGHT_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row = index.data(ROW)
        theme = self._themes.current
        rect = QRectF(option.rect)  # type: ignore[attr-defined]
        state = option.state  # type: ignore[attr-defined]
        painter.save()
        painter.setFont(option.font)  # type: ignore[attr-defined]
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            painter.fillRect(rect, QColor(theme.raised))
        if isinstance(row, ProducerRow):
            self._paint_producer(painter, rect, row)
        elif isinstance(row, StreamRow):
            self._paint_stream(painter, rect, row)
        painter.restore()

    def _paint_producer(self, painter: QPainter, rect: QRectF, row: ProducerRow) -> None:
        theme = self._themes.current
        top = QRectF(rect.left() + 16, rect.top() + 3, rect.width() - 22, 18)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(theme, row.link_tone)))
        painter.drawEllipse(QRectF(rect.left() + 3, top.center().y() - 4, 8, 8))
        badge_px = min(pill_width_px(row.badge, painter.font()), top.width() * 0.55) if row.badge else 0.0
        if row.badge:
            badge = QRectF(top.right() - badge_px, top.center().y() - HEIGHT_PX / 2, badge_px, HEIGHT_PX)
            paint_pill(painter, badge, row.badge, getattr(theme, row.badge_tone))
        bold = QFont(painter.font())
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        _text(painter, top.adjusted(0, 0, -badge_px - 6, 0), row.name, theme.text)
        plain = QFont(bold)
        plain.setWeight(QFont.Weight.Normal)
        painter.setFont(plain)
        second = QRectF(top.left(), top.bottom() + 1, rect.width() - 22, 17)
        if row.is_open:
            self._lock(theme.warning).paint(painter, QRectF(second.left(), second.top() + 1, LOCK_PX, LOCK_PX).toRect())
            second.setLeft(second.left() + LOCK_PX + 4)
        _text(painter, second, row.second, getattr(theme, row.second_tone))

    def _lock(self, color: str) -> QIcon:
        if color not in self._locks:
            self._locks[color] = toned_icon("unlocked", color)
        return self._locks[color]

    def _paint_stream(self, painter: QPainter, rect: QRectF, row: StreamRow) -> None:
        theme = self._themes.current
        metrics = QFontMetricsF(painter.font())
        figures_px = metrics.horizontalAdvance(row.figures) + 6
        lost_px = metrics.horizontalAdvance(row.lost) + 8 if row.lost else 0.0
        right = rect.adjusted(0, 0, -6, 0)
        _text(painter, right, row.figures, theme.muted, Qt.AlignmentFlag.AlignRight)
        if row.lost:
            _text(painter, right.adjusted(0, 0, -figures_px, 0), row.lost, theme.error, Qt.AlignmentFlag.AlignRight)
        left = rect.adjusted(2, 0, -6 - figures_px - lost_px, 0)
        _text(painter, left, row.name, theme.text)
        used_px = metrics.horizontalAdvance(row.name) + 8
        if row.kind and left.width() - used_px > metrics.horizontalAdvance(row.kind):
            _text(painter, left.adjusted(used_px, 0, 0, 0), row.kind, theme.muted)


def _text(
    painter: QPainter,
    rect: QRectF,
    text: str,
    color: str,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:
    shown = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, rect.width()))
    painter.setPen(QColor(color))
    painter.drawText(rect, align | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)
