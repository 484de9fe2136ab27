"""A widget that paints itself and outlives an error in its painting."""

from __future__ import annotations

import logging

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

logger = logging.getLogger("dockscope.gui.painting")


class PaintedWidget(QWidget):
    """Base of widgets whose picture depends on received data.

    An exception that left ``paintEvent`` would leave the painter open, and the widget could never paint again. It is
    logged instead, once until painting succeeds again, since it would come back with every frame.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._complained = False

    def paint(self, painter: QPainter) -> None:
        """Paint the whole widget."""
        raise NotImplementedError

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            try:
                self.paint(painter)
                self._complained = False
            except Exception:
                if not self._complained:
                    logger.exception("“%.80s” could not be painted", self.accessibleName())
                self._complained = True
