"""The menus of the window, built from its actions."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar

from .dock_area import DockArea
from .dock_catalog import STANDING_KINDS


def fill_menu_bar(bar: QMenuBar, actions: dict[str, QAction], view: QMenu, layouts: QMenu) -> None:
    """Make the File, View, Run and Help menus."""
    file_menu = bar.addMenu("&File")
    _add(file_menu, actions, "connect", "disconnect", "demo", "", "screenshot", "settings", "", "quit")
    bar.addMenu(view)
    run_menu = bar.addMenu("&Run")
    _add(run_menu, actions, "pause", "resume", "stop")
    bar.addMenu(layouts)
    help_menu = bar.addMenu("&Help")
    _add(help_menu, actions, "shortcuts")


def fill_view_menu(menu: QMenu, actions: dict[str, QAction], docks: DockArea, new_dock: Callable[[str], None]) -> None:
    """List every dock with a tick, then what opens one more of a kind; those on demand come by their own actions."""
    menu.clear()
    for holder in docks.holders():
        if holder.widget().kind in STANDING_KINDS:
            menu.addAction(holder.toggleViewAction())
    menu.addSeparator()
    more = menu.addMenu("One more")
    for kind in STANDING_KINDS.values():
        more.addAction(kind.title, lambda kind=kind.kind: new_dock(kind))
    menu.addSeparator()
    _add(menu, actions, "devices", "performance", "", "freeze", "theme", "full_screen")


def fill_layouts_menu(
    menu: QMenu,
    actions: dict[str, QAction],
    names: list[str],
    *,
    open_layout: Callable[[str], object],
    save_layout: Callable[[], object],
    remove_layout: Callable[[str], object],
) -> None:
    """List the saved layouts, then save, remove, undo and reset."""
    menu.clear()
    for name in names:
        menu.addAction(_literal(name), lambda name=name: open_layout(name))
    if names:
        menu.addSeparator()
    menu.addAction("Save this layout…", save_layout)
    remove = menu.addMenu("Remove")
    remove.setEnabled(bool(names))
    for name in names:
        remove.addAction(_literal(name), lambda name=name: remove_layout(name))
    menu.addSeparator()
    _add(menu, actions, "undo_layout", "reset_layout")


def _add(menu: QMenu, actions: dict[str, QAction], *names: str) -> None:
    for name in names:
        if name:
            menu.addAction(actions[name])
        else:
            menu.addSeparator()


def _literal(text: str) -> str:
    """Show an ampersand as such instead of as a mnemonic."""
    return text.replace("&", "&&")
