"""The window: menus, toolbar, bands, docks and status bar around one hub. Wiring, not logic."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QFileDialog,
    QInputDialog,
    QMainWindow,
    QMenu,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ..core.run_control import Command
from .actions import make_actions, paint_icons
from .banner import EventBanner, FreezeBand
from .dock import DockContext
from .dock_area import DockArea
from .frame_clock import FrameClock
from .icons import application_icon
from .memory_keeper import MemoryKeeper
from .menus import fill_layouts_menu, fill_menu_bar, fill_view_menu
from .notifier import DesktopNotifier, Event, EventWatch
from .plain_text import one_line
from .sources import Sources
from .status_bar import WindowStatusBar
from .theme import Theme, ThemeSwitch
from .toolbar import RunToolbar, refusal
from .welcome import Welcome

if TYPE_CHECKING:
    from ..core.dialects.base import ProbeResult
    from ..core.discovery import LocalProducer
    from ..core.hub import Hub
    from ..core.settings import Settings

DEFAULT_SIZE_PX = (1600, 1000)
MAX_LAYOUT_NAME = 40
FRAME_PX = 40
MAX_SENTENCE = 140


class MainWindow(QMainWindow):
    """Show the docks and let the user steer producers.

    Signals:
        painted(): the window has been painted for the first time.
        closed(): the user closed the window; its state is in the settings.
        demo_wanted(): start the bundled producers.
    """

    painted = Signal()
    closed = Signal()
    demo_wanted = Signal()

    def __init__(
        self,
        *,
        hub: Hub,
        sources: Sources,
        settings: Settings,
        themes: ThemeSwitch,
        clock: FrameClock,
        probe: Callable[[str], Awaitable[ProbeResult]],
        find_local: Callable[[], list[LocalProducer]],
    ) -> None:
        super().__init__()
        self.setWindowTitle("dockscope")
        self.setWindowIcon(application_icon())
        self._hub, self._sources, self._settings = hub, sources, settings
        self._themes, self._clock = themes, clock
        self._probe, self._find_local = probe, find_local
        self.window_actions = make_actions(self, themes.current)
        self._layouts_menu, self._view_menu = QMenu("&Layouts", self), QMenu("&View", self)
        self.toolbar = RunToolbar(hub, self.window_actions, themes, self._layouts_menu)
        self.addToolBar(self.toolbar)
        self._memory = MemoryKeeper(hub, settings, self)
        self.status = WindowStatusBar(hub, clock)
        self.setStatusBar(self.status)
        self.banner, self.freeze_band = EventBanner(themes), FreezeBand(themes, clock)
        self.welcome = Welcome(
            self.demo_wanted.emit, self.ask_connect, self.connect_url, self.window_actions["devices"].trigger
        )
        self._pages = QStackedWidget(self)
        self.docks = DockArea(self._pages, self._dock_context())
        self._expects_producers = self._was_painted = False
        self._watch, self.notifier = EventWatch(hub), DesktopNotifier(settings)
        self._lay_out()
        self._wire()

    def _dock_context(self) -> DockContext:
        return DockContext(
            hub=self._hub,
            settings=self._settings,
            themes=self._themes,
            clock=self._clock,
            tell=self.status.tell,
            actions={
                "connect": self.ask_connect,
                "connect_url": self.connect_url,
                "note": self._sources.note,
                "probe": self._probe,
                "respell": self._sources.respell,
                "source": self._sources.source,
                "disconnect_key": self._sources.disconnect_key,
                "forget": self._sources.forget,
                "target": self.toolbar.choose_target,
                "send": self._sources.send,
            },
        )

    def _lay_out(self) -> None:
        centre = QWidget(self)
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._pages.addWidget(self.docks.widget)
        self._pages.addWidget(self.welcome)
        for part in (self.freeze_band, self.banner):
            column.addWidget(part)
        column.addWidget(self._pages, 1)
        self.setCentralWidget(centre)
        # Otherwise the first button has the focus at the start, and Space would press it.
        centre.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        centre.setFocus()
        fill_menu_bar(self.menuBar(), self.window_actions, self._view_menu, self._layouts_menu)
        self.resize(*DEFAULT_SIZE_PX)

    def _wire(self) -> None:
        for name, slot in (
            ("connect", self.ask_connect),
            ("disconnect", self._disconnect_targets),
            ("demo", self.demo_wanted.emit),
            ("pause", lambda: self.command(Command.PAUSE)),
            ("resume", lambda: self.command(Command.RESUME)),
            ("stop", self._ask_stop),
            ("screenshot", self._ask_screenshot),
            ("reset_layout", self.docks.reset),
            ("undo_layout", self._undo_layout),
            ("theme", self._toggle_theme),
            ("settings", self._edit_settings),
            ("shortcuts", self._show_shortcuts),
            ("performance", partial(self._toggle_dock, "performance")),
            ("devices", partial(self._toggle_dock, "devices")),
            ("full_screen", self._toggle_full_screen),
            ("quit", self.close),
        ):
            self.window_actions[name].triggered.connect(slot)
        self._wire_freeze()
        self._themes.changed.connect(self._on_theme)
        self._clock.ticked.connect(self._on_frame)
        self._clock.text_ticked.connect(self._on_change)
        self._sources.changed.connect(self._on_sources)
        self._watch.happened.connect(self._on_event)
        self._view_menu.aboutToShow.connect(
            lambda: fill_view_menu(self._view_menu, self.window_actions, self.docks, self._new_dock)
        )
        self._layouts_menu.aboutToShow.connect(self._fill_layouts)
        self._fill_layouts()
        self._on_sources()

    def _wire_freeze(self) -> None:
        action = self.window_actions["freeze"]
        action.toggled.connect(self._clock.set_frozen)
        self._clock.freeze_changed.connect(action.setChecked)

    def event(self, event: QEvent) -> bool:
        """Tell the clock how long painting takes; leave Space, which freezes, to a button that has the focus."""
        if event.type() is QEvent.Type.UpdateRequest:
            started = time.perf_counter()
            done = super().event(event)
            self._clock.painted(time.perf_counter() - started)
            return done
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride:
            plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
            if plain and event.key() == Qt.Key.Key_Space and isinstance(QApplication.focusWidget(), QAbstractButton):
                event.accept()
                return True
        return super().event(event)

    # what the user does

    def ask_connect(self) -> None:
        """Open the Connect dialog."""
        from .connect_dialog import ConnectDialog  # dialogs are imported when they are opened

        dialog = ConnectDialog(
            self,
            themes=self._themes,
            recent=list(self._settings.recent_urls),
            find_local=self._find_local,
            probe=self._probe,
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted_url.connect(self.connect_url)
        dialog.open()

    def connect_url(self, url: str, name: str | None = None) -> None:
        """Connect to a URL, or say why it cannot be."""
        try:
            self._sources.connect_url(url, name)
        except ValueError as error:
            self._hub.problem("", "address", str(error))
            self.banner.tell(one_line(str(error), MAX_SENTENCE), "error", "Connect…", self.ask_connect)

    def command(self, command: Command) -> None:
        """Send a command to those targets that can take it now."""
        keys = [p.key for p in self.toolbar.targets() if refusal(command, p) is None]
        self._sources.send(keys, command.value)
        self.toolbar.update_state()

    def _ask_stop(self) -> None:
        targets = [p for p in self.toolbar.targets() if refusal(Command.STOP, p) is None]
        if not targets:
            return
        names = one_line(targets[0].name, 60) if len(targets) == 1 else f"{len(targets)} producers"
        box = QMessageBox(self)
        box.setWindowTitle("Stop")
        box.setIcon(QMessageBox.Icon.Warning)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"Stop {names}?")
        box.setInformativeText("The run ends at its next checkpoint and cannot be resumed.")
        stop = box.addButton("Stop the run", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(stop)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        keys = [p.key for p in targets]
        # The runs that were asked about are meant, whatever starts on their URLs meanwhile.
        runs = {p.key: p.run_index for p in targets}
        box.accepted.connect(lambda: self._stop(keys, runs))
        box.open()

    def _stop(self, keys: list[str], runs: dict[str, int]) -> None:
        producers = self._hub.producers
        same = [key for key in keys if key in producers and producers[key].run_index == runs[key]]
        if len(same) < len(keys):
            self.banner.tell("Not stopped: the producer was restarted meanwhile", "warning")
        self._sources.send(same, Command.STOP.value)
        self.toolbar.update_state()

    def _disconnect_targets(self) -> None:
        for producer in self.toolbar.targets():
            self._sources.disconnect_key(producer.key)

    def _toggle_theme(self) -> None:
        self._settings.theme = "light" if self._themes.current.is_dark else "dark"
        self._themes.choose(self._settings.theme)

    def _edit_settings(self) -> None:
        from .settings_dialog import SettingsDialog

        dialog = SettingsDialog(self, self._settings, self._themes)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(self._clock.request_all)
        dialog.accepted.connect(self._memory.apply)
        dialog.open()

    def _show_shortcuts(self) -> None:
        from .shortcuts_dialog import ShortcutsDialog

        dialog = ShortcutsDialog(self, self.window_actions)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _ask_screenshot(self) -> None:
        picture = self.grab()  # before the dialog lies over the window
        stamp = dt.datetime.now(dt.UTC).astimezone().strftime("%Y-%m-%d_%H-%M-%S")
        name, _ = QFileDialog.getSaveFileName(self, "Save picture", f"dockscope_{stamp}.png", "PNG picture (*.png)")
        if name:
            path = Path(name).with_suffix(".png")
            saved = picture.save(str(path), "PNG")
            self.status.tell(f"Saved {path.name}" if saved else f"Cannot write {path}: choose another folder")

    # docks and layouts

    def _new_dock(self, kind: str) -> None:
        try:
            self.docks.add(kind)
        except ValueError as error:
            self.status.tell(str(error))

    def _toggle_dock(self, kind: str, _checked: bool = False) -> None:
        if self.docks.toggle(kind):
            self._pages.setCurrentWidget(self.docks.widget)  # where nothing is listed, the welcome page is in front
        else:
            self._on_sources()

    def _undo_layout(self) -> None:
        if not self.docks.undo():
            self.status.tell("There is no layout change to undo")

    def _fill_layouts(self) -> None:
        fill_layouts_menu(
            self._layouts_menu,
            self.window_actions,
            sorted(self._settings.layouts),
            open_layout=lambda name: self.docks.restore_layout(self._settings.layouts[name]),
            save_layout=self._save_layout,
            remove_layout=lambda name: self._settings.layouts.pop(name, None),
        )

    def _save_layout(self) -> None:
        name, said = QInputDialog.getText(self, "Save layout", "Name")
        name = " ".join(name.split())[:MAX_LAYOUT_NAME]
        if said and name:
            self._settings.layouts[name] = self.docks.layout_state()
            self.status.tell(f"Saved layout {name}")

    def restore(self) -> None:
        """Take over layout, geometry and sources of the last session; the size is cut to the screen there is.

        The sources are listed as offline; ``connect_saved`` connects them.
        """
        self._restore_geometry()
        if self._settings.layout:
            self.docks.restore_layout(self._settings.layout)
        else:
            self.docks.reset()
        for source in self._settings.sources:
            self._sources.remember(source)

    def connect_saved(self) -> None:
        """Connect to the sources of the last session, if the user wants that; needs a running event loop."""
        if self._settings.connect_at_start:
            for source in self._settings.sources:
                self.connect_url(source.url)

    def _restore_geometry(self) -> None:
        self.restoreGeometry(QByteArray.fromBase64(self._settings.geometry.encode()))
        available = self.screen().availableGeometry()
        fits = self.width() <= available.width() and self.height() + FRAME_PX <= available.height()
        if not fits:
            self.resize(self.size().boundedTo(available.size()))
            # The window manager's frame comes on top, and only it knows how much is left inside.
            self.setWindowState(self.windowState() | Qt.WindowState.WindowMaximized)
        elif not available.contains(self.geometry()):
            right, bottom = available.right() - self.width() + 1, available.bottom() - self.height() + 1
            self.move(
                max(available.left(), min(self.x(), right)),
                max(available.top(), min(self.y(), bottom)),
            )

    def save(self) -> None:
        """Put layout, geometry and sources into the settings."""
        self._settings.geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        self._settings.layout = self.docks.layout_state()
        self._settings.sources = self._sources.saved()

    # what happens

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self.painted.emit)  # when what lies in the window has been painted too

    def _on_frame(self) -> None:
        self.toolbar.update_state(is_frame=True)
        self._watch.look()

    def _on_change(self) -> None:
        self.toolbar.update_state()
        self._watch.look()

    def expect_producers(self, expected: bool, sentence: str = "") -> None:
        """Show the docks before the first producer is listed: some are about to be, as the sentence tells."""
        self._expects_producers = expected
        if sentence:
            self.status.tell(sentence)
        self._on_sources()

    def _on_sources(self) -> None:
        listed = self._hub.producers or self._expects_producers or self.docks.is_open("devices")
        self._pages.setCurrentWidget(self.docks.widget if listed else self.welcome)
        if not listed:
            self.welcome.show_recent(self._settings.recent_urls)
        self._on_change()

    def _on_event(self, event: Event) -> None:
        command = event.command
        if event.over:
            self.banner.withdraw(command)
        elif command is not None:
            retry = partial(self._sources.retry, event.producer, command)
            self.banner.tell(event.sentence, event.tone, "Retry", retry, about=command)
        else:
            self.banner.tell(event.sentence, event.tone)
        if event.desktop:
            self.notifier.tell(event.sentence)

    def _on_theme(self, theme: Theme) -> None:
        paint_icons(self.window_actions, theme)
        self.docks.set_theme(theme)

    def closeEvent(self, event: QCloseEvent) -> None:
        for dialog in self.findChildren(QDialog):
            dialog.close()  # it may be asking a URL, which must not outlive the window
        self.save()
        event.accept()
        self.closed.emit()
