"""A picture that QPainter and numpy both draw on."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage


class RasterPicture:
    """An image of 32 bits a pixel and the same memory as an array.

    Args:
        size: in pixels of the widget. ratio: device pixels per pixel.

    Attributes:
        image: for QPainter, in pixels of the widget. pixels: u4[height, width] of 0xffRRGGBB, in device pixels.
    """

    def __init__(self, size: QSize, ratio: float) -> None:
        self.image = QImage(size * ratio, QImage.Format.Format_RGB32)
        self.image.setDevicePixelRatio(ratio)
        self.pixels = np.frombuffer(self.image.bits(), dtype=np.uint32).reshape(self.image.height(), -1)

    def fits(self, size: QSize, ratio: float) -> bool:
        """Tell whether it has this size."""
        return self.image.size() == size * ratio and self.image.devicePixelRatio() == ratio

    def fill(self, color: str) -> None:
        """Fill it with "#rrggbb"."""
        self.pixels[:] = rgb32(color)


def rgb32(color: str) -> int:
    """Return "#rrggbb" as 0xffRRGGBB."""
    return QColor(color).rgb()
