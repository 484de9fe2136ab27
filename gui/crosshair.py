"""The crosshair that all plots of a dock share, and the readout beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from PySide6.QtCore import QPoint, QPointF, QRectF
from PySide6.QtWidgets import QWidget

from .axis_ticks import moment
from .metric_plot import MetricPlot
from .readout import Readout, ReadoutRow
from .theme import Theme
from .value_axis import duration_text, short_value
from .x_axis import RELATIVE, TIME, XAxis


class Crosshair:
    """Show the same x in every plot, and the values of the plot under the mouse in a box.

    Args:
        body: the widget over which the box lies. theme: colours.
        visible_plots: the plots that can be seen. utc: whether times are shown in UTC.
    """

    def __init__(
        self, body: QWidget, theme: Theme, visible_plots: Callable[[], Sequence[MetricPlot]], utc: Callable[[], bool]
    ) -> None:
        self.readout = Readout(theme, body)
        self._body = body
        self._visible_plots = visible_plots
        self._utc = utc
        self._hover: tuple[MetricPlot, QPoint] | None = None

    def hover(self, plot: MetricPlot, x: float | None) -> None:
        """Show the crosshair at an x, with the mouse over ``plot``; None takes it away."""
        if x is None:
            self.leave()
            return
        self._hover = (plot, plot.mapFromGlobal(plot.cursor().pos()))
        self._set(plot, x)

    def leave(self) -> None:
        """Take the crosshair away."""
        if self._hover is not None:
            self._hover = None
            for plot in self._body.findChildren(MetricPlot):
                plot.set_hover(None)
        self.readout.hide()

    def drop_unless(self, names: Collection[str]) -> None:
        """Take the crosshair away when the plot under the mouse is not among those shown."""
        if self._hover is not None and self._hover[0].name not in names:
            self.leave()

    def follow_mouse(self) -> None:
        """Keep the crosshair under a mouse that rests while the curves move on."""
        if self._hover is not None and (scene := self._hover[0].scene()) is not None:
            self._set(self._hover[0], scene.mapping.x_at(self._hover[1].x()))

    def show_readout(self) -> None:
        """Bring the box up to date."""
        samples = self._hover[0].values_at_crosshair() if self._hover is not None else []
        if self._hover is None or not samples:
            self.readout.hide()
            return
        plot, position = self._hover
        rows = [
            ReadoutRow(plot.theme.curve(view.curve.color_index), view.label, _value_text(value, average))
            for view, (_, value, average) in samples
        ]
        offset = QPointF(plot.mapTo(self._body, QPoint(0, 0)))
        ends = [point + offset for point in plot.curve_ends()]
        around = QRectF(plot.rect()).translated(offset)
        heading = x_text(samples[0][1][0], plot.axis, utc=self._utc())
        self.readout.show_at(plot.mapTo(self._body, position), heading, rows, ends, around)

    def _set(self, plot: MetricPlot, x: float) -> None:
        for each in self._visible_plots():
            each.set_hover(x)
        self.show_readout()


def x_text(x: float, axis: XAxis, *, utc: bool) -> str:
    """Return a place of the x axis as text."""
    if axis.choice == TIME:
        text = moment(x, utc=utc).isoformat(sep=" ", timespec="milliseconds")[:23]
        return f"{text} UTC" if utc else text
    if axis.choice == RELATIVE:
        return duration_text(x, (axis.high - axis.low) / 1000 or 1.0)
    return f"{axis.column} {x:.12g}"


def _value_text(value: float, average: float | None) -> str:
    return short_value(value) if average is None else f"{short_value(average)}  ({short_value(value)})"
