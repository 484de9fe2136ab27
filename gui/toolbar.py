"""The toolbar: connect, the target, and the commands that reach it.

What it shows of a run is what the producer told, and how far an open request has come; see ``run_words``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from ..core.run_control import Command, LinkState, RunState, allowed
from .pill import Pill
from .plain_text import one_line
from .run_words import RunWords, run_words
from .theme import ThemeSwitch

if TYPE_CHECKING:
    from ..core.hub import Hub, Producer

COMMANDS = (Command.PAUSE, Command.RESUME, Command.STOP)
MAX_NAME_CHARACTERS = 32
MOST_IN_A_FRAME = 8


class RunToolbar(QToolBar):
    """Show the target's state and offer what can be asked of it now.

    Signals:
        target_changed(): another producer, or all, was chosen.
    """

    target_changed = Signal()

    def __init__(self, hub: Hub, actions: dict[str, QAction], themes: ThemeSwitch, layouts_menu: QMenu) -> None:
        super().__init__("Toolbar")
        self.setObjectName("toolbar")
        self._hub = hub
        self._actions = actions
        self._tips = {name: action.toolTip() for name, action in actions.items()}
        self.setMovable(False)
        self.setIconSize(QSize(18, 18))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._offered: list[tuple[str, str]] | None = None
        self.target = QComboBox(self)
        self.state = Pill(themes, self)
        self._build(layouts_menu)
        self.update_state()

    def _build(self, layouts_menu: QMenu) -> None:
        self._add("connect", "disconnect")
        self.addSeparator()
        self.target.setToolTip("Target of Pause, Resume and Stop")
        self.target.setAccessibleName("Target")
        self.target.setMinimumContentsLength(14)
        self.target.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.target.activated.connect(self._on_target)
        self.addWidget(self.target)
        self._add("pause", "resume", "stop")
        self.addWidget(self.state)
        spacer = QWidget(self)
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(spacer)
        self._actions["freeze"].setCheckable(True)
        self._add("freeze")
        self.addSeparator()
        self._add("screenshot", "layouts", "theme")
        layouts = self.button("layouts")
        layouts.setMenu(layouts_menu)
        layouts.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._actions["layouts"].triggered.connect(layouts.showMenu)
        for name in ("screenshot", "layouts", "theme"):
            self.button(name).setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)

    def button(self, name: str) -> QToolButton:
        """Return the button of an action."""
        button = self.widgetForAction(self._actions[name])
        assert isinstance(button, QToolButton)
        return button

    def _add(self, *names: str) -> None:
        for name in names:
            self.addAction(self._actions[name])
            button = self.button(name)
            button.setObjectName(f"button-{name}")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    # the target

    def targets(self) -> list[Producer]:
        """Return the producers that a command is sent to."""
        key = self.target.currentData()
        if key is None:
            return list(self._hub.producers.values())
        producer = self._hub.producers.get(key)
        return [producer] if producer else []

    def choose_target(self, key: str | None) -> None:
        """Set the target to one producer, or to all with None."""
        index = self.target.findData(key)
        self.target.setCurrentIndex(max(0, index))
        self._on_target()

    def _on_target(self) -> None:
        self.update_state()
        self.target_changed.emit()

    def _offer_targets(self) -> None:
        names = [(p.name, p.key) for p in self._hub.producers.values()]
        if names == self._offered:
            return
        self._offered = names
        wanted: list[tuple[str, str | None]] = [("All producers", None)]
        wanted += [(one_line(name, MAX_NAME_CHARACTERS), key) for name, key in names]
        chosen = self.target.currentData()
        self.target.blockSignals(True)
        self.target.clear()
        for text, key in wanted:
            self.target.addItem(text, key)
        self.target.setCurrentIndex(max(0, self.target.findData(chosen)))
        self.target.blockSignals(False)

    # what it shows

    def update_state(self, *, is_frame: bool = False) -> None:
        """Bring target list, state and enabled actions up to date with the hub.

        Args:
            is_frame: called at every frame; the words about many targets are left to the pace of a reader.
        """
        self._offer_targets()
        targets = self.targets()
        for command in COMMANDS:
            self._enable(command, targets)
        self._actions["disconnect"].setEnabled(any(p.link is not LinkState.CLOSED for p in targets))
        if is_frame and len(targets) > MOST_IN_A_FRAME:
            return
        words = self._words(targets)
        self.state.show_text(words.line, words.tone, "What the producer reports, and how far your request has come")

    def _enable(self, command: Command, targets: list[Producer]) -> None:
        possible = any(refusal(command, producer) is None for producer in targets)
        action = self._actions[command.value]
        action.setEnabled(possible)
        why = refusal(command, targets[0]) if len(targets) == 1 else "no producer can do this now"
        tip = self._tips[command.value] if possible else f"{action.text()}: {why}"
        action.setToolTip(tip)

    def _words(self, targets: list[Producer]) -> RunWords:
        if not targets:
            return RunWords("", "muted")
        if len(targets) == 1:
            return run_words(targets[0], self._hub.commands.values())
        counts: dict[tuple[str, str], int] = {}
        for producer in targets:
            words = run_words(producer, self._hub.commands.values())
            counts[words.text, words.tone] = counts.get((words.text, words.tone), 0) + 1
        if len(counts) == 1:
            (text, tone) = next(iter(counts))
            return RunWords(f"{text} ({len(targets)})", tone)
        text = ", ".join(f"{n} {text.lower()}" for (text, _), n in counts.items())
        tones = [tone for _, tone in counts]
        worst = next(tone for tone in ("error", "warning", "accent", "muted", "ok") if tone in tones)
        return RunWords(text, worst)


def refusal(command: Command, producer: Producer) -> str | None:
    """Return why this command cannot be asked of this producer now, or None when it can."""
    run = RunState(producer.run.run) if producer.run else RunState.RUNNING
    capabilities = producer.hello.capabilities if producer.hello else ()
    return allowed(command, run, producer.link, capabilities, producer.role)
