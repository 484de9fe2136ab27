"""What a person types of a device, as fields, and the device it describes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QPlainTextEdit, QWidget

from ..devices.device_kind import DeviceKind, Field
from ..devices.spec import DEVICE, PLACE, DeviceSpec

PRIMARY = frozenset({"address", "query", "model", "instrument", "reads"})  # the rest is asked for under More
LINES = 3
BORDER = "QPlainTextEdit { border: 1px solid palette(mid); border-radius: 4px; }"  # as lines have
OTHERS = "others"
WIDEST_TITLE = "Share of faults:"
ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


class KindForm:
    """Editors for the parameters of one kind.

    Args:
        kind: of the device. on_typed: is called at each change.

    Attributes:
        editors: by the name of the parameter.
    """

    def __init__(self, kind: DeviceKind, on_typed: Callable[[], object]) -> None:
        self.kind = kind
        self.editors: dict[str, QWidget] = {field.name: _editor(field, on_typed) for field in kind.fields}
        if kind.takes_others:
            self.editors[OTHERS] = _lines("name = value", "further parameters, one a line", on_typed)
            self.editors[OTHERS].setAccessibleName("Parameters")

    def rows(self, *, primary: bool) -> list[tuple[str, QWidget]]:
        """Return titles and editors of what is asked for first, or of the rest."""
        found = [(field.title, self.editors[field.name]) for field in self.kind.fields if _is_primary(field) is primary]
        if OTHERS in self.editors and primary is not bool(self.kind.fields):
            found.append(("Parameters", self.editors[OTHERS]))
        return found

    def primary(self) -> list[QWidget]:
        """Return the editors of what is asked for first."""
        return [editor for _, editor in self.rows(primary=True)]

    def others(self) -> list[QWidget]:
        """Return the other editors."""
        return [editor for _, editor in self.rows(primary=False)]

    def fill(self, params: Mapping[str, Any]) -> None:
        """Show parameters."""
        known = {field.name for field in self.kind.fields}
        for name, editor in self.editors.items():
            if name == OTHERS:
                others = [f"{key} = {_shown(value)}" for key, value in params.items() if key not in known]
                _write(editor, "\n".join(others))
            elif name in params:
                value = params[name]
                is_texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
                _write(editor, "\n".join(value) if is_texts else _shown(value))

    def pairs(self) -> list[tuple[str, str]]:
        """Return what was typed, as names and texts of a URL's query; a list stands there several times.

        Raises:
            ValueError: something is missing, or is no parameter; a sentence.
        """
        found: list[tuple[str, str]] = []
        for field in self.kind.fields:
            text = _read(self.editors[field.name]).strip()
            if not text and field.is_required:
                raise ValueError(f"{field.title} is missing" + (f", such as {field.example}" if field.example else ""))
            texts = [line.strip() for line in text.splitlines() if line.strip()] if field.is_list else [text]
            found += [(field.name, _unescaped(text) if "\\" in field.example else text) for text in texts if text]
        return found + self._others()

    def _others(self) -> list[tuple[str, str]]:
        if OTHERS not in self.editors:
            return []
        lines = [line for line in _read(self.editors[OTHERS]).splitlines() if line.strip()]
        wrong = next((line for line in lines if "=" not in line), None)
        if wrong is not None:
            raise ValueError(f"{wrong.strip()[:40]!r} is no parameter: write name = value")
        return [(name.strip(), value.strip()) for name, _, value in (line.partition("=") for line in lines)]


def described(kind: DeviceKind, pairs: Sequence[tuple[str, str]]) -> DeviceSpec:
    """Return the device of a kind that names and texts describe, read as in a URL.

    Raises:
        ValueError: they describe none, with a sentence.
    """
    within = PLACE.get(kind.name)
    place = kind.name if within is None else next(text for name, text in pairs if name == within)
    scheme = DEVICE if within is None else kind.name
    query = urlencode([(name, text) for name, text in pairs if name != within])
    url = f"{scheme}:{quote(place, safe='')}?{query}"
    try:
        spec = DeviceSpec.from_url(url)
    except ValueError as error:
        raise ValueError(str(error).removeprefix(f"{url[:60]!r}: ")) from None
    kind.check(spec)
    return spec


def form_page(rows: Sequence[tuple[str, QWidget]]) -> QWidget:
    """Return a form of titles and editors; those of several pages stand below each other."""
    page = QWidget()
    form = QFormLayout(page)
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    for title, editor in rows:
        label = QLabel(title)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setMinimumWidth(label.fontMetrics().horizontalAdvance(WIDEST_TITLE))
        label.setBuddy(editor)
        form.addRow(label, editor)
    return page


def _is_primary(field: Field) -> bool:
    return field.is_required or field.name in PRIMARY


def _editor(field: Field, on_typed: Callable[[], object]) -> QWidget:
    if field.choices:
        box = QComboBox()
        box.addItems(field.choices)
        box.currentTextChanged.connect(lambda _: on_typed())
        editor: QWidget = box
    elif field.is_list:
        editor = _lines(field.example, f"{field.tip}, one a line", on_typed)
    else:
        line = QLineEdit()
        line.setPlaceholderText(field.example)
        line.setMaxLength(4096)
        line.textChanged.connect(lambda _: on_typed())
        editor = line
    if field.tip and not editor.toolTip():
        editor.setToolTip(field.tip[:1].upper() + field.tip[1:])
    editor.setAccessibleName(field.title)
    return editor


def _lines(example: str, tip: str, on_typed: Callable[[], object]) -> QPlainTextEdit:
    editor = QPlainTextEdit()
    editor.setPlaceholderText(example)
    editor.setToolTip(tip[:1].upper() + tip[1:])
    editor.setTabChangesFocus(True)
    editor.setFixedHeight(LINES * editor.fontMetrics().lineSpacing() + 12)
    editor.setStyleSheet(BORDER)
    editor.textChanged.connect(on_typed)
    return editor


def _read(editor: QWidget) -> str:
    if isinstance(editor, QComboBox):
        return editor.currentText()
    if isinstance(editor, QPlainTextEdit):
        return editor.toPlainText()
    assert isinstance(editor, QLineEdit)
    return editor.text()


def _write(editor: QWidget, text: str) -> None:
    if isinstance(editor, QComboBox):
        editor.setCurrentText(text)
    elif isinstance(editor, QPlainTextEdit):
        editor.setPlainText(text)
    elif isinstance(editor, QLineEdit):
        editor.setText(text)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    for character, escape in ESCAPES.items():
        text = text.replace(character, escape)
    return text


def _unescaped(text: str) -> str:
    for character, escape in ESCAPES.items():
        text = text.replace(escape, character)
    return text
