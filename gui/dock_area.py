"""The area in which docks are dragged, tabbed, split, floated and hidden, and its layouts as JSON values.

A layout is ``{"docks": [{"name", "kind", "view"}…], "state": base64 of QtAds' own state}``. Docks are known by their
object name, "metrics-1"; the first of a kind is only hidden when closed, further ones go away.
"""

from __future__ import annotations

import base64
import logging
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import PySide6QtAds as ads
from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QAbstractButton, QWidget

from .default_layout import arrange, give_sizes, give_strip
from .dock import Dock, DockContext
from .dock_catalog import KINDS, STANDING_KINDS
from .icons import icon
from .theme import Theme

logger = logging.getLogger("dockscope.gui.dock_area")

Holder = Any  # ads.CDockWidget, the frame around a dock: QtAds brings no types

STATE_VERSION = 1
UNDO_DEPTH = 50
MAX_DOCKS = 64
# QtAds' names of its buttons.
BUTTON_ICONS = {
    "tabCloseButton": "close",
    "dockAreaCloseButton": "close",
    "detachGroupButton": "detach",
    "tabsMenuButton": "menu",
    "dockAreaMinimizeButton": "menu",
    "dockAreaAutoHideButton": "pin",
}
QT_LENGTH_BYTES = 4  # what qCompress writes before zlib's own bytes
SIZES = re.compile(rb"<(Sizes|Geometry)>[^<]*</\1>")


def configure_docking() -> None:
    """Set QtAds' options, which are global and must be set before the first manager is made."""
    flag = ads.CDockManager.eConfigFlag
    ads.CDockManager.setConfigFlags(ads.CDockManager.DefaultOpaqueConfig)
    for option, on in (
        # Without it a floating dock does not dock again on some window managers.
        (flag.FloatingContainerForceQWidgetTitleBar, True),
        (flag.DisableStylesheet, True),
        (flag.AlwaysShowTabs, True),
        (flag.TabCloseButtonIsToolButton, True),
        (flag.FocusHighlighting, False),
        (flag.DockAreaHasTabsMenuButton, False),
        # The tab has one; a second would take the room of the tabs in a narrow area.
        (flag.DockAreaHasCloseButton, False),
        (flag.EqualSplitOnInsertion, True),
        (flag.MiddleMouseButtonClosesTab, True),
        (flag.OpaqueSplitterResize, False),
    ):
        ads.CDockManager.setConfigFlag(option, on)
    ads.CDockManager.setAutoHideConfigFlags(ads.CDockManager.DefaultAutoHideConfig)


class DockArea(QObject):
    """Make, keep and arrange the docks of the window.

    Signals:
        docks_changed(): a dock was added or removed, or its title changed.
    """

    docks_changed = Signal()

    def __init__(self, parent: QWidget, context: DockContext) -> None:
        super().__init__(parent)
        self._context = context
        self.manager = ads.CDockManager(parent)
        self._holders: dict[str, Holder] = {}
        self._undo: list[dict[str, Any]] = []
        self._settled: dict[str, Any] | None = None
        self._busy = False
        self._wants_default_sizes = False
        self._settle_timer = QTimer(self)
        self._settle_timer.setSingleShot(True)
        self._settle_timer.setInterval(300)
        self._settle_timer.timeout.connect(self._on_settled)
        self.manager.installEventFilter(self)
        self.manager.dockAreasAdded.connect(self._settle_timer.start)
        self.manager.dockAreasRemoved.connect(self._settle_timer.start)
        self.set_theme(context.themes.current)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Give the default layout its sizes when it is first seen."""
        if event.type() == QEvent.Type.Show and self._wants_default_sizes:
            QTimer.singleShot(0, self, self._size_default)
        return super().eventFilter(watched, event)

    @property
    def widget(self) -> QWidget:
        return self.manager

    def docks(self) -> list[Dock]:
        """Return all docks, hidden ones included."""
        return [holder.widget() for holder in self._holders.values()]

    def dock(self, name: str) -> Dock:
        """Return a dock by its object name."""
        return self._holders[name].widget()

    def holders(self) -> list[Holder]:
        """Return the frames of all docks, whose ``toggleViewAction`` shows and hides them."""
        return list(self._holders.values())

    def show(self, kind: str) -> None:
        """Bring a dock of this kind to the front, opening it when it was closed."""
        holder = self._holders[f"{kind}-1"]
        holder.toggleView(True)
        holder.setAsCurrentTab()

    def is_open(self, kind: str) -> bool:
        """Tell whether the first dock of a kind is there and not closed."""
        holder = self._holders.get(f"{kind}-1")
        return holder is not None and not holder.isClosed()

    def toggle(self, kind: str) -> bool:
        """Open the dock of a kind on demand, or bring it to the front; close it when it is seen already.

        Returns:
            True when it is open now.
        """
        name = f"{kind}-1"
        holder = self._holders.get(name)
        if holder is None:
            holder = self._make(kind, name)
            give_strip(self.manager, self.manager.addDockWidget(ads.BottomDockWidgetArea, holder))
            self.docks_changed.emit()
        elif holder.isClosed() or not holder.widget().isVisible():
            self.show(kind)
        else:
            holder.toggleView(False)
        return not holder.isClosed()

    def add(self, kind: str, *, beside: str | None = None) -> Dock:
        """Open one more dock of a kind, as a tab of the area in which the last one of its kind is."""
        if len(self._holders) >= MAX_DOCKS:
            raise ValueError(f"there are {MAX_DOCKS} docks already: close one first")
        number = 1 + max((_number(name) for name in self._holders if _kind(name) == kind), default=0)
        neighbour = self._holders.get(beside) if beside else self._neighbour(kind)
        holder = self._make(kind, f"{kind}-{number}")
        area = neighbour.dockAreaWidget() if neighbour is not None and not neighbour.isClosed() else None
        self.manager.addDockWidget(ads.CenterDockWidgetArea, holder, area)
        self.docks_changed.emit()
        return holder.widget()

    def reset(self) -> None:
        """Arrange one dock of each kind in the default layout; data and view settings stay."""
        self._remember()
        self._busy = True
        try:
            for name in [n for n in self._holders if _number(n) > 1 or KINDS[_kind(n)].on_demand]:
                self._remove(name)
            self._arrange_default()
        finally:
            self._busy = False
        self.docks_changed.emit()

    def layout_state(self) -> dict[str, Any]:
        """Return docks, their view settings and their arrangement as JSON values."""
        docks = [
            {"name": name, "kind": _kind(name), "view": holder.widget().view_state()}
            for name, holder in self._holders.items()
        ]
        state = bytes(self.manager.saveState(STATE_VERSION).data())
        return {"docks": docks, "state": base64.b64encode(state).decode()}

    def restore_layout(self, layout: dict[str, Any]) -> bool:
        """Take over a layout; False when it is unusable, and then the default layout stands."""
        self._busy = True
        try:
            usable = self._restore(layout)
        finally:
            self._busy = False
        if not usable:
            logger.info("the saved layout is unusable, the default one is shown")
            self.reset()
        self._on_settled()
        self.docks_changed.emit()
        return usable

    def undo(self) -> bool:
        """Go back to the arrangement before the last change; False when there is none."""
        if not self._undo:
            return False
        layout = self._undo.pop()
        self._settled = None
        self.restore_layout(layout)
        return True

    def set_theme(self, theme: Theme) -> None:
        """Give QtAds' own buttons icons of the theme."""
        provider = self.manager.iconProvider()
        for place, name in (
            (ads.TabCloseIcon, "close"),
            (ads.DockAreaUndockIcon, "detach"),
            (ads.DockAreaMenuIcon, "menu"),
            (ads.DockAreaMinimizeIcon, "menu"),
            (ads.AutoHideIcon, "pin"),
        ):
            provider.registerCustomIcon(place, icon(name, theme))
        # The provider is asked for new buttons only.
        icons = {button: icon(name, theme) for button, name in BUTTON_ICONS.items()}
        for button in self.manager.window().findChildren(QAbstractButton):
            if button.objectName() in icons:
                button.setIcon(icons[button.objectName()])

    def _restore(self, layout: dict[str, Any]) -> bool:
        wanted = _valid_docks(layout)
        try:
            state = base64.b64decode(layout.get("state", ""), validate=True)
        except (ValueError, TypeError):
            return False
        if not wanted or not state:
            return False
        for name in [n for n in self._holders if n not in wanted and (_number(n) > 1 or KINDS[_kind(n)].on_demand)]:
            self._remove(name)
        for name, view in wanted.items():
            if name not in self._holders:
                self.manager.addDockWidget(ads.CenterDockWidgetArea, self._make(_kind(name), name))
            self.dock(name).adopt_view_state(view)
        for name in (f"{kind}-1" for kind in STANDING_KINDS):
            if name not in self._holders:  # a layout of a version without this kind: closed, the View menu opens it
                self.manager.addDockWidget(ads.CenterDockWidgetArea, self._make(_kind(name), name))
        return bool(self.manager.restoreState(state, STATE_VERSION))

    def _make(self, kind: str, name: str) -> Holder:
        dock = KINDS[kind].make(self._context)
        dock.setObjectName(f"view-{name}")
        number = _number(name)
        holder = ads.CDockWidget(self.manager, dock.label)
        holder.setObjectName(name)
        holder.setWidget(dock, ads.CDockWidget.eInsertMode.ForceNoScrollArea)
        holder.setMinimumSizeHintMode(ads.CDockWidget.eMinimumSizeHintMode.MinimumSizeHintFromContent)
        dock.title_changed.connect(holder.setWindowTitle)
        if number > 1:
            holder.closed.connect(lambda: self._on_closed(name))
        self._holders[name] = holder
        return holder

    def _on_closed(self, name: str) -> None:
        if not self._busy:
            QTimer.singleShot(0, self, lambda: self._remove(name))

    def _remove(self, name: str) -> None:
        holder = self._holders.pop(name, None)
        if holder is not None:
            holder.widget().dispose()
            self.manager.removeDockWidget(holder)
            holder.deleteLater()
            self.docks_changed.emit()

    def _neighbour(self, kind: str) -> Holder | None:
        same = [n for n in self._holders if _kind(n) == kind and not self._holders[n].isClosed()]
        return self._holders[same[-1]] if same else None

    def _arrange_default(self) -> None:
        for kind in STANDING_KINDS:
            if f"{kind}-1" not in self._holders:
                self._make(kind, f"{kind}-1")
        # Sizes hold only once the areas have been laid out, which they are when they are first seen.
        self._wants_default_sizes = True
        with self._unseen():
            arrange(self.manager, self._standing())

    @contextmanager
    def _unseen(self) -> Iterator[None]:
        """Hide all docks for a moment: of what is seen, each step of a rearrangement would be laid out and drawn."""
        if not self.manager.isVisible():
            yield
            return
        self.manager.hide()
        try:
            yield
        finally:
            self.manager.show()

    def _size_default(self) -> None:
        give_sizes(self.manager, self._standing())
        for name, holder in self._holders.items():  # those that were opened before the others were seen
            if KINDS[_kind(name)].on_demand and not holder.isClosed():
                give_strip(self.manager, holder.dockAreaWidget())
        self._wants_default_sizes = False
        self._on_settled()

    def _standing(self) -> dict[str, Holder]:
        return {kind: self._holders[f"{kind}-1"] for kind in STANDING_KINDS}

    def _remember(self) -> None:
        if self._holders and not self._busy:
            self._undo = [*self._undo, self.layout_state()][-UNDO_DEPTH:]
            self._settled = None

    def _on_settled(self) -> None:
        """Keep the arrangement before a change that the user made with the mouse."""
        if self._busy:
            return
        layout = self.layout_state()
        if self._settled is not None and _structure(self._settled) != _structure(layout):
            self._undo = [*self._undo, self._settled][-UNDO_DEPTH:]
        self._settled = layout


def _structure(layout: dict[str, Any]) -> bytes:
    """Return QtAds' own XML without sizes, which also change with the window."""
    state = base64.b64decode(layout["state"])
    xml = state if state.startswith(b"<") else zlib.decompress(state[QT_LENGTH_BYTES:])
    return SIZES.sub(b"", xml)


def _kind(name: str) -> str:
    return name.rpartition("-")[0]


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])


def _is_name(name: str) -> bool:
    """Tell whether this is a name as ``DockArea`` gives it, in the one spelling that it has."""
    number, kind = name.rpartition("-")[2], KINDS.get(_kind(name))
    if kind is None or (kind.on_demand and number != "1"):
        return False
    return re.fullmatch("[1-9][0-9]{0,5}", number) is not None


def _valid_docks(layout: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return view settings by dock name; docks of unknown kinds or names are left out."""
    wanted: dict[str, dict[str, Any]] = {}
    docks = layout.get("docks")
    for dock in docks[:MAX_DOCKS] if isinstance(docks, list) else []:
        name = dock.get("name") if isinstance(dock, dict) else None
        if isinstance(name, str) and _is_name(name):
            view = dock.get("view")
            wanted[name] = view if isinstance(view, dict) else {}
    return wanted
