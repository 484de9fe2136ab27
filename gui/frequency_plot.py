"""What the spectrum plot and the waterfall share: margins, the frequency axis, and mouse and keys for zoom and pan."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from .painted_widget import PaintedWidget
from .theme import Theme

RIGHT_PX = 24  # level bar, history bar
ZOOM_PER_NOTCH = 0.8
KEY_PAN = 0.1  # of the window
NARROWEST_LEFT_PX = 66
WIDEST_LABEL = "2000-00-00"
LABEL_GAP_PX = 10


class FrequencyPlot(PaintedWidget):
    """A plot over the shared frequency window.

    Wheel zooms the frequencies, Ctrl + wheel the time; dragging pans, Shift + dragging zooms into a box; a double
    click or F goes back to the live end with all channels. Arrows pan, + and - zoom, with Ctrl in time.

    Signals:
        zoom_asked(float, float, QPointF): factors of frequency and time window, and the point to keep.
        pan_asked(float, float): by how many pixels the picture was dragged, right and down.
        box_asked(QRectF): zoom into this part of the plot.
        reset_asked(): back to the live end and all channels.
        hovered(object): Hz under the mouse, or None.
    """

    zoom_asked = Signal(float, float, QPointF)
    pan_asked = Signal(float, float)
    box_asked = Signal(QRectF)
    reset_asked = Signal()
    hovered = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._measure_margin()
        self.low_hz, self.high_hz = 0.0, 1.0
        self.hover_hz: float | None = None
        self.mouse: QPointF | None = None
        self._dragged: QPointF | None = None
        self._box: QRectF | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._measure_margin()

    def _measure_margin(self) -> None:
        """Leave room on the left for the widest label, a date."""
        self.left_px = max(NARROWEST_LEFT_PX, self.fontMetrics().horizontalAdvance(WIDEST_LABEL) + LABEL_GAP_PX)

    # what a subclass overrides

    def area(self) -> QRectF:
        """Return where the data are drawn."""
        raise NotImplementedError

    def paint_plot(self, painter: QPainter) -> None:
        """Draw everything but box, focus and readout."""
        raise NotImplementedError

    def readout(self) -> list[str]:
        """Return the lines that tell what is under the mouse."""
        return []

    # frequencies

    def x_of(self, hz: float) -> float:
        """Return the x of a frequency."""
        area = self.area()
        return area.left() + (hz - self.low_hz) / (self.high_hz - self.low_hz) * area.width()

    def hz_at(self, x: float) -> float:
        """Return the frequency at an x."""
        area = self.area()
        return self.low_hz + (x - area.left()) / max(1.0, area.width()) * (self.high_hz - self.low_hz)

    def set_frequencies(self, low_hz: float, high_hz: float) -> None:
        """Set the window, low < high."""
        if (low_hz, high_hz) != (self.low_hz, self.high_hz):
            self.low_hz, self.high_hz = low_hz, high_hz
            self.update()

    def set_hover(self, hz: float | None) -> None:
        """Draw the crosshair's vertical line at this frequency, or none."""
        if hz != self.hover_hz:
            self.hover_hz = hz
            self.update()

    # painting

    def paint(self, painter: QPainter) -> None:
        self.paint_plot(painter)
        self._paint_mouse(painter)

    def _paint_mouse(self, painter: QPainter) -> None:
        area = self.area()
        if self.hover_hz is not None and self.low_hz <= self.hover_hz <= self.high_hz:
            x = round(self.x_of(self.hover_hz))
            _contrast_line(painter, self.theme, QPointF(x, area.top()), QPointF(x, area.bottom()))
        if self._box is not None:
            painter.setPen(QPen(QColor(self.theme.accent)))
            fill = QColor(self.theme.accent)
            fill.setAlpha(60)
            painter.fillRect(self._box, fill)
            painter.drawRect(self._box)
        if self.hasFocus():
            painter.setPen(QPen(QColor(self.theme.accent)))
            painter.drawRect(area.adjusted(0, 0, -1, -1))
        if self.mouse is not None and self._dragged is None and (lines := self.readout()):
            self._paint_readout(painter, self.mouse, lines)

    def _paint_readout(self, painter: QPainter, at: QPointF, lines: list[str]) -> None:
        metrics = self.fontMetrics()
        lines = [metrics.elidedText(line, Qt.TextElideMode.ElideRight, max(60, self.width() - 20)) for line in lines]
        width = max(metrics.horizontalAdvance(line) for line in lines) + 14
        height = metrics.height() * len(lines) + 8
        x = at.x() + 14 if at.x() + 14 + width < self.width() else at.x() - 14 - width
        y = at.y() + 14 if at.y() + 14 + height < self.height() else at.y() - 10 - height
        box = QRectF(max(2.0, x), max(2.0, min(y, self.height() - height - 2.0)), width, height)
        painter.setPen(QPen(QColor(self.theme.border)))
        painter.setBrush(QColor(self.theme.raised))
        painter.drawRoundedRect(box, 3, 3)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(self.theme.text))
        for i, line in enumerate(lines):
            painter.drawText(QPointF(box.left() + 7, box.top() + 4 + metrics.height() * i + metrics.ascent()), line)

    # mouse and keys

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y() or event.angleDelta().x()
        factor = ZOOM_PER_NOTCH ** (turned / 120)
        in_time = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier) or self.on_time_axis(event.position())
        self.zoom_asked.emit(1.0 if in_time else factor, factor if in_time else 1.0, event.position())
        event.accept()

    def on_time_axis(self, position: QPointF) -> bool:
        """Tell whether the wheel zooms the time here."""
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            super().mousePressEvent(event)
            return
        self._dragged = event.position()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._box = QRectF(event.position(), event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.mouse = event.position()
        if self._box is not None and self._dragged is not None:
            self._box = QRectF(self._dragged, event.position()).normalized().intersected(self.area())
        elif self._dragged is not None:
            moved = event.position() - self._dragged
            self._dragged = event.position()
            self.pan_asked.emit(moved.x(), moved.y())
        inside = self.area().contains(event.position())
        self.hovered.emit(self.hz_at(event.position().x()) if inside else None)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        box, self._box, self._dragged = self._box, None, None
        if box is not None and box.width() > 3:
            self.box_asked.emit(box)
        self.update()
        if event.button() == Qt.MouseButton.RightButton:
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.reset_asked.emit()

    def leaveEvent(self, event: QEvent) -> None:
        self.mouse = None
        self.hovered.emit(None)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        area, key = self.area(), event.key()
        in_time = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        pans = {
            int(Qt.Key.Key_Left): (area.width() * KEY_PAN, 0.0),
            int(Qt.Key.Key_Right): (-area.width() * KEY_PAN, 0.0),
            int(Qt.Key.Key_Up): (0.0, area.height() * KEY_PAN),
            int(Qt.Key.Key_Down): (0.0, -area.height() * KEY_PAN),
        }
        zooms = {int(Qt.Key.Key_Plus): 0.8, int(Qt.Key.Key_Equal): 0.8, int(Qt.Key.Key_Minus): 1.25}
        if key in (Qt.Key.Key_F, Qt.Key.Key_Home):
            self.reset_asked.emit()
        elif key in pans:
            self.pan_asked.emit(*pans[key])
        elif key in zooms:
            factor = zooms[key]
            self.zoom_asked.emit(1.0 if in_time else factor, factor if in_time else 1.0, area.center())
        else:
            super().keyPressEvent(event)


def _contrast_line(painter: QPainter, theme: Theme, start: QPointF, end: QPointF) -> None:
    """Draw a line that is seen on any colour: text colour over a thin shadow."""
    color = QColor(theme.text if theme.is_dark else theme.background)
    color.setAlpha(150)
    shadow = QColor(theme.background if theme.is_dark else theme.text)
    shadow.setAlpha(150)
    offset = QPointF(1, 0) if start.x() == end.x() else QPointF(0, 1)
    painter.setPen(QPen(shadow))
    painter.drawLine(start + offset, end + offset)
    painter.setPen(QPen(color))
    painter.drawLine(start, end)


def crosshair_line(painter: QPainter, theme: Theme, area: QRectF, y: float) -> None:
    """Draw the horizontal line of the crosshair."""
    _contrast_line(painter, theme, QPointF(area.left(), round(y)), QPointF(area.right(), round(y)))
