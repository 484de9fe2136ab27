"""What is in the Devices dock: the commands, the table, the console, and what stands there when there is no device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ..devices.spec import DeviceSpec
from .action_row import ActionRow
from .device_actions import make_device_actions
from .device_bench import DeviceBench
from .device_console import DeviceConsole
from .device_dialog import ADD_VISA, DeviceDialog
from .device_model import DeviceModel
from .device_orders import POSSIBLE, DeviceOrders
from .device_row import DeviceRow, device_row, spec_of
from .device_table import DeviceTable
from .device_urls import is_device_url
from .plain_text import one_line
from .scan_dialog import ScanDialog
from .theme import Theme

if TYPE_CHECKING:
    from ..core.hub import Producer
    from ..devices.device_kind import DeviceKind
    from .dock import DockContext

MULTIMETER = DeviceSpec(id="multimeter", kind="sim", name="voltage", unit="V", params={"model": "multimeter"})
EMPTY = "No instruments yet.\nAdd one by its VISA address, or try a simulated one: it measures, drifts and can fail."
MAX_LOGGED = 120
SHARES = (3, 1)  # of the width, for table and console


class DevicePanel(QWidget):
    """Show every device of the window and offer what can be asked of it.

    Args:
        context: of the dock. kinds: of devices, by name. has_visa: whether pyvisa is installed.

    Signals:
        menu_wanted(QPoint): the context menu is asked for at this place of the screen.
    """

    menu_wanted = Signal(QPoint)

    def __init__(self, context: DockContext, *, kinds: Mapping[str, DeviceKind], has_visa: bool) -> None:
        super().__init__()
        self._context, self._kinds, self._has_visa = context, kinds, has_visa
        self.orders = DeviceOrders(context.hub, context.actions, context.tell)
        self.bench = DeviceBench(
            self, devices=self.specs, add=self.orders.add, change=self.orders.change, tell=context.tell
        )
        self.model = DeviceModel(context.themes.current, self)
        self.table = DeviceTable(self.model)
        self.console = DeviceConsole(context.themes.current)
        self.actions_by_name = make_device_actions(self)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.pages = QStackedWidget()
        self._wire()
        self._lay_out()
        self._enable()

    # what the dock asks

    def refresh(self) -> None:
        """Bring rows, console and commands up to date; only cells that changed are painted."""
        producers = [p for p in self._context.hub.producers.values() if is_device_url(p.url)]
        self.model.show_rows([self._row(producer) for producer in producers])
        self.pages.setCurrentIndex(1 if producers else 0)
        self._enable()

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours of a theme."""
        self.model.set_theme(theme)
        self.console.set_theme(theme)

    def view_state(self) -> dict[str, Any]:
        """Return the view's settings as JSON values."""
        return {"console": self.actions_by_name["console"].isChecked()}

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take over settings from ``view_state``."""
        self.actions_by_name["console"].setChecked(state.get("console") is not False)

    def menu_actions(self) -> list[QAction]:
        """Return all commands, and copying."""
        return list(self.actions_by_name.values())

    def specs(self) -> dict[str, DeviceSpec]:
        """Return how each device is described, by the key of its producer."""
        urls = {key: p.url for key, p in self._context.hub.producers.items() if is_device_url(p.url)}
        described = {key: self._spec(key, url) for key, url in urls.items()}
        return {key: spec for key, spec in described.items() if spec is not None}

    # what the user does

    def ask_add(self) -> None:
        """Ask for a device to add."""
        self._open_dialog(None).open()

    def ask_scan(self) -> None:
        """Look for instruments, of which one can be added."""
        dialog = ScanDialog(self)
        dialog.chosen.connect(self._add_found)
        dialog.open()

    def try_simulated(self) -> None:
        """Add the simulated multimeter."""
        self.orders.add(MULTIMETER)

    def ask_edit(self) -> None:
        """Ask how the chosen device is to be."""
        for row in self.table.selected()[:1]:
            if row.spec is None:
                return
            dialog = self._open_dialog(row.spec, key=row.key)
            dialog.show_spec(row.spec, title=f"Edit {row.spec.id}", button="Change")
            dialog.open()

    def ask_remove(self) -> None:
        """Remove the chosen devices with their data, once the user has confirmed it."""
        rows = self.table.selected()
        if not rows:
            return
        names = one_line(rows[0].name, 60) if len(rows) == 1 else f"{len(rows)} devices"
        box = QMessageBox(self)
        box.setWindowTitle("Remove")
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"Remove {names} and all data kept of {'it' if len(rows) == 1 else 'them'}?")
        remove = box.addButton("Remove", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(remove)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.accepted.connect(lambda: self._remove([row.key for row in rows]))
        box.open()

    def copy(self) -> None:
        """Put the chosen rows on the clipboard."""
        if count := self.table.copy():
            self._context.tell(f"Copied {count} row{'s' if count > 1 else ''}")

    def _give(self, order: str) -> None:
        self.orders.give(order, self.table.selected())
        self.refresh()

    def _remove(self, keys: list[str]) -> None:
        for key in keys:
            self._context.actions["forget"](key)
            self.console.forget(key)

    def _add_found(self, address: str, library: str) -> None:
        params = {"address": address} | ({} if library == "@py" else {"visa_library": library})
        dialog = self._open_dialog(None)
        dialog.show_address(params)
        dialog.open()

    def _open_dialog(self, spec: DeviceSpec | None, key: str = "") -> DeviceDialog:
        dialog = DeviceDialog(
            self,
            kinds=self._kinds,
            taken=[other.id for other_key, other in self.specs().items() if other_key != key],
            probe=self._context.actions["probe"],
            theme=self._context.themes.current,
            has_visa=self._has_visa,
        )
        if spec is None:
            dialog.described.connect(self.orders.add)
        else:
            dialog.described.connect(lambda changed: changed != spec and self.orders.change(key, changed))
        return dialog

    # what is shown

    def _row(self, producer: Producer) -> DeviceRow:
        return device_row(producer, self.orders.instrument(producer.key))

    def _spec(self, key: str, url: str) -> DeviceSpec | None:
        instrument = self.orders.instrument(key)
        return spec_of(url) if instrument is None else instrument.spec

    def _enable(self) -> None:
        rows = self.table.selected()
        for name in POSSIBLE:
            self._set_enabled(name, any(row.state in POSSIBLE[name] for row in rows if row.spec is not None))
        for name in ("rate", "edit", "remove", "copy"):
            self._set_enabled(name, bool(rows))
        self._set_enabled("save", bool(self.model.rows))
        one = rows[0] if len(rows) == 1 else None
        self.console.show_device(
            one.key if one else "", one.name if one else "", self.orders.instrument(one.key) if one else None
        )

    def _set_enabled(self, name: str, enabled: bool) -> None:
        action = self.actions_by_name[name]
        if action.isEnabled() is not enabled:
            action.setEnabled(enabled)

    def _on_exchanged(self, key: str, command: str, answer: str, is_good: bool) -> None:
        arrow = "→" if is_good else "✕"
        said = f"{one_line(command, MAX_LOGGED)} {arrow} {one_line(answer, MAX_LOGGED)}"
        self._context.actions["note"](key, "info" if is_good else "warning", said)

    # how it is made

    def _wire(self) -> None:
        actions = self.actions_by_name
        for name, slot in (
            ("add", self.ask_add),
            ("scan", self.ask_scan),
            ("rate", self.table.edit_rate),
            ("edit", self.ask_edit),
            ("remove", self.ask_remove),
            ("open", self.bench.ask_open),
            ("save", self.bench.ask_save),
            ("copy", self.copy),
        ):
            actions[name].triggered.connect(slot)
        for name in POSSIBLE:
            actions[name].triggered.connect(lambda _=False, order=name: self._give(order))
        self.table.addActions([action for action in actions.values() if not action.shortcut().isEmpty()])
        actions["console"].toggled.connect(self.console.setVisible)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(
            lambda at: self.menu_wanted.emit(self.table.viewport().mapToGlobal(at))
        )
        self.table.chosen.connect(self._enable)
        self.model.rate_typed.connect(self._on_rate_typed)
        self.console.exchanged.connect(self._on_exchanged)

    def _on_rate_typed(self, key: str, typed: str) -> None:
        row = next((row for row in self.model.rows if row.key == key), None)
        if row is not None:
            self.orders.set_rate(row, typed)
            self.refresh()

    def _lay_out(self) -> None:
        shown = ("add", "scan", *POSSIBLE, "console", "edit", "remove", "open", "save")
        top = QHBoxLayout()
        top.setContentsMargins(6, 3, 6, 2)
        top.addWidget(ActionRow([self.actions_by_name[name] for name in shown]))
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        for part, share in zip((self.table, self.console), SHARES, strict=True):
            self.splitter.addWidget(part)
            self.splitter.setStretchFactor(self.splitter.count() - 1, share)
        self.splitter.setSizes([1000 * share for share in SHARES])
        self.pages.addWidget(self._empty_page())
        self.pages.addWidget(self.splitter)
        hint = _label(ADD_VISA)
        hint.setContentsMargins(8, 2, 8, 4)
        hint.setVisible(not self._has_visa)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.pages, 1)
        column.addWidget(hint)

    def _empty_page(self) -> QWidget:
        page = QWidget()
        self.add_button, self.try_button = QPushButton("Add a device…"), QPushButton("Try a simulated multimeter")
        self.add_button.clicked.connect(self.ask_add)
        self.try_button.clicked.connect(self.try_simulated)
        sentence = _label(EMPTY)
        sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.add_button)
        buttons.addWidget(self.try_button)
        buttons.addStretch(1)
        column = QVBoxLayout(page)
        column.addStretch(1)
        column.addWidget(sentence)
        column.addLayout(buttons)
        column.addStretch(1)
        return page


def _label(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
