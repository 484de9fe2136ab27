"""Notice what needs attention - a run that ends, fails or is lost - and tell it in the banner and on the desktop."""

from __future__ import annotations

import html
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QProcess, Signal
from PySide6.QtWidgets import QSystemTrayIcon

from ..core.run_control import LinkState, RunState, Stage
from .icons import application_icon
from .plain_text import one_line

if TYPE_CHECKING:
    from ..core.hub import Hub, Producer
    from ..core.settings import Settings

MAX_NAME_CHARACTERS = 40


@dataclass(frozen=True)
class Event:
    """One thing that happened to a producer.

    Args:
        producer: key. tone: a colour name of Theme.
        desktop: worth a notification outside the window.
        command: id of the command that can be sent once more.
        over: nothing happened, but what was told of ``command`` holds no longer.
    """

    producer: str
    sentence: str
    tone: str
    desktop: bool = True
    command: bytes | None = None
    over: bool = False


class EventWatch(QObject):
    """Compare each producer's run and link state with what it was.

    Signals:
        happened(Event): a run ended or failed, a producer was lost or is back, a command was not confirmed.
    """

    happened = Signal(object)

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub
        self._seen: dict[str, tuple[LinkState, str, int]] = {}
        self._unconfirmed: set[bytes] = set()

    def look(self) -> None:
        """Tell what has changed since the last look."""
        for key, producer in self._hub.producers.items():
            run = producer.run.run if producer.run else ""
            state = (producer.link, run, producer.run_index)
            before = self._seen.get(key)
            self._seen[key] = state
            if before is not None and before != state and (event := self._event(producer, before)):
                self.happened.emit(event)
        for key in [key for key in self._seen if key not in self._hub.producers]:
            del self._seen[key]
        self._look_at_commands()

    def _look_at_commands(self) -> None:
        open_now = {
            command.id: command for command in self._hub.commands.values() if command.stage is Stage.UNCONFIRMED
        }
        for id_, command in open_now.items():
            producer = self._hub.producers.get(command.producer)
            if id_ not in self._unconfirmed and producer is not None:
                sentence = f"{command.command.capitalize()} of {_short(producer.name)} is not confirmed"
                self.happened.emit(Event(producer.key, sentence, "warning", desktop=False, command=id_))
        for id_ in self._unconfirmed - set(open_now):
            self.happened.emit(Event("", "", "muted", desktop=False, command=id_, over=True))
        self._unconfirmed = set(open_now)

    def _event(self, producer: Producer, before: tuple[LinkState, str, int]) -> Event | None:
        name = _short(producer.name)
        link, run, run_index = before
        if producer.run and producer.run.run == RunState.ENDED.value and run != RunState.ENDED.value:
            return _ended(producer, name)
        if producer.run_index > run_index:
            return Event(producer.key, f"{name} was restarted", "ok", desktop=False)
        if producer.link is LinkState.LOST and link is not LinkState.LOST:
            return Event(producer.key, f"{name} is lost – reconnecting by itself", "error")
        if producer.link is LinkState.LIVE and link is LinkState.LOST:
            return Event(producer.key, f"{name} is back", "ok", desktop=False)
        return None


def _ended(producer: Producer, name: str) -> Event:
    assert producer.run is not None
    outcome = producer.run.outcome or "finished"
    reason = f": {one_line(producer.run.reason, 80)}" if producer.run.reason and outcome == "error" else ""
    sentence = {
        "finished": f"{name} has ended, finished",
        "stopped": f"{name} has ended, stopped by {_short(producer.run.by) or 'request'}",
        "error": f"{name} has ended, error{reason}",
    }.get(outcome, f"{name} has ended")
    return Event(producer.key, sentence, {"finished": "ok", "stopped": "muted", "error": "error"}.get(outcome, "muted"))


class DesktopNotifier(QObject):
    """Show events as desktop notifications where the desktop has any and the user wants them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._tray: QSystemTrayIcon | None = None

    @staticmethod
    def way() -> str:
        """Return how notifications can be shown here: "tray", "notify-send" or "" when there is no way."""
        if QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages():
            return "tray"
        return "notify-send" if shutil.which("notify-send") else ""

    def tell(self, sentence: str) -> None:
        """Show a sentence on the desktop, unless the user switched notifications off."""
        if not self._settings.notifications:
            return
        ways: dict[str, Callable[[str], None]] = {"tray": self._by_tray, "notify-send": self._by_program}
        if show := ways.get(self.way()):
            show(sentence)

    def close(self) -> None:
        """Take the tray icon away."""
        if self._tray is not None:
            self._tray.hide()
            self._tray = None

    def _by_tray(self, sentence: str) -> None:
        if self._tray is None:
            self._tray = QSystemTrayIcon(application_icon(), self)
            self._tray.show()
        self._tray.showMessage("dockscope", sentence, application_icon())

    def _by_program(self, sentence: str) -> None:
        # The body of a desktop notification may be read as markup, so what a producer sent is escaped.
        QProcess.startDetached("notify-send", ["--app-name=dockscope", "dockscope", html.escape(sentence)])


def _short(name: str) -> str:
    return one_line(name, MAX_NAME_CHARACTERS)
