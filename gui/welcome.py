"""What the window shows with nothing connected: what to do next."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from .plain_text import menu_text, tooltip_text

MAX_SHOWN = 5
MAX_URL_CHARACTERS = 70


class Welcome(QWidget):
    """Offer the demo, a connection, the devices of this computer and the URLs used lately."""

    def __init__(
        self,
        start_demo: Callable[[], None],
        connect: Callable[[], None],
        open_url: Callable[[str], None],
        show_devices: Callable[[], None],
    ) -> None:
        super().__init__()
        self._open_url = open_url
        heading = _label("Nothing is connected yet")
        heading.setObjectName("heading")
        text = _label("Watch and steer what is running: connect to a producer, or look at three bundled ones.")
        self.demo = QPushButton("Start the demo")
        self.demo.setDefault(True)
        self.demo.clicked.connect(start_demo)
        self.connect_button = QPushButton("Connect…")
        self.connect_button.clicked.connect(connect)
        self.devices = QPushButton("Instruments of this computer…")
        self.devices.clicked.connect(show_devices)
        self._recent_heading = _label("Used lately")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(4)
        column = QVBoxLayout()
        column.setSpacing(10)
        for part in (heading, text, self.demo, self.connect_button, self.devices, self._recent_heading):
            column.addWidget(part, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(self._recent)
        for button in (self.demo, self.connect_button, self.devices):
            button.setMinimumWidth(220)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(column)
        outer.addStretch(3)

    def show_recent(self, urls: list[str]) -> None:
        """List these URLs, newest first, each as a button that connects."""
        while item := self._recent.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        self._recent_heading.setVisible(bool(urls))
        for url in urls[:MAX_SHOWN]:
            button = QPushButton(menu_text(url, MAX_URL_CHARACTERS))
            button.setToolTip(tooltip_text(url))
            button.setMinimumWidth(320)
            button.clicked.connect(lambda _checked=False, url=url: self._open_url(url))
            self._recent.addWidget(button, alignment=Qt.AlignmentFlag.AlignHCenter)


def _label(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
