"""The dialog that describes a device: a new one, or one that is to be asked otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..devices.device_kind import DeviceKind
from ..devices.spec import LEAST_RATE_HZ, MOST_QUEUED, MOST_RATE_HZ, POLICIES, DeviceSpec
from .device_form import KindForm, described, form_page
from .plain_text import one_line
from .theme import Theme

if TYPE_CHECKING:
    from ..core.dialects.base import ProbeResult

USUAL = DeviceSpec(id="x", kind="x")
WIDTH_PX = 540
POLICY_WORDS = {
    "drop_oldest": "drop the oldest",
    "drop_newest": "drop the newest",
    "block": "wait",
    "decimate": "keep every second one",
}
NEEDS_VISA = ("visa", "sim")
ADD_VISA = "VISA and simulated instruments need pyvisa: pip install 'dockscope[devices]'"


class DeviceDialog(QDialog):
    """Ask for a device, and let it be tried before it is added.

    Args:
        kinds: by name. taken: ids of other devices. probe: finds out what answers at a URL. theme: in force.
        has_visa: whether pyvisa is installed.

    Signals:
        described(DeviceSpec): the user wants this device.
    """

    described = Signal(object)

    def __init__(
        self,
        parent: QWidget,
        *,
        kinds: Mapping[str, DeviceKind],
        taken: Collection[str],
        probe: Callable[[str], Awaitable[ProbeResult]],
        theme: Theme,
        has_visa: bool,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Add a device")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._kinds, self._taken, self._probe = kinds, frozenset(taken), probe
        self._theme, self._has_visa = theme, has_visa
        self._task: asyncio.Task[None] | None = None
        self.kind = QComboBox()
        self.kind.setAccessibleName("Kind")
        for kind in kinds.values():
            self.kind.addItem(one_line(kind.title, 60), kind.name)
        self.id = _line("dmm", "Letters, digits, _ and -: the name of the device in the window and in bench files")
        self.rate = _line("10", "Readings a second")
        self.rate.setText("10")
        self.name = _line("voltage", "Name of the metric; the name of the device when empty")
        self.unit = _line("V", "Unit of the readings")
        self.policy = QComboBox()
        for policy in POLICIES:
            self.policy.addItem(POLICY_WORDS.get(policy, policy), policy)
        self.policy.setToolTip("What happens to readings that nobody takes in time; they are counted as dropped")
        self.queue = QSpinBox()
        self.queue.setRange(1, MOST_QUEUED)
        self.queue.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.queue.setValue(USUAL.queue_size)
        self.queue.setToolTip("Readings that may wait")
        self.more = QToolButton()
        self.answer = QLabel()
        self.buttons = QDialogButtonBox()
        self.add_button, self.try_button = QPushButton("Add"), QPushButton("Try it")
        self._common = (self.id, self.rate, self.name, self.unit)
        self._late = (self.policy, self.queue)
        self._first, self._others, self._more_page = QWidget(), QWidget(), QWidget()
        self._column, self._more_layout = QVBoxLayout(self), QVBoxLayout(self._more_page)
        self._lay_out()
        self._wire()
        self._show_kind()

    def show_spec(self, spec: DeviceSpec, *, title: str = "", button: str = "") -> None:
        """Show a device as it is described; a kind that is not known here stays what was chosen."""
        if title:
            self.setWindowTitle(title)
            self.add_button.setText(button)
        self.kind.setCurrentIndex(max(0, self.kind.findData(spec.kind)))
        self.form.fill(spec.params)
        self.id.setText(spec.id)
        self.id.setModified(True)
        self.rate.setText(f"{spec.rate_hz:g}")
        self.name.setText(spec.name)
        self.unit.setText(spec.unit)
        self.policy.setCurrentIndex(self.policy.findData(spec.policy))
        self.queue.setValue(spec.queue_size)
        self._say("", "muted")

    def show_address(self, params: Mapping[str, str]) -> None:
        """Begin with an instrument that was found."""
        self.kind.setCurrentIndex(self.kind.findData("visa"))
        self.form.fill(params)

    def spec(self) -> DeviceSpec:
        """Return the device that is described.

        Raises:
            ValueError: something is missing or wrong, with a sentence.
        """
        id_, rate = self.id.text().strip(), self.rate.text().strip()
        if not id_:
            raise ValueError("Name is missing, such as dmm")
        if id_ in self._taken:
            raise ValueError(f"There is already a device {id_}: choose another name")
        try:
            is_possible = LEAST_RATE_HZ <= float(rate) <= MOST_RATE_HZ
        except ValueError:
            raise ValueError(f"Rate is {rate[:20]!r}, but must be a number of readings a second, such as 10") from None
        if not is_possible:
            raise ValueError(f"Rate must be {LEAST_RATE_HZ:g} to {MOST_RATE_HZ:g} readings a second")
        pairs = [("id", id_), ("rate", rate), ("name", self.name.text().strip()), ("unit", self.unit.text().strip())]
        pairs += [("policy", self.policy.currentData()), ("queue", str(self.queue.value()))]
        return described(self.form.kind, [pair for pair in pairs if pair[1]] + self.form.pairs())

    def done(self, result: int) -> None:
        """Close the dialog and give up a try that is under way."""
        self._give_up()
        super().done(result)

    def _wire(self) -> None:
        self.kind.currentIndexChanged.connect(lambda _: self._show_kind())
        self.more.toggled.connect(self._show_more)
        self.buttons.accepted.connect(self._on_accept)
        self.buttons.rejected.connect(self.reject)
        self.try_button.clicked.connect(self._try)
        for line in self._common:
            line.textChanged.connect(lambda _: self._on_typed())

    def _show_kind(self) -> None:
        """Ask for what this kind needs."""
        self.form = KindForm(self._kinds[self.kind.currentData()], self._on_typed)
        self._first = self._exchange(self._first, form_page(self.form.rows(primary=True)))
        self._others = self._exchange(self._others, form_page(self.form.rows(primary=False)))
        editors = (self.kind, *self.form.primary(), *self._common, self.more, *self.form.others(), *self._late)
        for before, after in pairwise(editors):
            QWidget.setTabOrder(before, after)
        self._on_typed()

    def _exchange(self, page: QWidget, other: QWidget) -> QWidget:
        layout = self._more_layout if page is self._others else self._column
        layout.replaceWidget(page, other)
        page.hide()
        page.deleteLater()
        return other

    def _on_typed(self) -> None:
        self._give_up()
        if not self.id.isModified() and (suggestion := self._suggested()) != self.id.text():
            self.id.setText(suggestion)
        lacks_visa = self.form.kind.name in NEEDS_VISA and not self._has_visa
        self._say(ADD_VISA if lacks_visa else "", "warning")

    def _suggested(self) -> str:
        """Return a name that is free."""
        model = self.form.editors.get("model")
        usual = model.currentText() if isinstance(model, QComboBox) else {"visa": "instrument"}.get(self.form.kind.name)
        base = usual or self.form.kind.name
        names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(self._taken) + 2))
        return next(name for name in names if name not in self._taken)

    def _on_accept(self) -> None:
        try:
            spec = self.spec()
        except ValueError as error:
            self._say(str(error), "error")
            return
        self.described.emit(spec)
        self.accept()

    def _try(self) -> None:
        self._give_up()
        try:
            url = self.spec().url
        except ValueError as error:
            self._say(str(error), "error")
            return
        self._say("Asking…", "muted")
        self._task = asyncio.ensure_future(self._ask(url))

    async def _ask(self, url: str) -> None:
        result = await self._probe(url)
        if self._task is asyncio.current_task():
            self._say(f"It answers as {result.host}" if result.ok else result.sentence, "ok" if result.ok else "error")

    def _give_up(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _say(self, sentence: str, tone: str) -> None:
        self.answer.setText(one_line(sentence[:1].upper() + sentence[1:]))
        self.answer.setStyleSheet(f"color: {getattr(self._theme, tone)};")

    def _show_more(self, shown: bool) -> None:
        self.more.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        self._more_page.setVisible(shown)
        self.adjustSize()

    def _lay_out(self) -> None:
        self.setMinimumWidth(WIDTH_PX)
        self.more.setText("More")
        self.more.setCheckable(True)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.answer.setWordWrap(True)
        self.answer.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 4)
        self.answer.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.add_button.setDefault(True)
        self.buttons.addButton(self.add_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.addButton(self.try_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        late = form_page([("When late", self.policy), ("May wait", self.queue)])
        common = [("Name", self.id), ("Rate, Hz", self.rate), ("Metric", self.name), ("Unit", self.unit)]
        self._more_layout.setContentsMargins(0, 0, 0, 0)
        for part in (self._others, late):
            self._more_layout.addWidget(part)
        self._more_page.hide()
        for part in (form_page([("Kind", self.kind)]), self._first, form_page(common), self.more, self._more_page):
            self._column.addWidget(part)
        self._column.addWidget(self.answer)
        self._column.addStretch(1)
        self._column.addWidget(self.buttons)


def _line(example: str, tip: str) -> QLineEdit:
    line = QLineEdit()
    line.setPlaceholderText(example)
    line.setToolTip(tip)
    line.setMaxLength(255)
    return line
