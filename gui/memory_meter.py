"""A small bar that shows how much of the memory for data is used, and by what."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import QWidget

from .painted_widget import PaintedWidget

WIDTH_PX, HEIGHT_PX = 54, 8
STORE_NAMES = {
    "series": "Metrics",
    "spectra": "Spectra",
    "placements": "Placements",
    "log": "Log",
    "data": "Data",
}


class MemoryMeter(PaintedWidget):
    """Show one share of the bar for each store; the tooltip has the figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shares: list[float] = []  # of the budget, largest first
        self.setFixedSize(WIDTH_PX, HEIGHT_PX + 8)
        self.setAccessibleName("Memory for data")

    def sizeHint(self) -> QSize:
        return QSize(WIDTH_PX, HEIGHT_PX)

    def show_usage(self, usage: Mapping[str, int], budget_bytes: int) -> None:
        """Take over how many bytes each store holds, by name, and how many they may hold together."""
        largest_first = sorted(usage.items(), key=lambda item: -item[1])
        total = sum(usage.values())
        lines = [f"Data: {mebibytes(total)} of {mebibytes(budget_bytes)} that it may take (Settings)"]
        lines += [f"{STORE_NAMES.get(name, name)}: {mebibytes(count)}" for name, count in largest_first]
        text = "\n".join(lines)
        if text != self.toolTip():
            self.setToolTip(text)
            self.setAccessibleDescription(text)
        shares = [round(count / max(1, budget_bytes), 3) for _, count in largest_first]
        if shares != self.shares:
            self.shares = shares
            self.update()

    def paint(self, painter: QPainter) -> None:
        frame = QRectF(self.rect()).adjusted(0.5, 4.5, -0.5, -4.5)
        palette = self.palette()
        color = palette.color(QPalette.ColorRole.Highlight)
        left = frame.left()
        for number, share in enumerate(self.shares):
            width = min(share * frame.width(), frame.right() - left)
            shade = QColor(color)
            shade.setAlphaF(max(0.3, 1.0 - 0.25 * number))
            painter.fillRect(QRectF(left, frame.top(), width, frame.height()), shade)
            left += width
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(frame)


def mebibytes(count: float) -> str:
    """Return a number of bytes as people read it."""
    return f"{count / 2**20:.0f} MiB" if count < 2**30 else f"{count / 2**30:.1f} GiB"
