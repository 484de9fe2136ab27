"""The Qt binding must not lose references to None: PySide6 6.12.0 does on Python 3.11, and the process aborts."""

import sys

from PySide6.QtGui import QPainterPath


def test_void_methods_keep_the_reference_count_of_none():
    """10,000 calls of a method that returns nothing leave the reference count of None where it was."""
    path = QPainterPath()
    path.lineTo(0.0, 0.0)
    before = sys.getrefcount(None)
    for i in range(10_000):
        path.lineTo(float(i), 1.0)
    assert abs(sys.getrefcount(None) - before) < 100
