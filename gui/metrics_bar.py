"""The row of controls over the plots of a Metrics dock."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QWidget

from .metrics_options import MetricsOptions
from .plain_text import one_line
from .x_axis import RELATIVE, SPAN_TEXTS, SPANS_S, TIME, field_axis

SPACE_PX = 5
SIDE_PX = 6
LONGEST_FIELD = 24


class MetricsBar(QWidget):
    """Choose metrics, x axis, span, scale and smoothing, and follow the live end.

    What finds no room in a narrow dock is in the context menu.

    Signals:
        choose_wanted(), more_wanted(), follow_wanted(): the buttons.
        x_chosen(str), span_chosen(object), log_chosen(bool), smoothing_chosen(float): new values.
    """

    choose_wanted = Signal()
    more_wanted = Signal()
    follow_wanted = Signal()
    x_chosen = Signal(str)
    span_chosen = Signal(object)
    log_chosen = Signal(bool)
    smoothing_chosen = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.metrics_button = _button("Metrics", "Choose which metrics are shown", self.choose_wanted)
        self.more_button = _button("+0 more", "Show all metrics; the plots scroll", self.more_wanted)
        self.x_box = _box("X axis", "What the x axis shows")
        self.span_box = _box("Visible span", "How much is visible while following the end")
        for text in SPAN_TEXTS:
            self.span_box.addItem(text)
        self.log_button = _button("Log", "Logarithmic y axes", None)
        self.log_button.setCheckable(True)
        self.smooth_label = QLabel("Smooth")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 99)
        self.slider.setPageStep(10)
        self.slider.setAccessibleName("Smoothing")
        self.slider.setToolTip("Smoothing: weight of the past in a moving average, over the faded raw curve")
        self.slider.setFixedWidth(70)
        self.smooth_value = QLabel("0.00")
        self.follow_button = _button("Follow", "Keep to the newest samples and fit the y axes (F)", self.follow_wanted)
        self.follow_button.setCheckable(True)
        self._has_more = False
        self._x_offered: list[tuple[str, str]] = []
        self._lay_out()
        self.x_box.activated.connect(lambda index: self.x_chosen.emit(self._x_offered[index][0]))
        self.span_box.activated.connect(lambda index: self.span_chosen.emit(SPANS_S[index]))
        self.log_button.clicked.connect(self.log_chosen)
        self.slider.valueChanged.connect(self._on_slider)

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SIDE_PX, 4, SIDE_PX, 2)
        layout.setSpacing(SPACE_PX)
        for widget in (self.metrics_button, self.more_button):
            layout.addWidget(widget)
        layout.addStretch(1)
        for widget in (self.x_box, self.span_box, self.log_button, self.smooth_label, self.slider, self.smooth_value):
            layout.addWidget(widget)
        layout.addWidget(self.follow_button)
        self.setMinimumWidth(0)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.smooth_value.setFixedWidth(self.fontMetrics().horizontalAdvance("0.00") + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def show_options(self, options: MetricsOptions, fields: Sequence[str], *, follows: bool, utc: bool) -> None:
        """Bring the controls in line with the dock.

        Args:
            options: of the dock. fields: of the shown metrics. follows: the live end. utc: how times are shown.
        """
        offered = [(TIME, "Time (UTC)" if utc else "Time"), (RELATIVE, "Relative time")]
        offered += [(field_axis(name), one_line(name, LONGEST_FIELD)) for name in fields]
        if options.x not in (choice for choice, _ in offered):
            offered.append((options.x, one_line(options.x.removeprefix(field_axis("")), LONGEST_FIELD)))
        if offered != self._x_offered:
            self._x_offered = offered
            self.x_box.clear()
            self.x_box.addItems([text for _, text in offered])
        self.x_box.setCurrentIndex([choice for choice, _ in offered].index(options.x))
        is_field = options.x.startswith(field_axis(""))
        self.span_box.setEnabled(not is_field)
        self.span_box.setCurrentIndex(0 if is_field else SPANS_S.index(options.span_s))
        self.log_button.setChecked(options.log_y)
        self.slider.blockSignals(True)
        self.slider.setValue(round(options.smoothing * 100))
        self.slider.blockSignals(False)
        self.smooth_value.setText(f"{options.smoothing:.2f}")
        self.follow_button.setChecked(follows)

    def show_count(self, shown: int, number: int, *, is_fitted: bool) -> None:
        """Say how many of the metrics are shown; "+4 more" when only the room is missing for the rest."""
        self.metrics_button.setText(f"{shown} of {number} ▾" if shown != number else f"{_plural(number)} ▾")
        self.more_button.setText(f"+{number - shown} more")
        self._has_more = is_fitted and shown < number
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Hide what finds no room, the least needed first; the context menu has all of it."""
        more = (self.more_button,) if self._has_more else ()
        steps = ((self.smooth_label,), (self.slider, self.smooth_value), (self.log_button,), (self.span_box,), more)
        kept = {self.metrics_button, self.x_box, self.follow_button, *(widget for step in steps for widget in step)}
        for step in (*steps, (self.x_box,)):
            if self._needed_px(kept) <= self.width():
                break
            kept.difference_update(step)
        for widget in (self.more_button, self.x_box, *(widget for step in steps for widget in step)):
            widget.setVisible(widget in kept)

    def _needed_px(self, widgets: set[QWidget]) -> int:
        return sum(max(w.minimumSizeHint().width(), w.minimumWidth()) + SPACE_PX for w in widgets) + 2 * SIDE_PX

    def _on_slider(self, value: int) -> None:
        self.smooth_value.setText(f"{value / 100:.2f}")
        self.smoothing_chosen.emit(value / 100)


def _plural(number: int) -> str:
    return "1 metric" if number == 1 else f"{number} metrics"


def _button(text: str, tooltip: str, signal: object) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tooltip)
    button.setAccessibleName(tooltip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if signal is not None:
        button.clicked.connect(lambda _on=False: signal.emit())  # type: ignore[attr-defined]
    return button


def _box(name: str, tooltip: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(tooltip)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    return box
