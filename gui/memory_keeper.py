"""Keep the stores within the memory that the user set, also while nothing arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from ..core.hub import Hub
    from ..core.settings import Settings


class MemoryKeeper(QObject):
    """Hand the user's setting to the hub and let it free memory, a slice in each turn of the loop.

    Args:
        hub: which holds the stores. settings: of the user. parent: owner.
    """

    def __init__(self, hub: Hub, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._settings = settings
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._free_some)
        if settings.budget_mib is not None:
            self.apply()

    def apply(self) -> None:
        """Take over the setting; what is too much is freed from now on."""
        budget_mib = self._settings.budget_mib
        self._hub.budget_bytes = None if budget_mib is None else budget_mib * 2**20
        self._timer.start(0)

    def _free_some(self) -> None:
        if self._hub.enforce_budget():
            self._timer.start(0)
