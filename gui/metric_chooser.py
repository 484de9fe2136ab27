"""The list from which the shown metrics are chosen; it drops down from a button."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from .metrics_options import ALL, FIT
from .plain_text import one_line

ROWS_SHOWN = 14
ROWS_AT_ONCE = 250  # made in one turn of the loop: thousands of names must not hold up the window


class MetricChooser(QFrame):
    """A popup with a search line and a tick for each metric.

    Signals:
        chosen(object): "fit", "all", or a list of names.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._fit = QRadioButton("As many as there is room for")
        self._all = QRadioButton("All (scrolls)")
        self._some = QRadioButton("Those ticked")
        self._modes = QButtonGroup(self)
        self._left: list[tuple[str, bool]] = []  # names not yet in the list, the last one first, and their ticks
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._add_some)
        self._search = QLineEdit()
        self._search.setPlaceholderText("Find a metric")
        self._search.setAccessibleName("Find a metric")
        self._search.setClearButtonEnabled(True)
        self._list = QListWidget()
        self._list.setAccessibleName("Metrics")
        self._list.setUniformItemSizes(True)
        self._list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(5)
        for button in (self._fit, self._all, self._some):
            self._modes.addButton(button)
            layout.addWidget(button)
        layout.addWidget(self._search)
        layout.addWidget(self._list)
        self._modes.buttonClicked.connect(lambda _button: self._tell())
        self._search.textChanged.connect(self._filter)
        self._list.itemChanged.connect(self._on_ticked)
        self._list.itemActivated.connect(self._on_activated)

    def open_below(self, anchor: QWidget, names: Sequence[str], shown: Sequence[str], mode: str | list[str]) -> None:
        """Show the list below a widget.

        Args:
            anchor: the button. names: all metrics. shown: those visible now. mode: the present choice.
        """
        {FIT: self._fit, ALL: self._all}.get(mode if isinstance(mode, str) else "", self._some).setChecked(True)
        ticked = set(mode) if isinstance(mode, list) else set(shown)
        self._list.blockSignals(True)
        self._list.clear()
        self._list.blockSignals(False)
        self._search.clear()
        self._left = [(name, name in ticked) for name in reversed(names)]
        self._add_some()
        row_px = max(self._list.sizeHintForRow(0), self.fontMetrics().height() + 4)
        self._list.setFixedHeight(row_px * min(max(len(names), 1), ROWS_SHOWN) + 6)
        self.setFixedWidth(270)
        self.adjustSize()
        self.move(self._place(anchor))
        self.show()
        self._search.setFocus()

    def names(self) -> list[str]:
        """Return the names that are ticked, those not yet in the list included."""
        items = (self._list.item(row) for row in range(self._list.count()))
        listed = [i.data(Qt.ItemDataRole.UserRole) for i in items if i.checkState() == Qt.CheckState.Checked]
        return listed + [name for name, is_ticked in reversed(self._left) if is_ticked]

    def _add_some(self) -> None:
        """Add the next names to the list, and come back for the rest."""
        wanted = self._search.text().casefold()
        self._list.blockSignals(True)
        for _ in range(min(ROWS_AT_ONCE, len(self._left))):
            name, is_ticked = self._left.pop()
            item = QListWidgetItem(one_line(name), self._list)
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if is_ticked else Qt.CheckState.Unchecked)
            if wanted not in name.casefold():
                item.setHidden(True)
        self._list.blockSignals(False)
        if self._left:
            self._rest.start(0)

    def _place(self, anchor: QWidget) -> QPoint:
        below = anchor.mapToGlobal(QPoint(0, anchor.height() + 2))
        screen = anchor.screen().availableGeometry()
        return QPoint(
            max(screen.left(), min(below.x(), screen.right() - self.width())),
            max(screen.top(), min(below.y(), screen.bottom() - self.height())),
        )

    def _filter(self, text: str) -> None:
        for row in range(self._list.count()):
            item = self._list.item(row)
            item.setHidden(text.casefold() not in item.data(Qt.ItemDataRole.UserRole).casefold())

    def _on_activated(self, item: QListWidgetItem) -> None:
        on = item.checkState() == Qt.CheckState.Checked
        item.setCheckState(Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)

    def _on_ticked(self, _item: QListWidgetItem) -> None:
        self._some.setChecked(True)
        self._tell()

    def _tell(self) -> None:
        mode = FIT if self._fit.isChecked() else ALL if self._all.isChecked() else self.names()
        self.chosen.emit(mode)
