"""The dialog that looks for instruments: what a VISA library lists, and who each is."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from .awaited import Awaited, in_thread
from .plain_text import one_line, tooltip_text

if TYPE_CHECKING:
    from ..devices.scan import FoundResource

LIMIT_S = 10.0
LOOK_EVERY_MS = 100
SIZE_PX = (640, 360)
USUAL_LIBRARY = "@py"
ADDRESS = Qt.ItemDataRole.UserRole
NONE = (
    "Nothing was found. An instrument on the network is added by its address, such as TCPIP::192.168.0.5::5025::SOCKET."
)


class ScanDialog(QDialog):
    """List the resources of a VISA library; the looking is done by threads and may be given up.

    Args:
        parent: owner. library: that is asked first.

    Signals:
        chosen(str, str): address of the resource that is to be added, and the VISA library that found it.
    """

    chosen = Signal(str, str)

    def __init__(self, parent: QWidget, library: str = USUAL_LIBRARY) -> None:
        super().__init__(parent)
        self.setWindowTitle("Scan for instruments")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*SIZE_PX)
        self.library = QLineEdit(library)
        self.library.setAccessibleName("VISA library")
        self.library.setToolTip("@py for pyvisa-py, the path of a vendor's library, or FILE@sim")
        self.scan_button = QPushButton("Scan again")
        self.progress = QProgressBar()
        self.progress.setRange(0, round(1000 * LIMIT_S))
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.found = QTreeWidget()
        self.found.setHeaderLabels(["Address", "Identity"])
        self.found.setRootIsDecorated(False)
        self.found.setUniformRowHeights(True)
        self.found.setAccessibleName("Instruments found")
        self.found.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.found.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.told = QLabel()
        self.told.setTextFormat(Qt.TextFormat.PlainText)
        self.told.setWordWrap(True)
        self.add_button = QPushButton("Add…")
        self.add_button.setDefault(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.buttons.addButton(self.add_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self._scan: Awaited | None = None
        self._begun_s = 0.0
        self._clock = QTimer(self)
        self._clock.setInterval(LOOK_EVERY_MS)
        self._wire()
        self._lay_out()
        self.start()

    def start(self) -> None:
        """Begin to look, anew when it was looking already."""
        self.cancel()
        self.found.clear()
        self.add_button.setEnabled(False)
        library = self.library.text().strip() or USUAL_LIBRARY
        self._begun_s = time.monotonic()
        self._scan = Awaited(self, in_thread(lambda: _scan(library), "scan"), self._on_done)
        self.scan_button.setText("Cancel")
        self.told.setText(f"Looking for instruments, {LIMIT_S:g} s at most…")
        self._clock.start()

    def cancel(self) -> None:
        """Give up looking; the threads end by themselves."""
        if self._scan is not None:
            self._scan.cancel()
            self._end("Cancelled.")

    def done(self, result: int) -> None:
        """Close the dialog."""
        self.cancel()
        super().done(result)

    def _on_done(self, scanned: Future[list[FoundResource]]) -> None:
        error: Any = scanned.exception()
        if isinstance(error, ModuleNotFoundError):
            self._end("Scanning needs pyvisa: pip install 'dockscope[devices]'")
        elif error is not None:
            self._end(one_line(f"Not scanned: {error}"))
        else:
            self._show(scanned.result())

    def _show(self, resources: list[FoundResource]) -> None:
        for resource in resources:
            item = QTreeWidgetItem([one_line(resource.address), one_line(resource.identity or resource.note)])
            item.setData(0, ADDRESS, resource.address)
            item.setToolTip(1, tooltip_text(resource.identity or resource.note))
            if not resource.identity:
                item.setForeground(1, self.palette().placeholderText())
            self.found.addTopLevelItem(item)
        number = len(resources)
        self._end(f"{number} resource{'s' if number > 1 else ''} found." if number else NONE)
        if (first := self.found.topLevelItem(0)) is not None:
            self.found.setCurrentItem(first)
            self.found.setFocus()

    def _end(self, sentence: str) -> None:
        self._scan = None
        self._clock.stop()
        self.progress.setValue(0)
        self.scan_button.setText("Scan again")
        self.told.setText(sentence)

    def _on_button(self) -> None:
        if self._scan is None:
            self.start()
        else:
            self.cancel()

    def _add(self) -> None:
        if (item := self.found.currentItem()) is not None:
            self.chosen.emit(item.data(0, ADDRESS), self.library.text().strip() or USUAL_LIBRARY)
            self.accept()

    def _wire(self) -> None:
        self._clock.timeout.connect(
            lambda: self.progress.setValue(round(1000 * min(LIMIT_S, time.monotonic() - self._begun_s)))
        )
        self.scan_button.clicked.connect(self._on_button)
        self.library.returnPressed.connect(self.start)
        self.add_button.clicked.connect(self._add)
        self.buttons.rejected.connect(self.reject)
        self.found.itemActivated.connect(lambda *_: self._add())
        self.found.currentItemChanged.connect(lambda item, _: self.add_button.setEnabled(item is not None))

    def _lay_out(self) -> None:
        self.scan_button.setAutoDefault(False)
        row = QHBoxLayout()
        label = QLabel("VISA library")
        label.setBuddy(self.library)
        row.addWidget(label)
        row.addWidget(self.library, 1)
        row.addWidget(self.scan_button)
        column = QVBoxLayout(self)
        column.addLayout(row)
        column.addWidget(self.progress)
        column.addWidget(self.found, 1)
        column.addWidget(self.told)
        column.addWidget(self.buttons)


def _scan(library: str) -> list[FoundResource]:
    from ..devices.scan import scan  # which loads pyvisa

    return scan(library, limit_s=LIMIT_S)
