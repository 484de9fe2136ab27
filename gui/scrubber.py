"""Choose one of the kept frames, or follow the newest. Choosing never stops what arrives."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

NOTCH = 120
SLIDER_PX = 160  # wanted; it can be narrower


class Scrubber(QWidget):
    """A slider over the serials of kept frames, with buttons for previous, next and "Live".

    A frame is known by its serial, so the shown one stays the same while new ones arrive and old ones go. When it
    goes itself, the oldest that is left is shown.

    Signals:
        moved(): another frame is to be shown.
    """

    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._serial: int | None = None
        self._first, self._count = 0, 0
        self._notches = 0
        self.slider = _Slider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName("Frame")
        self.slider.setToolTip("Kept frames, oldest to newest; the mouse wheel goes one frame")
        self.slider.setMinimumWidth(36)
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.wheeled.connect(self._on_wheel)
        self.previous = self._button("‹", "Previous frame", "Previous kept frame (,)")
        self.next = self._button("›", "Next frame", "Next kept frame (.)")
        self.label = QLabel(self)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.label.setToolTip("Frame shown, and frames kept")
        self.live = self._button("Live", "Live", "Follow the newest frame (F)")
        self.live.setCheckable(True)
        self.live.setChecked(True)
        self.previous.clicked.connect(lambda: self.step(-1))
        self.next.clicked.connect(lambda: self.step(1))
        self.live.clicked.connect(self.go_live)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for part in (self.previous, self.next):
            part.setAutoRepeat(True)
            row.addWidget(part)
        row.addWidget(self.slider, 1)
        row.addWidget(self.label)
        row.addWidget(self.live)
        self.offer(0, 0)

    def _button(self, text: str, name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        return button

    @property
    def is_live(self) -> bool:
        """Whether the newest frame is followed."""
        return self._serial is None

    @property
    def position(self) -> int | None:
        """The frame to show, 0 the oldest kept one; None when there is none."""
        if not self._count:
            return None
        return self._count - 1 if self._serial is None else self._serial - self._first

    def offer(self, first_serial: int, count: int) -> None:
        """Tell which frames are kept now: ``count`` of them from ``first_serial`` on."""
        self._first, self._count = first_serial, count
        if self._serial is not None:
            self._serial = min(max(self._serial, first_serial), first_serial + count - 1) if count else None
        self._show()

    def go_live(self) -> None:
        """Follow the newest frame."""
        changed, self._serial = self._serial is not None, None
        self._show()
        if changed:
            self.moved.emit()

    def step(self, frames: int) -> None:
        """Go so many frames on, or back when negative; at the newest it is live again."""
        position = self.position
        if position is not None:
            self._choose(self._first + position + frames)

    def _choose(self, serial: int) -> None:
        before, newest = self._serial, self._first + self._count - 1
        self._serial = None if serial >= newest else max(serial, self._first)
        self._show()
        if self._serial != before:
            self.moved.emit()

    def _show(self) -> None:
        position = self.position
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(0, self._count - 1))
            self.slider.setValue(position or 0)
        self.slider.setEnabled(self._count > 1)
        self.previous.setEnabled(bool(position))
        self.next.setEnabled(self._serial is not None)
        self.live.setChecked(self.is_live)
        shown = 0 if position is None else position + 1
        self.label.setText(f"{shown}\u2009/\u2009{self._count}")
        # Room for the largest number there will be, or the slider and its neighbours would twitch with every digit.
        widest = "8" * max(4, len(str(self._count)))
        self.label.setMinimumWidth(QFontMetrics(self.label.font()).horizontalAdvance(f"{widest}\u2009/\u2009{widest}"))

    def _on_slider(self, value: int) -> None:
        self._choose(self._first + value)

    def _on_wheel(self, angle: int) -> None:
        self._notches += angle
        steps = int(self._notches / NOTCH)
        self._notches -= steps * NOTCH
        if steps:
            self.step(steps)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._on_wheel(event.angleDelta().y())
        event.accept()


class _Slider(QSlider):
    """A slider that leaves the wheel to its owner: one notch is one frame.

    Signals:
        wheeled(int): angle in eighths of a degree.
    """

    wheeled = Signal(int)

    def sizeHint(self) -> QSize:
        return QSize(SLIDER_PX, super().sizeHint().height())

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.wheeled.emit(event.angleDelta().y())
        event.accept()
