"""Paint one metric plot: title, legend, grid, axes, curves and crosshair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from .axis_ticks import Tick
from .curve_lines import paint_lines
from .plot_legend import Legend, paint_legend
from .plot_scene import PaintedLines, PlotScene
from .theme import Theme, blend

OLD_SHARE = 0.4  # of its colour that an earlier run keeps
FADED_SHARE = 0.32  # of its colour that the raw curve keeps under its average
DOT_RADIUS_PX = 3.5
LABEL_SPACE_PX = 8.0  # between labels of the x axis
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class PlotFonts:
    """The two fonts of a plot and their metrics."""

    title: QFont
    small: QFont
    title_metrics: QFontMetricsF
    small_metrics: QFontMetricsF


def plot_fonts(base: QFont) -> PlotFonts:
    """Return the fonts of a plot, made from the application's font."""
    title, small = QFont(base), QFont(base)
    title.setWeight(QFont.Weight.DemiBold)
    size = base.pointSizeF()
    if size > 0:
        small.setPointSizeF(max(7.0, size * 0.88))
    else:
        small.setPixelSize(max(9, round(base.pixelSize() * 0.88)))
    return PlotFonts(title, small, QFontMetricsF(title), QFontMetricsF(small))


@dataclass(frozen=True)
class Header:
    """Texts of the first line: title, a note in muted text, and the value of a single curve in its colour.

    ``is_possible`` is False when no curve has the field on the x axis: then the title is muted.
    """

    title: str
    note: str
    value: str
    color: str
    is_possible: bool = True


def paint_header(painter: QPainter, rect: QRectF, header: Header, fonts: PlotFonts, theme: Theme) -> None:
    """Paint the first line of a plot; the title is shortened before the value is."""
    painter.setFont(fonts.small)
    value_px = fonts.small_metrics.horizontalAdvance(header.value) + 8 if header.value else 0.0
    painter.setPen(QColor(header.color))
    painter.drawText(rect, int(_RIGHT), header.value)
    room = max(rect.width() - value_px, 8.0)
    title = fonts.title_metrics.elidedText(header.title, Qt.TextElideMode.ElideRight, room)
    painter.setFont(fonts.title)
    painter.setPen(QColor(theme.text if header.is_possible else theme.muted))
    painter.drawText(rect, int(_LEFT | Qt.TextFlag.TextSingleLine), title)
    used = fonts.title_metrics.horizontalAdvance(title) + 8
    if header.note and room - used > 20:
        painter.setFont(fonts.small)
        painter.setPen(QColor(theme.muted))
        note = fonts.small_metrics.elidedText(header.note, Qt.TextElideMode.ElideRight, room - used)
        painter.drawText(rect.adjusted(used, 1, 0, 0), int(_LEFT | Qt.TextFlag.TextSingleLine), note)


def paint_scene(
    painter: QPainter, scene: PlotScene, colors: Sequence[str], fonts: PlotFonts, theme: Theme, right_px: float
) -> None:
    """Paint grid, axis labels and curves, or the sentence that says why there are none.

    Args:
        painter: of the widget. scene: what to show. colors: of the curves. fonts, theme: as they are.
        right_px: right border for axis labels.
    """
    area = scene.mapping.area
    painter.setFont(fonts.small)
    painter.setPen(QColor(theme.muted))
    if scene.message:
        painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), scene.message)
        return
    _paint_y_axis(painter, scene, fonts, theme)
    _paint_x_axis(painter, scene, fonts, theme, right_px)
    paint_curves(painter, scene, scene.lines, colors, theme)


def paint_curves(
    painter: QPainter, scene: PlotScene, lines: Sequence[PaintedLines], colors: Sequence[str], theme: Theme
) -> None:
    """Paint some of the lines of a scene."""
    painter.save()
    painter.setClipRect(scene.mapping.area.adjusted(0, -1, 1, 1))
    shares = {"main": 1.0, "old": OLD_SHARE, "faded": FADED_SHARE}
    for entry in lines:
        color = QColor(blend(colors[entry.view], theme.surface, shares[entry.role]))
        paint_lines(painter, entry.lines, color, smooth=entry.smooth)
    painter.restore()


def _paint_y_axis(painter: QPainter, scene: PlotScene, fonts: PlotFonts, theme: Theme) -> None:
    area, metrics = scene.mapping.area, fonts.small_metrics
    half = metrics.height() / 2
    span = scene.mapping.top - scene.mapping.bottom
    for tick in scene.y_ticks:
        y = round(area.bottom() - (tick.value - scene.mapping.bottom) / span * area.height()) + 0.5
        painter.setPen(QColor(theme.grid))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        if area.top() - 1 <= y <= area.bottom() + 2:
            painter.setPen(QColor(theme.muted))
            painter.drawText(QRectF(0, y - half, area.left() - 5, 2 * half), int(_RIGHT), tick.text)
    painter.setPen(QColor(theme.border))
    painter.drawLine(QPointF(area.left(), area.bottom() + 0.5), QPointF(area.right(), area.bottom() + 0.5))


def _paint_x_axis(painter: QPainter, scene: PlotScene, fonts: PlotFonts, theme: Theme, right_px: float) -> None:
    area, metrics = scene.mapping.area, fonts.small_metrics
    span = scene.mapping.high - scene.mapping.low
    places = [round(area.left() + (t.value - scene.mapping.low) / span * area.width()) + 0.5 for t in scene.x_ticks]
    painter.setPen(QColor(theme.grid))
    for x in places:
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    painter.setPen(QColor(theme.muted))
    widths = [metrics.horizontalAdvance(x_tick_text(tick.text, tick.date)) for tick in scene.x_ticks]
    for number, left in label_places(scene.x_ticks, places, widths, right_px):
        tick = scene.x_ticks[number]
        rect = QRectF(left, area.bottom() + 1, widths[number] + 2, metrics.height())
        painter.drawText(rect, int(_LEFT), x_tick_text(tick.text, tick.date))


def label_places(
    ticks: Sequence[Tick], places: Sequence[float], widths: Sequence[float], right_px: float
) -> list[tuple[int, float]]:
    """Return which tick labels are painted, and their left borders; while the axis scrolls they stay the same ones.

    Labels with a date are always painted, inside the borders. Of the others each, every second, every third … has
    room, counted from a fixed origin, and one appears and goes as a whole.

    Args:
        ticks: of the x axis. places: their x in pixels. widths: of their labels. right_px: right border for labels.
    """
    dated = [
        (k, max(0.0, min(places[k] - widths[k] / 2, right_px - widths[k]))) for k, tick in enumerate(ticks) if tick.date
    ]
    taken = [(left - LABEL_SPACE_PX, left + widths[k] + LABEL_SPACE_PX) for k, left in dated]
    plain = [k for k, tick in enumerate(ticks) if not tick.date]
    every, step = 1, 0.0
    if len(ticks) > 1:
        step = abs(ticks[1].value - ticks[0].value)
        spacing = max(1.0, abs(places[1] - places[0]))
        every = math.ceil((max((widths[k] for k in plain), default=0.0) + LABEL_SPACE_PX) / spacing)
    shown = []
    for k in plain:
        left, right = places[k] - widths[k] / 2, places[k] + widths[k] / 2
        is_turn = every <= 1 or round(ticks[k].value / step) % every == 0
        if is_turn and left >= 0 and right <= right_px and all(right < a or left > b for a, b in taken):
            shown.append((k, left))
    return dated + shown


def x_tick_text(text: str, date: str) -> str:
    """Return what stands at a tick: at midnight the date, where the date changes both."""
    if not date:
        return text
    return date[5:] if text.startswith("00:00") and not text.strip("0:") else f"{date[5:]} {text}"


def paint_crosshair(
    painter: QPainter, scene: PlotScene, x: float, dots: Sequence[tuple[float, float, str]], theme: Theme
) -> None:
    """Paint the crosshair at an x and a dot on each curve.

    Args:
        painter: of the widget. scene: as painted. x: of the crosshair, in axis units.
        dots: (x, y, colour) in pixels. theme: in force.
    """
    area = scene.mapping.area
    at = area.left() + (x - scene.mapping.low) / (scene.mapping.high - scene.mapping.low) * area.width()
    if not area.left() <= at <= area.right():
        return
    painter.setPen(QColor(blend(theme.muted, theme.surface, 0.7)))
    painter.drawLine(QPointF(round(at) + 0.5, area.top()), QPointF(round(at) + 0.5, area.bottom()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for dot_x, dot_y, color in dots:
        if area.adjusted(-1, -1, 1, 1).contains(QPointF(dot_x, dot_y)):
            painter.setPen(QPen(QColor(theme.surface), 1.5))
            painter.setBrush(QColor(color))
            painter.drawEllipse(QPointF(dot_x, dot_y), DOT_RADIUS_PX, DOT_RADIUS_PX)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_selection(painter: QPainter, area: QRectF, start: float, end: float, theme: Theme) -> None:
    """Paint the stretch that is being selected with the mouse, from one x in pixels to another."""
    rect = QRectF(min(start, end), area.top(), abs(end - start), area.height()).intersected(area)
    fill = QColor(theme.accent)
    fill.setAlpha(50)
    painter.fillRect(rect, fill)
    painter.setPen(QColor(theme.accent))
    painter.drawRect(rect.adjusted(0, 0, -1, -1))


def paint_legend_of(painter: QPainter, legend: Legend, fonts: PlotFonts, theme: Theme, hovered: int | None) -> None:
    """Paint a legend in the small font."""
    painter.setFont(fonts.small)
    paint_legend(painter, legend, fonts.small_metrics, theme, hovered)
