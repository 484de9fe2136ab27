"""The settings dialog: choices are taken over with OK only."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QDialogButtonBox, QWidget

from dockscope.gui.settings_dialog import SettingsDialog
from dockscope.gui.theme import ThemeSwitch


@pytest.fixture
def themes(qtbot):
    themes = ThemeSwitch("dark")
    themes.apply()
    return themes


@pytest.fixture
def dialog(qtbot, settings, themes):
    settings.theme = "dark"
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = SettingsDialog(parent, settings, themes)
    dialog.show()
    yield dialog
    parent.close()


def press(dialog, which):
    dialog.findChild(QDialogButtonBox).button(which).click()


def change_all(dialog):
    dialog.theme.setCurrentIndex(dialog.theme.findData("light"))
    dialog.times.setCurrentIndex(dialog.times.findData(True))
    dialog.notifications.click()
    dialog.connect_at_start.click()
    dialog.budget.setValue(512)
    dialog.insecure.click()


def test_it_shows_the_settings_there_are(dialog, settings):
    """Theme, times, memory and both ticks as they are."""
    assert dialog.budget.text().startswith("Automatic")
    assert dialog.theme.currentData() == "dark"
    assert dialog.times.currentData() is False
    assert dialog.notifications.isChecked() == settings.notifications
    assert not dialog.connect_at_start.isChecked()


def test_ok_takes_everything_over(dialog, settings, themes):
    """All choices reach the settings, and the theme is in force at once."""
    change_all(dialog)
    press(dialog, QDialogButtonBox.StandardButton.Ok)
    assert settings.insecure
    assert (settings.theme, settings.utc, settings.notifications, settings.connect_at_start) == (
        "light",
        True,
        True,
        True,
    )
    assert themes.current.name == "light"
    assert settings.budget_mib == 512


def test_cancel_takes_nothing_over(dialog, settings, themes):
    """Nothing changes before OK."""
    change_all(dialog)
    press(dialog, QDialogButtonBox.StandardButton.Cancel)
    assert (settings.theme, settings.utc, settings.notifications, settings.connect_at_start) == (
        "dark",
        False,
        False,
        False,
    )
    assert themes.current.name == "dark"
    assert settings.budget_mib is None


def test_settings_survive_a_restart(dialog, settings):
    """What was chosen is read back from the file."""
    change_all(dialog)
    press(dialog, QDialogButtonBox.StandardButton.Ok)
    settings.save()
    again = type(settings)(settings.path)
    assert again.load() == ""
    assert (again.theme, again.utc, again.notifications, again.connect_at_start) == ("light", True, True, True)
    assert again.budget_mib == 512


def test_the_default_memory_can_be_chosen_again(dialog, settings):
    """The lowest step of the memory field means the default."""
    settings.budget_mib = 512
    dialog.budget.setValue(dialog.budget.minimum())
    press(dialog, QDialogButtonBox.StandardButton.Ok)
    assert settings.budget_mib is None
