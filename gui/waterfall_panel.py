"""The panel of a waterfall with what is chosen less often: colours, levels, average, direction of time."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QKeyEvent, QPixmap
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QFrame, QLineEdit, QPushButton, QWidget

from .color_maps import NAMES, color_map
from .waterfall_options import AVERAGES, WaterfallOptions

SWATCH = QSize(56, 12)


class LevelEdit(QLineEdit):
    """A level as a number; Return takes it over, Up and Down change it by 1 dB or 5 %.

    Signals:
        entered(float): a number was entered.
    """

    entered = Signal(float)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.decibel = True
        self.setAccessibleName(name)
        self.setToolTip(f"{name}: enter a number; Up and Down change it")
        self.setMaxLength(24)
        self.setFixedWidth(96)
        self.editingFinished.connect(self._on_finished)
        self._shown = 0.0

    def show_value(self, value: float) -> None:
        """Show a level, unless the user is typing."""
        self._shown = value
        if not (self.hasFocus() and self.isModified()):
            self.setText(f"{value:.2f}" if self.decibel else f"{value:.5g}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = {int(Qt.Key.Key_Up): 1, int(Qt.Key.Key_Down): -1}.get(event.key())
        if direction is None:
            super().keyPressEvent(event)
            return
        self.entered.emit(self._shown + direction * (1.0 if self.decibel else 0.05 * (abs(self._shown) or 1.0)))

    def _on_finished(self) -> None:
        if not self.isModified():
            return
        self.setModified(False)
        try:
            value = float(self.text())
        except ValueError:
            self.show_value(self._shown)
            return
        self.entered.emit(value)


class ViewPanel(QFrame):
    """The panel that the View button opens.

    Signals:
        changed(): colour map, direction or average was chosen; ``read`` tells.
        levels_entered(float, float): levels set by hand. automatic_toggled(bool): the box was ticked or cleared.
        hold_reset(): the maximum hold is to begin anew.
    """

    changed = Signal()
    levels_entered = Signal(float, float)
    automatic_toggled = Signal(bool)
    hold_reset = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName("View options")
        self.colors = named_combo("Colour map", [(name.capitalize(), name) for name in NAMES])
        self.colors.setIconSize(SWATCH)
        for i, name in enumerate(NAMES):
            self.colors.setItemIcon(i, _swatch(name))
        self.direction = named_combo("Newest row", [("At the top", True), ("At the bottom", False)])
        self.average = named_combo("Average over", list(AVERAGES))
        self.automatic = QCheckBox("Automatic levels")
        self.automatic.setToolTip("Follow the data slowly: 15 % of the picture below, 0.3 % above the levels")
        self.low, self.high = LevelEdit("Lower level"), LevelEdit("Upper level")
        self.reset_hold = QPushButton("Restart max hold")
        self.reset_hold.setToolTip("Forget the maximum and begin anew with the next row")
        form = QFormLayout(self)
        form.setContentsMargins(12, 10, 12, 10)
        form.setVerticalSpacing(7)
        form.addRow("Colour map", self.colors)
        form.addRow("", self.automatic)
        form.addRow("Upper level", self.high)
        form.addRow("Lower level", self.low)
        form.addRow("Average over", self.average)
        form.addRow("Newest row", self.direction)
        form.addRow("", self.reset_hold)
        for combo in (self.colors, self.direction, self.average):
            combo.activated.connect(lambda _index: self.changed.emit())
        self.automatic.clicked.connect(self.automatic_toggled)
        self.low.entered.connect(lambda value: self.levels_entered.emit(value, self.high_value()))
        self.high.entered.connect(lambda value: self.levels_entered.emit(self.low_value(), value))
        self.reset_hold.clicked.connect(self.hold_reset)
        self._levels = (0.0, 1.0)

    def low_value(self) -> float:
        """Return the lower level in force."""
        return self._levels[0]

    def high_value(self) -> float:
        """Return the upper level in force."""
        return self._levels[1]

    def show_levels(self, low: float, high: float, *, automatic: bool, decibel: bool) -> None:
        """Show the levels in force."""
        self._levels = (low, high)
        self.low.decibel = self.high.decibel = decibel
        self.low.show_value(low)
        self.high.show_value(high)
        self.automatic.setChecked(automatic)

    def write(self, options: WaterfallOptions) -> None:
        """Show these options."""
        for combo, value in (
            (self.colors, options.color_map),
            (self.direction, options.newest_on_top),
            (self.average, options.average_rows),
        ):
            combo.setCurrentIndex(combo.findData(value))

    def read(self, options: WaterfallOptions) -> None:
        """Take what the user chose into the options."""
        options.color_map = self.colors.currentData()
        options.newest_on_top = self.direction.currentData()
        options.average_rows = self.average.currentData()

    def open_under(self, button: QWidget) -> None:
        """Show the panel under a button, kept on its screen."""
        self.adjustSize()
        corner = button.mapToGlobal(QPoint(button.width() - self.width(), button.height() + 2))
        screen = button.screen().availableGeometry()
        x = min(max(corner.x(), screen.left()), screen.right() - self.width())
        y = min(max(corner.y(), screen.top()), screen.bottom() - self.height())
        self.move(x, y)
        self.show()
        self.colors.setFocus()


def named_combo(name: str, items: list[tuple[str, object]]) -> QComboBox:
    """Make a box of (text, value) items with a name for screen readers and tooltip."""
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    for text, value in items:
        combo.addItem(text, value)
    return combo


def _swatch(name: str) -> QIcon:
    strip = np.ascontiguousarray(np.repeat(color_map(name)[None, :, :], SWATCH.height(), axis=0))
    image = QImage(strip.data, strip.shape[1], strip.shape[0], strip.shape[1] * 3, QImage.Format.Format_RGB888)
    return QIcon(QPixmap.fromImage(image.scaled(SWATCH)))
