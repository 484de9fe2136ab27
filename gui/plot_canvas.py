"""What one metric plot shows and how it is painted; ``MetricPlot`` adds mouse and keys."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from . import plot_painter, plot_scene
from .curve_lines import Mapping
from .curve_view import CurveKey, CurveView, Sample
from .painted_widget import PaintedWidget
from .plain_text import one_line
from .plot_growth import PlotGrowth, Shown
from .plot_legend import Legend, LegendEntry, lay_out
from .theme import Theme
from .value_axis import short_value
from .x_axis import XAxis

SIDE_PX = 8.0
NARROWEST_AXIS_PX = 26.0
RESERVED_LABEL = "-0.00"  # room for it on every y axis, so that most labels arrive without a jump
WIDTH_STEP_PX = 8.0  # the axis grows by so much at once, for labels that are wider still
RESERVED_SHARE = 0.2  # of the width of the plot at most
WIDEST_AXIS_PX = 78.0
RIGHT_PX = 10.0
PAINTED_AT_ONCE = 8  # more lines than that are painted into a picture in slices of time, before it is shown
LEGEND_SHARE = 0.14  # of the height that the legend may take, but always one row


class PlotCanvas(PaintedWidget):
    """Paint the curves of one metric name over a stretch of the x axis.

    Args:
        name: of the metric. theme: colours.
    """

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.title = title_of(name, [])
        self.theme = theme
        self.views: list[CurveView] = []
        self.axis = XAxis()
        self.log = False
        self.utc = False
        self.y_range: tuple[float, float] | None = None
        self.y_by_hand = False
        self.axis_px = NARROWEST_AXIS_PX
        self.legend_rows = 0
        self.hover_x: float | None = None
        self._scene: plot_scene.PlotScene | None = None
        self._legend = Legend((), (), 0, 0, QRectF())
        self._samples: dict[CurveKey, Sample | None] = {}
        self._hovered_entry: int | None = None
        self._selection: tuple[float, float] | None = None  # being selected with the mouse, pixels
        self._still: QPixmap | None = None
        self._growth: PlotGrowth | None = None
        self._steps: Iterator[None] | None = None
        self._wanted_rows: int | None = None  # of the legend, as long as its texts are the same
        self._shows_focus = False
        self._fonts = plot_painter.plot_fonts(self.font())
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    # what the dock says

    def prepare(self, axis: XAxis, *, exact: bool, until: float = math.inf) -> bool:
        """Compute what is painted for a stretch of the x axis; until it is done the picture before is shown.

        Args:
            axis: shared by all plots of the dock. exact: fit the y range anew instead of keeping a good one.
            until: ``time.perf_counter()`` at which to stop.

        Returns:
            Whether it is done; ``go_on`` does the rest.
        """
        self._steps = self._steps_of(replace(axis), exact=exact)
        return self.go_on(until)

    def pixels(self) -> int:
        """Return the pixel columns of the plot area."""
        return max(1, int(self.area().width() * self.devicePixelRatioF()))

    def set_views(self, views: list[CurveView]) -> None:
        """Show these curves; what was being prepared of others is dropped."""
        self.views = views
        self.title = title_of(self.name, views)
        self._steps = self._growth = None
        self.refresh_legend()

    def go_on(self, until: float = math.inf) -> bool:
        """Go on with what ``prepare`` began, at least by a step; return whether it is done."""
        while self._steps is not None:
            try:
                next(self._steps)
            except StopIteration:
                self._steps = None
            else:
                if time.perf_counter() > until:
                    return False
        return True

    def _prepare(self, axis: XAxis, *, exact: bool) -> Iterator[None]:
        self._growth, pixels = None, self.pixels()
        traces: list[tuple[int, plot_scene.Trace]] = []
        shown: list[Shown] = []
        for number, view in enumerate(self.views[: plot_scene.MOST_CURVES]):
            shown.append(Shown.of(view, axis))
            traces += [(number, trace) for trace in view.traces(axis, pixels)]
            yield
        self.axis = axis
        traces = plot_scene.in_painting_order(traces)
        if not self.y_by_hand or self.y_range is None:
            self.y_range = plot_scene.fit_y(traces, axis, None if exact else self.y_range, log=self.log)
        if exact:
            self.refresh_legend()
        yield
        area, views = self.area(), self.views
        scene = plot_scene.build(views, traces, axis, area, self.y_range, log=self.log, utc=self.utc)
        for number, trace in traces:
            scene.add_lines(number, trace)
            yield
        picture = None
        if len(scene.lines) > PAINTED_AT_ONCE and not scene.message:
            picture = self._picture(replace(scene, lines=[]))
            colors = self._colors()
            for entry in scene.lines:
                with QPainter(picture) as painter:
                    plot_painter.paint_curves(painter, scene, [entry], colors, self.theme)
                yield
        self._scene = scene
        is_current = picture is not None and picture.size() == self.size() * self.devicePixelRatioF()
        self._still = picture if is_current else None
        if not scene.message:
            self._growth = PlotGrowth(axis, scene.mapping, pixels, shown)
        self.update()

    def _steps_of(self, axis: XAxis, *, exact: bool) -> Iterator[None]:
        if exact or not (yield from self._grow(axis)):
            yield from self._prepare(axis, exact=exact)

    def _grow(self, axis: XAxis) -> Generator[None, None, bool]:
        """Paint what is new at the ends of the curves over the picture; False when all must be made anew."""
        scene, growth = self._scene, self._growth
        if scene is None or growth is None or self.y_range is None:
            return False
        mapping, colors = Mapping(self.area(), axis.low, axis.high, *self.y_range, self.log), self._colors()
        views = self.views[: plot_scene.MOST_CURVES]
        if not growth.is_of(axis, mapping, self.pixels(), views):
            return False
        try:
            for number, view in enumerate(views):
                trace = growth.tail(number, view)
                if trace is not None:
                    if self._still is None:
                        self._still = self._picture(scene)
                    if not scene.add_tail(number, trace):
                        return False
                    with QPainter(self._still) as painter:
                        plot_painter.paint_curves(painter, scene, scene.lines[-1:], colors, self.theme)
                    self.update()
                yield
        except LookupError:
            return False
        return True

    def wanted_axis_px(self) -> float:
        """Return the width that the labels of the y axis need, in steps, and at least that of a usual label."""
        texts = [tick.text for tick in self._scene.y_ticks] if self._scene else []
        advance = self._fonts.small_metrics.horizontalAdvance
        needed = max((advance(text) for text in texts), default=0.0) + 9.0
        reserved = min(max(advance(RESERVED_LABEL) + 9.0, NARROWEST_AXIS_PX), RESERVED_SHARE * self.width())
        return min(reserved + math.ceil(max(0.0, needed - reserved) / WIDTH_STEP_PX) * WIDTH_STEP_PX, WIDEST_AXIS_PX)

    def refresh_legend(self) -> None:
        """Read the newest values, or those under the crosshair, into the legend."""
        self._wanted_rows = None
        entries = [self._entry(view) for view in self.views]
        legend = self._lay_out(entries, max(self.legend_rows, 1))
        if legend != self._legend:
            self._legend = legend
            self.update()  # texts are painted over the picture of the curves, which stays

    def wanted_legend_rows(self) -> int:
        """Return how many rows the legend would fill; a single curve has its value beside the title."""
        if len(self.views) < 2:
            return 0
        if self._wanted_rows is None:
            most = max(1, int(self.height() * LEGEND_SHARE / self._row_px()))
            self._wanted_rows = self._lay_out([self._entry(view) for view in self.views], most).rows
        return self._wanted_rows

    def values_at_crosshair(self) -> list[tuple[CurveView, Sample]]:
        """Return the shown curves that have a sample under the crosshair, with x, value and average."""
        found = [(view, self._samples.get(view.key)) for view in self.views]
        return [(view, sample) for view, sample in found if sample is not None]

    def _look_up(self) -> None:
        per_px = (self.axis.high - self.axis.low) / max(1.0, self.area().width())
        views = (
            [view for view in self.views[: plot_scene.MOST_CURVES] if view.shown] if self.hover_x is not None else []
        )
        self._samples = {view.key: view.value_at(self.axis, self.hover_x or 0.0, per_px) for view in views}

    def set_hover(self, x: float | None) -> None:
        """Show the crosshair at an x of the shared axis."""
        self.hover_x = x
        self._look_up()
        self.refresh_legend()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take over the colours of a theme."""
        self.theme = theme
        self.repaint_later()

    def fit_y(self) -> None:
        """Let the y range follow what is visible again."""
        self.y_by_hand = False

    def curve_ends(self) -> list[QPointF]:
        """Return where the shown curves end, in pixels; a readout must not lie there."""
        if self._scene is None:
            return []
        ends = [entry.lines.segments[-1, 2:] for entry in self._scene.lines if len(entry.lines.segments)]
        return [QPointF(float(x), float(y)) for x, y in ends if self.area().contains(QPointF(float(x), float(y)))]

    def message(self) -> str:
        """Return the sentence in an empty plot area, or the note in a corner of it, or ""."""
        return (self._scene.message or self._scene.note) if self._scene else ""

    def legend(self) -> Legend:
        """Return the legend as it is painted."""
        return self._legend

    def scene(self) -> plot_scene.PlotScene | None:
        """Return what is painted."""
        return self._scene

    # geometry

    def sizeHint(self) -> QSize:
        return QSize(300, 180)

    def area(self) -> QRectF:
        """Return the plot area inside the axes."""
        top = self._title_rect().bottom() + self.legend_rows * self._row_px() + 6
        bottom = self.height() - self._fonts.small_metrics.height() - 3
        return QRectF(self.axis_px, top, max(20.0, self.width() - self.axis_px - RIGHT_PX), max(12.0, bottom - top))

    def _title_rect(self) -> QRectF:
        return QRectF(SIDE_PX, 2, max(10.0, self.width() - SIDE_PX - RIGHT_PX), self._fonts.title_metrics.height() + 2)

    def _row_px(self) -> float:
        return self._fonts.small_metrics.height() + 1

    def _lay_out(self, entries: Sequence[LegendEntry], most_rows: int) -> Legend:
        title = self._title_rect()
        area = QRectF(title.left(), title.bottom(), title.width(), 0)
        return lay_out(entries, self._fonts.small_metrics, area, self._row_px(), most_rows)

    def _entry(self, view: CurveView) -> LegendEntry:
        value = ""
        if self.hover_x is not None:
            sample = self._samples.get(view.key)
            value = short_value(sample[1]) if sample else "–"
        elif (latest := view.curve.latest()) is not None:
            value = short_value(latest[1])
        color = self.theme.curve(view.curve.color_index)
        return LegendEntry(view.label, value, color, view.shown, view.has(self.axis))

    # painting

    def repaint_later(self) -> None:
        """Paint anew at the next turn of the loop."""
        self._still = None
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.refresh_legend()
        self.repaint_later()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.ApplicationFontChange):
            self._fonts = plot_painter.plot_fonts(self.font())

    def paint(self, painter: QPainter) -> None:
        # While the mouse moves only the crosshair changes: the rest is kept as a picture.
        if self._still is None and self.hover_x is not None:
            self._still = self._picture(self._scene)
        if self._still is None:
            self._paint_still(painter, self._scene)
        else:
            painter.drawPixmap(0, 0, self._still)
            if self.hover_x is not None and self._scene is not None and not self._scene.message:
                plot_painter.paint_crosshair(painter, self._scene, self.hover_x, self._dots(), self.theme)
        self._paint_texts(painter)
        if self._selection is not None:
            plot_painter.paint_selection(painter, self.area(), *self._selection, self.theme)
        if self._shows_focus and self.hasFocus():
            painter.setPen(self.palette().highlight().color())
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1.5, 0.5, -1.5, -0.5), 3, 3)

    def _colors(self) -> list[str]:
        return [self.theme.curve(view.curve.color_index) for view in self.views]

    def _picture(self, scene: plot_scene.PlotScene | None) -> QPixmap:
        picture = QPixmap(self.size() * self.devicePixelRatioF())
        picture.setDevicePixelRatio(self.devicePixelRatioF())
        with QPainter(picture) as painter:
            painter.setFont(self.font())
            self._paint_still(painter, scene)
        return picture

    def _paint_still(self, painter: QPainter, scene: plot_scene.PlotScene | None) -> None:
        painter.fillRect(self.rect(), self.theme.surface)
        if scene is not None:
            plot_painter.paint_scene(painter, scene, self._colors(), self._fonts, self.theme, self.width() - 2.0)

    def _paint_texts(self, painter: QPainter) -> None:
        is_single = len(self.views) == 1
        entry = self._legend.entries[0] if is_single and self._legend.entries else None
        is_lit = entry is not None and entry.shown and entry.is_possible
        value, color = (entry.value, entry.color) if entry is not None and is_lit else ("", self.theme.text)
        is_possible = any(view.has(self.axis) for view in self.views)
        header = plot_painter.Header(self.title, self._scene.note if self._scene else "", value, color, is_possible)
        plot_painter.paint_header(painter, self._title_rect(), header, self._fonts, self.theme)
        if self.legend_rows and not is_single:
            plot_painter.paint_legend_of(painter, self._legend, self._fonts, self.theme, self._hovered_entry)

    def _dots(self) -> list[tuple[float, float, str]]:
        if self._scene is None:
            return []
        mapping, dots = self._scene.mapping, []
        for view, (x, value, average) in self.values_at_crosshair():
            y = mapping.y_px(np.array([value if average is None else average]))[0]
            if math.isfinite(y):
                dots.append((float(mapping.x_px(np.array([x]))[0]), float(y), self.theme.curve(view.curve.color_index)))
        return dots


def title_of(name: str, views: Sequence[CurveView]) -> str:
    """Return the name of a metric, with the unit when all curves have the same: their label ``unit``."""
    units = {dict(view.curve.labels).get("unit", "") for view in views}
    unit = units.pop() if len(units) == 1 else ""
    return " ".join(filter(None, (one_line(name) or "(no name)", f"({one_line(unit, 20)})" if unit else "")))
