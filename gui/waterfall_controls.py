"""The row of controls over a waterfall, and the switches of the curves in its spectrum."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

from .axis_ticks import duration_text
from .stream_picker import StreamPicker
from .theme import Theme
from .waterfall_options import SPANS_S, WaterfallOptions
from .waterfall_panel import ViewPanel, named_combo


class ControlRow(QWidget):
    """Stream, polarization, time span, scale, Follow and View in one row.

    Signals:
        changed(): polarization, span or scale was chosen; ``read`` tells.
        follow_toggled(bool): the user pressed Follow.
    """

    changed = Signal()
    follow_toggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picker = StreamPicker()
        self.picker.setMinimumWidth(90)
        self.picker.setMaximumWidth(240)
        self.picker.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.polarization = named_combo("Polarization", [])
        self.polarization.setMaximumWidth(130)
        self.span = named_combo("Time span", list(SPANS_S))
        self.scale = named_combo("Scale", [("dB", True), ("Linear", False)])
        self.follow = QToolButton()
        self.follow.setText("Follow")
        self.follow.setCheckable(True)
        self.follow.setToolTip("Keep the newest row in view (F or a double click also shows all channels again)")
        self.view = QToolButton()
        self.view.setText("View ▾")
        self.view.setToolTip("Colours, levels, average and direction of time")
        self.view.setAccessibleName("View options")
        self.panel = ViewPanel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 6, 2)
        row.setSpacing(6)
        for widget in (self.picker, self.polarization, self.span, self.scale):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.follow)
        row.addWidget(self.view)
        for combo in (self.polarization, self.span, self.scale):
            combo.activated.connect(lambda _index: self.changed.emit())
        self.follow.clicked.connect(self.follow_toggled)
        self.view.clicked.connect(lambda: self.panel.open_under(self.view))

    def write(self, options: WaterfallOptions, names: list[str], *, following: bool) -> None:
        """Show these options; ``names`` are the polarizations there are."""
        if [self.polarization.itemText(i) for i in range(self.polarization.count())] != names:
            self.polarization.clear()
            self.polarization.addItems(names)
        self.polarization.setCurrentIndex(names.index(options.polarization) if options.polarization in names else 0)
        self.polarization.setEnabled(len(names) > 1)
        self._write_span(options.span_s)
        self.scale.setCurrentIndex(0 if options.decibel else 1)
        self.follow.setChecked(following)
        self.panel.write(options)

    def read(self, options: WaterfallOptions) -> None:
        """Take what the user chose into the options."""
        options.polarization = self.polarization.currentText()
        options.span_s = self.span.currentData()
        options.decibel = self.scale.currentData()

    def _write_span(self, span_s: float | None) -> None:
        """Choose the span in the list; one that was zoomed to becomes an item of its own."""
        index = next((i for i, (_, value) in enumerate(SPANS_S) if value == span_s), len(SPANS_S))
        if index < len(SPANS_S) or span_s is None:
            if self.span.count() > len(SPANS_S):
                self.span.removeItem(len(SPANS_S))
        elif self.span.itemData(len(SPANS_S)) != span_s:
            self.span.removeItem(len(SPANS_S))
            self.span.addItem(duration_text(span_s), span_s)
        self.span.setCurrentIndex(index)


class CurveButton(QToolButton):
    """A switch in the legend of the spectrum, with a stroke in the colour of its curve."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setText(name)
        self.setCheckable(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(12, 12))
        self.setToolTip(f"Show or hide the curve: {name.lower()}")
        self.setAccessibleName(f"Curve {name.lower()}")

    def show_color(self, color: str, theme: Theme) -> None:
        """Draw the stroke, and the button on the plot's ground."""
        pixmap = QPixmap(12, 12)
        pixmap.fill(Qt.GlobalColor.transparent)
        with QPainter(pixmap) as painter:
            painter.fillRect(0, 5, 12, 3, QColor(color if self.isChecked() else theme.border))
        self.setIcon(QIcon(pixmap))
        text = theme.text if self.isChecked() else theme.muted
        self.setStyleSheet(
            f"QToolButton {{ background: {theme.surface}; color: {text};"
            "border: 1px solid transparent; padding: 0 4px; }"
            f"QToolButton:hover, QToolButton:focus {{ border-color: {theme.accent}; }}"
        )
