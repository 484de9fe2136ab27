"""The settings dialog: theme, units, memory, notifications, connect at start, who may send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from ..core.memory import default_budget_bytes
from ..core.settings import LEAST_BUDGET_MIB
from .notifier import DesktopNotifier
from .theme import ThemeSwitch

if TYPE_CHECKING:
    from ..core.settings import Settings

THEMES = (("Follow the system", "system"), ("Dark", "dark"), ("Light", "light"))
TIMES = (("Local time", False), ("UTC", True))


class SettingsDialog(QDialog):
    """Edit the settings; they are taken over with OK only."""

    def __init__(self, parent: QWidget, settings: Settings, themes: ThemeSwitch) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self._settings = settings
        self._themes = themes
        self.theme = _choice(THEMES, settings.theme)
        self.times = _choice(TIMES, settings.utc)
        self.notifications = QCheckBox("Notify on the desktop when a run ends, fails or is lost")
        self.notifications.setChecked(settings.notifications)
        self.connect_at_start = QCheckBox("Connect to the producers of the last session at start")
        self.connect_at_start.setChecked(settings.connect_at_start)
        self.budget = _budget_box(settings.budget_mib)
        self.insecure = QCheckBox("Let other machines send to addresses that are bound here, without encryption")
        self.insecure.setChecked(settings.insecure)
        form = QFormLayout(self)
        form.setVerticalSpacing(10)
        form.addRow("Theme", self.theme)
        form.addRow("Times", self.times)
        form.addRow("Memory for data", self.budget)
        form.addRow(self.notifications)
        if not DesktopNotifier.way():
            form.addRow(QLabel("This desktop has no notification service; the banner in the window is always shown."))
        form.addRow(self.connect_at_start)
        form.addRow(self.insecure)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    def accept(self) -> None:
        """Take the choices over."""
        self._settings.theme = self.theme.currentData()
        self._settings.utc = self.times.currentData()
        self._settings.notifications = self.notifications.isChecked()
        self._settings.connect_at_start = self.connect_at_start.isChecked()
        value = self.budget.value()
        self._settings.budget_mib = None if value == self.budget.minimum() else value
        self._settings.insecure = self.insecure.isChecked()
        self._themes.choose(self._settings.theme)
        super().accept()


def _budget_box(budget_mib: int | None) -> QSpinBox:
    """Return a field for MiB whose lowest value, one below what is allowed, stands for the default."""
    box = QSpinBox()
    box.setRange(LEAST_BUDGET_MIB - 1, max(LEAST_BUDGET_MIB, psutil.virtual_memory().total // 2**20))
    box.setSingleStep(64)
    box.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
    box.setSuffix(" MiB")
    box.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
    box.setGroupSeparatorShown(True)
    box.setSpecialValueText(f"Automatic ({default_budget_bytes() // 2**20:,} MiB)")
    box.setToolTip("When it is used up, the oldest samples are thinned and the oldest rows and frames go")
    box.setAccessibleName("Memory for data in MiB")
    box.setValue(box.minimum() if budget_mib is None else budget_mib)
    return box


def _choice(options: tuple[tuple[str, object], ...], current: object) -> QComboBox:
    box = QComboBox()
    for text, value in options:
        box.addItem(text, value)
    box.setCurrentIndex(next((i for i, (_, value) in enumerate(options) if value == current), 0))
    return box
