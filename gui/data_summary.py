"""Words and pictures for values of any shape: what the Data dock shows of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from PySide6.QtCore import QBuffer
from PySide6.QtGui import QImage, QImageReader

from .plain_text import one_line

MAX_CHILDREN = 200
MAX_TEXT = 200
# Statistics of larger arrays are taken from evenly spaced samples, so that a 100 MB array does not stop the window.
MAX_STATISTICS_SAMPLES = 250_000
MAX_PICTURE_SIDE_PX = 8192
MAX_SHOWN_SIDE_PX = 1024
MAX_DECODED_PIXELS = 2**22
PICTURE_HEADS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def children(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of what lies inside a dict or list, at most MAX_CHILDREN."""
    if isinstance(value, dict):
        pairs: Any = ((str(name), inner) for name, inner in value.items())
    elif isinstance(value, list | tuple):
        pairs = ((f"[{i}]", inner) for i, inner in enumerate(value))
    else:
        return
    for count, (name, inner) in enumerate(pairs):
        if count == MAX_CHILDREN:
            yield "…", f"{len(value) - MAX_CHILDREN:,} more"
            return
        yield one_line(name, MAX_TEXT), inner


def has_children(value: Any) -> bool:
    """Tell whether the value is a dict or list with anything in it, other than a short list of numbers."""
    return isinstance(value, dict | list | tuple) and len(value) > 0 and not _is_short_numbers(value)


def summary(value: Any) -> str:
    """Return one short plain line for a value."""
    if isinstance(value, np.ndarray):
        return _array_summary(value)
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, dict):
        return f"{len(value)} entries"
    if isinstance(value, list | tuple):
        if _is_short_numbers(value):
            return "[" + ", ".join(f"{number:.4g}" for number in value) + "]"
        return f"{len(value)} items"
    return one_line(str(value), MAX_TEXT)


def is_picture(value: Any) -> bool:
    """Tell whether a value looks like a picture: u1[h, w], u1[h, w, 1, 3 or 4], or a PNG or JPEG file."""
    if isinstance(value, bytes):
        return value.startswith(PICTURE_HEADS)
    return isinstance(value, np.ndarray) and value.dtype == np.uint8 and _is_picture_shape(value.shape)


def picture(value: Any) -> QImage | None:
    """Return a picture of a value, no larger than a screen needs; None when it is none or cannot be read."""
    if not is_picture(value):
        return None
    if isinstance(value, bytes):
        return _decoded(value)
    formats = {1: QImage.Format.Format_Grayscale8, 3: QImage.Format.Format_RGB888, 4: QImage.Format.Format_RGBA8888}
    channels = value.shape[2] if value.ndim == 3 else 1
    step = -(-max(value.shape[:2]) // MAX_SHOWN_SIDE_PX)
    pixels = np.ascontiguousarray(value[::step, ::step])
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, width * channels, formats[channels]).copy()


def _decoded(file: bytes) -> QImage | None:
    """Decode a picture file whose size is bearable; a few kB may claim to be gigapixels."""
    buffer = QBuffer()
    buffer.setData(file)
    reader = QImageReader(buffer)
    size = reader.size()
    if not size.isValid() or size.width() * size.height() > MAX_DECODED_PIXELS:
        return None
    image = reader.read()
    return None if image.isNull() else image


def _is_picture_shape(shape: tuple[int, ...]) -> bool:
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
        return False
    return 8 <= shape[0] <= MAX_PICTURE_SIDE_PX and 8 <= shape[1] <= MAX_PICTURE_SIDE_PX


def _is_short_numbers(value: Any) -> bool:
    return len(value) <= 6 and all(isinstance(inner, int | float) for inner in value)


def _array_summary(array: np.ndarray) -> str:
    shape = "×".join(str(side) for side in array.shape) or "scalar"
    name = f"{array.dtype.name} {shape}"
    if array.size == 0 or array.dtype.kind not in "fiub":
        return name
    flat = array.reshape(-1)
    sampled = flat[:: -(-flat.size // MAX_STATISTICS_SAMPLES)].astype(np.float64)
    finite = sampled[np.isfinite(sampled)]
    if not finite.size:
        return f"{name}  no finite value"
    return f"{name}  {finite.min():.4g} … {finite.max():.4g}, mean {finite.mean():.4g}"
