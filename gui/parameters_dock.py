"""The Parameters dock: the live parameters that producers offer, shown as reported and set on request."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from ..core.run_control import LinkState, RunState, Stage
from .dock import Dock, DockContext
from .plain_text import one_line

if TYPE_CHECKING:
    from ..core.hub import Change, Producer
    from ..core.messages import ParameterState

EMPTY = "Waiting for parameters.\nA producer offers them with control.parameter."
MAX_SHOWN = 200
MAX_WHOLE = 2**53  # larger whole numbers are not on the wire


class ParametersDock(Dock):
    """Edit the parameters of every producer; an editor shows what the producer reports."""

    kind = "parameters"
    title = "Parameters"

    def __init__(self, context: DockContext) -> None:
        super().__init__(context)
        self._content = QWidget()
        self._column = QVBoxLayout(self._content)
        self._column.setContentsMargins(8, 6, 8, 6)
        self._column.setAlignment(Qt.AlignmentFlag.AlignTop)
        area = QScrollArea(self.body)
        area.setWidget(self._content)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        outer = QVBoxLayout(self.body)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self._groups: dict[str, ParameterGroup] = {}

    def concerns(self, change: Change) -> bool:
        return change.kind in ("control", "producer", "command")

    def refresh(self, changes: set[Change] | None) -> None:
        offering = {k: p for k, p in self.hub.producers.items() if p.run is not None and p.run.parameters}
        self.set_empty(None if offering else EMPTY)
        for key in [key for key in self._groups if key not in offering]:
            group = self._groups.pop(key)
            self._column.removeWidget(group)
            group.deleteLater()
        for key, producer in offering.items():
            group = self._groups.get(key)
            if group is None:
                send = partial(self._send, key)
                group = self._groups[key] = ParameterGroup(send, self.context.tell)
                self._column.addWidget(group)
            group.show_producer(producer, self._refusal(key))

    def clear_data(self) -> None:
        """Nothing is kept here but what the producer reports."""
        self.context.tell("Parameters are the producer's own: there is nothing to clear")

    def _send(self, key: str, args: dict[str, Any]) -> None:
        self.context.actions["send"]([key], "set", args)

    def _refusal(self, key: str) -> str:
        """Return why the newest request was refused, or ""."""
        mine = [c for c in self.hub.commands.values() if c.producer == key and c.command == "set"]
        newest = max(mine, key=lambda c: c.requested_t, default=None)
        return newest.reason if newest is not None and newest.stage is Stage.REJECTED else ""


class ParameterGroup(QWidget):
    """The parameters of one producer."""

    def __init__(self, send: Callable[[dict[str, Any]], None], tell: Callable[[str], None]) -> None:
        super().__init__()
        self._send, self._tell = send, tell
        self._editors: dict[str, ParameterEditor] = {}
        self._types: tuple[tuple[str, str], ...] = ()
        self._heading = _plain("")
        self._heading.setStyleSheet("font-weight: 600;")
        self._told = _plain("")
        self._told.setWordWrap(True)
        self._form = QFormLayout()
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 6)
        column.addWidget(self._heading)
        column.addLayout(self._form)
        column.addWidget(self._told)

    def show_producer(self, producer: Producer, refusal: str) -> None:
        """Show what this producer reports."""
        assert producer.run is not None
        self._heading.setText(one_line(producer.name, 60))
        parameters = producer.run.parameters[:MAX_SHOWN]
        types = tuple((p.name, p.type) for p in parameters)
        if types != self._types:
            self._types = types
            self._rebuild(parameters)
        ended = producer.run.run in (RunState.STOPPING.value, RunState.STOPPED.value, RunState.ENDED.value)
        usable = producer.link is LinkState.LIVE and producer.role == "operate" and not ended
        for parameter in parameters:
            self._editors[parameter.name].show_state(parameter, usable)
        self._told.setText(f"Not set: {refusal}" if refusal else "")
        self._told.setVisible(bool(refusal))

    def _rebuild(self, parameters: tuple[ParameterState, ...]) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        self._editors = {p.name: ParameterEditor(p, self._send, self._tell) for p in parameters}
        for parameter in parameters:
            name = one_line(parameter.name, 40)
            label = f"{name}, {parameter.unit[:16]}" if parameter.unit else name
            self._form.addRow(_plain(label), self._editors[parameter.name])


class ParameterEditor(QWidget):
    """One parameter: a tick, a choice or a line."""

    def __init__(
        self, parameter: ParameterState, send: Callable[[dict[str, Any]], None], tell: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._name, self._type, self._send, self._tell = parameter.name, parameter.type, send, tell
        self.editor = self._make(parameter)
        self.editor.setAccessibleName(parameter.name)
        self.editor.setToolTip(_limits(parameter))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.editor)

    def show_state(self, parameter: ParameterState, usable: bool) -> None:
        """Show the reported value, unless the user is typing another."""
        self.editor.setEnabled(usable)
        editor = self.editor
        if isinstance(editor, QLineEdit):
            text = _text(parameter.value)
            # An equal text is not set again: that would take away the selection of the user.
            if not (editor.hasFocus() and editor.isModified()) and editor.text() != text:
                editor.setText(text)
        elif isinstance(editor, QCheckBox):
            editor.setChecked(bool(parameter.value))
        elif isinstance(editor, QComboBox):
            editor.setCurrentIndex(max(0, editor.findData(parameter.value)))

    def _make(self, parameter: ParameterState) -> QWidget:
        if parameter.choices is not None:
            box = QComboBox()
            for choice in parameter.choices:
                box.addItem(_text(choice), choice)
            box.activated.connect(lambda _index: self._ask(box.currentData()))
            return box
        if parameter.type == "bool":
            tick = QCheckBox()
            tick.clicked.connect(self._ask)
            return tick
        line = QLineEdit()
        line.setMaxLength(200)
        line.returnPressed.connect(lambda: self._ask_text(line))
        return line

    def _ask_text(self, line: QLineEdit) -> None:
        text = line.text().strip()
        try:
            value = _value(text, self._type)
        except ValueError as error:
            self._tell(f"{one_line(self._name, 40)} is not set: {error}")
            line.selectAll()
            return
        line.setModified(False)
        self._ask(value)

    def _ask(self, value: Any) -> None:
        self._send({"name": self._name, "value": value})


def _value(text: str, kind: str) -> Any:
    """Read what was typed.

    Raises:
        ValueError: it is no value of this type, with what it is instead.
    """
    if kind not in ("float", "int"):
        return text
    try:
        value = int(text) if kind == "int" else float(text)
    except ValueError:
        wanted = "a whole number" if kind == "int" else "a number"
        raise ValueError(f"{text[:40]!r} is not {wanted}") from None
    if abs(value) > MAX_WHOLE and kind == "int":
        raise ValueError(f"{text[:40]} is too large")
    return value


def _limits(parameter: ParameterState) -> str:
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None:
        return f"{_text(low)} to {_text(high)}; Enter sends it"
    if low is not None or high is not None:
        return f"at least {_text(low)}" if low is not None else f"at most {_text(high)}"
    return "Enter sends it"


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:200]


def _plain(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
