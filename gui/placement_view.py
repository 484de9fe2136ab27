"""The picture of a placement, painted by itself: a frame of a scene as seen through a view."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from .painted_widget import PaintedWidget
from .placement_facts import readout
from .placement_frame import FrameShapes
from .placement_legend import draw_chip, draw_legend, legend_width_px
from .placement_overlay import draw_readout, draw_scale_bar
from .placement_painter import PlacementPainter
from .placement_parts import PAD_FROM_PX
from .placement_picture import Picture
from .placement_selection import draw_outlines, draw_selection
from .placement_shapes import SceneShapes
from .placement_still import SLICE_S, StillPicture
from .placement_style import PlacementColors, Switches
from .placement_viewport import Box, Viewport

HOVER_MARGIN_PX = 3.0
OVERLAY_FONT_PX = 11
LIGHT_PARTS = 2_000  # boards up to this size are drawn anew at every move of the view


class PlacementView(PaintedWidget):
    """Shows one frame of one scene; its subclass has the mouse and the keys.

    The parts, and what lies over them, are kept as a picture, so that moving the mouse costs a copy. While the view of
    a large board moves, that picture moves with it and is drawn anew as often as there is time; once the view rests,
    what is shown is exact.

    Signals:
        hovered(object): index of the part under the mouse, or None.
    """

    hovered = Signal(object)

    def __init__(self, colors: PlacementColors, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = Viewport()
        self.switches = Switches()
        self.shapes: SceneShapes | None = None
        self.frame: FrameShapes | None = None
        self.selection: int | None = None
        self.hover: int | None = None
        self.painted = 0
        self._colors = colors
        self._painter = PlacementPainter()
        self._still = StillPicture()
        self._is_stale = True
        self._may_move = False  # what is stale is only where the picture is
        self._refine = QTimer(self, singleShot=True)
        self._refine.timeout.connect(self.update)
        self._mouse: QPointF | None = None
        self._needs_fit = True
        self._legend_rect: QRectF | None = None  # of the legend while the mouse holds it open
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 80)
        self.setAccessibleName("Board")

    # what is shown

    def show_frame(self, shapes: SceneShapes | None, frame: FrameShapes | None) -> None:
        """Show a frame; of another scene, fit it unless the user had zoomed."""
        # The legend comes with the first frame, and on a scene without an outline the extent does.
        if shapes is not self.shapes or (self.frame is None and frame is not None):
            self._needs_fit = True
        self.shapes, self.frame = shapes, frame
        if shapes is None or (self.selection is not None and self.selection >= shapes.count):
            self.selection = None
        self._hover_at(self._mouse)
        self.refresh()

    def set_colors(self, colors: PlacementColors) -> None:
        """Take over colours, of another theme or for another scene."""
        self._colors = colors
        self.refresh()

    def set_switches(self, switches: Switches) -> None:
        """Choose what is drawn."""
        self._needs_fit |= switches.legend != self.switches.legend
        self.switches = switches
        self.refresh()

    def select(self, part: int | None) -> None:
        """Mark a part and its nets, without telling ``selected``."""
        if part != self.selection:
            self.selection = part
            self._move()

    def reveal(self, part: int) -> None:
        """Bring a part into view, large enough to be seen."""
        if self.frame is not None and self.frame.usable[part]:
            left, top, right, bottom = map(float, self.frame.bounds[part])
            self.view.show((left, top, right, bottom))
            self._move()

    def fit(self) -> None:
        """Show the whole board and all parts near it."""
        self.view.touched = False
        self._needs_fit = True
        self.refresh()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Enlarge about a point of the widget, or about the middle."""
        self.view.zoom(factor, None if at is None else (at.x(), at.y()))
        self._hover_at(self._mouse)
        self._move()

    def pan(self, dx_px: float, dy_px: float) -> None:
        """Move the picture."""
        self.view.pan(dx_px, dy_px)
        self._move()

    def refresh(self) -> None:
        """Make the picture anew at the next paint."""
        self._is_stale, self._may_move = True, False
        self.update()

    def settle(self) -> None:
        """Show the exact picture now, whatever it costs."""
        self._may_move = False
        self.repaint()

    @property
    def is_exact(self) -> bool:
        """Whether the picture is one of the present view, not an earlier one that was moved."""
        return not self._is_stale

    @property
    def notes(self) -> tuple[str, ...]:
        """What the picture leaves out, a few words each."""
        return self._painter.notes

    def _move(self) -> None:
        """Make the picture anew when there is time."""
        self._is_stale = True
        self.update()

    def hover_text(self) -> str:
        """Return the line about the part under the mouse, or ""."""
        if self.frame is None or self.hover is None or self._mouse is None:
            return ""
        pad = self.frame.pad_at(self.hover, *self.view.to_scene(self._mouse.x(), self._mouse.y()))
        return readout(self.frame, self.hover, pad if self._pads_shown() else None)

    def _pads_shown(self) -> bool:
        sides = self.shapes.pad_side if self.shapes is not None else np.empty(0)
        return self.switches.pads and len(sides) > 0 and float(sides.max()) * self.view.scale >= PAD_FROM_PX

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self.painted += 1

    def paint(self, painter: QPainter) -> None:
        if self.shapes is None:
            painter.fillRect(self.rect(), QColor(self._colors.ground))
            return
        font = self._overlay_font()
        picture = self._picture(self.shapes)
        if self._needs_fit and not self.view.touched:
            self._fit(picture, QFontMetricsF(font))
        self._needs_fit = False
        self._show_still(painter, picture, font)
        painter.setFont(font)
        if self.view.leaves_left_free:
            draw_legend(painter, picture, self.height())
        else:
            draw_chip(painter, picture)
        draw_scale_bar(painter, picture, self.width(), self.height())
        if self.frame is not None:
            self._paint_marks(painter, picture, self.frame)
        if self._legend_rect is not None:
            self._legend_rect = draw_legend(painter, picture, self.height())

    def _show_still(self, painter: QPainter, picture: Picture, font: QFont) -> None:
        ground, ratio = self._colors.ground, self.devicePixelRatioF()
        may_move = self._may_move and picture.shapes.count > LIGHT_PARTS and self._still.fits(self.size(), ratio)
        if self._is_stale and not may_move:
            self._begin_still(picture, font)
            self._is_stale, self._may_move = not self._still.go_on(), True
        elif self._is_stale and (self._still.is_begun or not self._still.wait_s()):
            if not self._still.is_begun:
                self._begin_still(picture, font)
            self._is_stale = not (self._still.go_on(SLICE_S) and self._still.is_of(self.view))
        self._still.show(painter, self.view, ground)
        if self._is_stale:
            self._refine.start(1 if self._still.is_begun else round(self._still.wait_s() * 1e3) + 1)

    def _begin_still(self, picture: Picture, font: QFont) -> None:
        drawn = replace(picture, view=copy(self.view))  # the view may move before the picture is finished

        def draw(still: QPainter, pixels: np.ndarray) -> Iterator[None]:
            still.setFont(font)
            return self._painter.steps(still, pixels, drawn, font)

        self._still.begin(self.size(), self.devicePixelRatioF(), self.view, self._colors.ground, draw)

    def _overlay_font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(OVERLAY_FONT_PX)
        return font

    def _picture(self, shapes: SceneShapes) -> Picture:
        return Picture(shapes, self.frame, self.view, self._colors, self.switches, self.selection)

    def _fit(self, picture: Picture, metrics: QFontMetricsF) -> None:
        box: Box | None = picture.frame.extent() if picture.frame is not None else picture.shapes.board_box
        if box is not None:
            self.view.resize(self.width(), self.height())
            self.view.fit(box, legend_width_px(picture, metrics))

    def _paint_marks(self, painter: QPainter, picture: Picture, frame: FrameShapes) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.selection is not None:
            draw_selection(painter, picture, frame, self.selection)
        if self.hover is not None:
            draw_outlines(painter, picture, frame, np.array([self.hover]))
        if text := self.hover_text() or "  ·  ".join(self.notes):
            draw_readout(painter, picture, text, self.width(), self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.view.resize(self.width(), self.height())
        self._needs_fit = True
        self.refresh()

    def _hover_at(self, place: QPointF | None) -> None:
        part = None
        if place is not None and self.frame is not None and self.rect().contains(place.toPoint()):
            hidden = self._hidden(self.frame)
            margin = HOVER_MARGIN_PX / self.view.scale
            part = self.frame.part_at(*self.view.to_scene(place.x(), place.y()), margin, hidden)
        if part is not None or self.hover is not None:
            self.update()  # the pad under the mouse may be another even when the part is the same
        if part != self.hover:
            self.hover = part
            self.hovered.emit(part)

    def _hidden(self, frame: FrameShapes) -> np.ndarray | None:
        if self.switches.top and self.switches.bottom:
            return None
        bottom = frame.shapes.bottom
        return (bottom & (not self.switches.bottom)) | (~bottom & (not self.switches.top))
