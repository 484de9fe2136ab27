"""The area that the plots fill, in rows and columns; it scrolls only when it is told to hold too many."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from .metric_plot import MetricPlot
from .plot_arrangement import LOWEST_PX, Arrangement, arrange

SPACE_PX = 4


class PlotGrid(QScrollArea):
    """Place plots; which plots there are is the dock's business.

    Signals:
        resized(): there is another amount of room.
        scrolled(): other plots are visible.
    """

    resized = Signal()
    scrolled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumSize(0, 0)
        self._content = QWidget()
        self._content.setObjectName("plots")
        self.setWidget(self._content)
        self._plots: list[MetricPlot] = []
        self._first_row = 0
        self.arrangement = Arrangement(0, 1, 0, fits=True)
        self.verticalScrollBar().valueChanged.connect(lambda _value: self.scrolled.emit())

    @property
    def content(self) -> QWidget:
        """The parent of the plots."""
        return self._content

    def room_for(self, number: int, *, may_scroll: bool) -> Arrangement:
        """Return how ``number`` plots would be arranged in the present room."""
        return arrange(number, self.width(), self.height(), may_scroll=may_scroll)

    def in_sight(self, arrangement: Arrangement) -> slice:
        """Return which plots of an arrangement are not scrolled out of sight, whole rows of them."""
        lengths = arrangement.row_lengths()
        first, last = self._rows_in_sight(arrangement)
        return slice(sum(lengths[:first]), sum(lengths[:last]))

    def _rows_in_sight(self, arrangement: Arrangement) -> tuple[int, int]:
        if arrangement.fits:
            return 0, arrangement.rows
        first = min(self.verticalScrollBar().value() // LOWEST_PX, max(0, arrangement.rows - 1))
        return first, first + self.height() // LOWEST_PX + 2

    def place(self, plots: Sequence[MetricPlot], arrangement: Arrangement) -> None:
        """Put the plots that are in sight in their places."""
        self._plots = list(plots)
        self._first_row = self._rows_in_sight(arrangement)[0]
        self.arrangement = arrangement
        policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOff if arrangement.fits else Qt.ScrollBarPolicy.ScrollBarAlwaysOn
        self.setVerticalScrollBarPolicy(policy)
        width = self.width() - (0 if arrangement.fits else self.verticalScrollBar().sizeHint().width())
        rows = max(1, arrangement.rows)
        height = self.height() if arrangement.fits else rows * LOWEST_PX
        self._content.resize(width, height)
        for number, row in enumerate(self.rows(), self._first_row):
            for column, plot in enumerate(row):
                plot.setGeometry(_cell(number, column, rows, len(row), width, height))
                plot.wheel_scrolls = not arrangement.fits
                plot.show()

    def rows(self) -> list[list[MetricPlot]]:
        """Return the plots that are in sight, row by row."""
        rows, left = [], self._plots
        for length in self.arrangement.row_lengths()[self._first_row :]:
            if not left:
                break
            rows.append(left[:length])
            left = left[length:]
        return rows

    def visible_plots(self) -> list[MetricPlot]:
        """Return the plots that are not scrolled out of sight."""
        return [plot for plot in self._plots if not plot.visibleRegion().isEmpty() or not self.isVisible()]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def viewportEvent(self, event: QEvent) -> bool:
        # The menu is the dock's, also in the gaps between plots.
        if event.type() == QEvent.Type.ContextMenu:
            event.ignore()
            return False
        return super().viewportEvent(event)


def _cell(row: int, column: int, rows: int, columns: int, width: int, height: int) -> QRect:
    left, right = round(width * column / columns), round(width * (column + 1) / columns)
    top, bottom = round(height * row / rows), round(height * (row + 1) / rows)
    return QRect(left, top, right - left, bottom - top - (SPACE_PX if row + 1 < rows else 0))
