"""The Devices dock: what belongs to it is loaded by a thread when it has been seen."""

from __future__ import annotations

import importlib
import importlib.util
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QAction, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout

from .awaited import Awaited, in_thread
from .dock import Dock, DockContext
from .theme import Theme

if TYPE_CHECKING:
    from ..core.hub import Change
    from .device_panel import DevicePanel

LOADING = "Loading what instruments need…"


class DevicesDock(Dock):
    """List the instruments of this computer, and steer them."""

    kind = "devices"
    title = "Devices"

    def __init__(self, context: DockContext) -> None:
        super().__init__(context)
        self.panel: DevicePanel | None = None
        self._loading: Awaited | None = None
        self._view: dict[str, Any] = {}
        self._column = QVBoxLayout(self.body)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.set_empty(LOADING)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.panel is None and self._loading is None:  # not earlier: the window's first paint does not wait for it
            self._loading = Awaited(self, in_thread(_load, "devices"), self._on_loaded)

    def concerns(self, change: Change) -> bool:
        return False

    def refresh(self, changes: set[Change] | None) -> None:
        """Show all anew when the dock is seen again; the rest is for reading, four times a second."""
        self.refresh_text()

    def refresh_text(self) -> None:
        if self.panel is not None:
            self.panel.refresh()

    def apply_theme(self, theme: Theme) -> None:
        if self.panel is not None:
            self.panel.apply_theme(theme)

    def view_state(self) -> dict[str, Any]:
        return self.panel.view_state() if self.panel is not None else self._view

    def restore_view_state(self, state: dict[str, Any]) -> None:
        self._view = dict(state)
        if self.panel is not None:
            self.panel.restore_view_state(state)

    def clear_data(self) -> None:
        """Forget what was said in the console; data of devices are cleared where they are shown."""
        if self.panel is not None:
            self.panel.console.clear()

    def csv(self) -> str | None:
        return self.panel.table.csv() if self.panel is not None else ""

    def menu_actions(self) -> list[QAction]:
        return self.panel.menu_actions() if self.panel is not None else []

    def _on_loaded(self, loaded: Future[tuple[dict[str, Any], bool]]) -> None:
        from .device_panel import DevicePanel

        kinds, has_visa = loaded.result()
        self.panel = DevicePanel(self.context, kinds=kinds, has_visa=has_visa)
        self.panel.menu_wanted.connect(self._show_menu)
        self._column.addWidget(self.panel)
        self.adopt_view_state(self._view)
        self.set_empty(None)
        self.panel.refresh()

    def _show_menu(self, position: Any) -> None:
        menu = self.context_menu()
        menu.popup(position)


def _load() -> tuple[dict[str, Any], bool]:
    """Import what belongs to devices; return their kinds, and whether instruments can be reached through VISA."""
    for module in ("source", "bench_file"):
        importlib.import_module(f"..devices.{module}", __package__)
    catalog = importlib.import_module("..devices.catalog", __package__)
    return catalog.kinds(), importlib.util.find_spec("pyvisa") is not None
