"""The last seconds of frame intervals as a small graph: one line per pixel column, the longest of its frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter

from .loop_recorder import HISTORY_S
from .painted_widget import PaintedWidget
from .theme import Theme

LEAST_TOP_S, MOST_TOP_S = 0.040, 0.100  # longer ones reach the top: all else would vanish beside them
LATE_S, STALL_S = 0.0335, 0.050  # two frames at 60 Hz, which an eye notices; what is listed as a stall
LABEL_PX = 50
FOOT_PX = 16
NARROW_PX = 90  # in less there is no room for both ends of the axis


class FrameGraph(PaintedWidget):
    """Show intervals over time, newest at the right."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self._now = 0.0
        self._when = np.zeros(0)
        self._interval = np.zeros(0)
        self._empty = ""
        self.setMinimumSize(116, 76)
        self.setAccessibleName("Frame intervals")
        self.setToolTip("Time between frames; a pause in which nothing changed counts as one frame")

    def sizeHint(self) -> QSize:
        return QSize(300, 150)

    def show_frames(self, now: float, frames: Sequence[tuple[float, float]], empty: str) -> None:
        """Show (when, interval) in seconds up to ``now``; ``empty`` is shown in place of no frames."""
        table = np.array([frame for frame in frames if frame[0] > now - HISTORY_S]).reshape(-1, 2)
        self._now, self._when, self._interval, self._empty = now, table[:, 0], table[:, 1], empty
        self.update()

    def columns(self, width: int) -> np.ndarray:
        """Return the longest interval that ended in each of ``width`` pixel columns, f8[width] seconds; 0 for none."""
        longest = np.zeros(width)
        share = (self._when - (self._now - HISTORY_S)) / HISTORY_S
        np.maximum.at(longest, np.clip((share * width).astype(int), 0, width - 1), self._interval)
        return longest

    def paint(self, painter: QPainter) -> None:
        theme = self.theme
        painter.fillRect(self.rect(), QColor(theme.surface))
        area = QRectF(self.rect()).adjusted(LABEL_PX, 6, -8, -FOOT_PX)
        if area.width() < 10 or area.height() < 10:
            return
        top_s = min(MOST_TOP_S, max(LEAST_TOP_S, float(self._interval.max(initial=0.0)) * 1.1))
        self._paint_grid(painter, area, top_s)
        if not len(self._when):
            painter.setPen(QColor(theme.muted))
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._empty)
            return
        longest = self.columns(int(area.width()))
        for color, low, high in (
            (theme.curve(0), 0.0, LATE_S),
            (theme.warning, LATE_S, STALL_S),
            (theme.error, STALL_S, np.inf),
        ):
            at = np.flatnonzero((longest > low) & (longest <= high))
            painter.setPen(QColor(color))
            heights = np.minimum(longest[at] / top_s, 1.0) * area.height()
            x = area.left() + at + 0.5
            painter.drawLines([QLineF(a, area.bottom(), a, area.bottom() - h) for a, h in zip(x, heights, strict=True)])

    def _paint_grid(self, painter: QPainter, area: QRectF, top_s: float) -> None:
        step = 0.0167 if top_s < 0.06 else 0.050
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for k in range(int(top_s / step) + 1):
            y = area.bottom() - k * step / top_s * area.height()
            painter.setPen(QColor(self.theme.grid))
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(QRectF(0, y - 8, LABEL_PX - 5, 16), right, f"{k * step * 1e3:.0f} ms")
        foot = QRectF(area.left(), area.bottom() + 1, area.width(), FOOT_PX)
        if area.width() > NARROW_PX:
            painter.drawText(foot, int(Qt.AlignmentFlag.AlignLeft), f"{HISTORY_S:.0f} s ago")
        painter.drawText(foot, int(Qt.AlignmentFlag.AlignRight), "now")
