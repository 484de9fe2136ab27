"""Parts of the Devices dock: readings in words, rows of the model, blocking calls beside the window's thread."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt

from dockscope.devices.instrument_state import InstrumentState
from dockscope.devices.spec import DeviceSpec
from dockscope.gui.awaited import Awaited, in_thread
from dockscope.gui.device_model import COLUMNS, DeviceModel
from dockscope.gui.device_orders import POSSIBLE
from dockscope.gui.device_row import STATE_WORDS, DeviceRow
from dockscope.gui.device_table import DeviceTable
from dockscope.gui.device_value import value_lines, value_text
from dockscope.gui.theme import DARK, LIGHT, ThemeSwitch


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "V", ""),
        (1.23456789, "V", "1.234568 V"),
        (float("nan"), "", "nan"),
        (3, "", "3"),
        (np.float32(0.5), "mV", "0.5 mV"),
        (True, "", "yes"),
        (np.array([1.0, -2.5, 4.0]), "dBm", "3 values, -2.5 to 4 dBm"),
        (np.array([]), "", "0 values"),
        ("<b>on\n</b>", "", "<b>on </b>"),
        ({"a": 1.0, "b": 2, "c": "x", "d": 4}, "", "a 1, b 2, c x, 1 more"),
    ],
)
def test_a_reading_is_one_line(value, unit, text):
    """Numbers with unit, traces by size and range, parts by name; text literally."""
    assert value_text(value, unit) == text


def test_all_parts_of_a_reading_have_a_line():
    """What has no room in the cell is in its tooltip."""
    assert value_lines({"a": 1.5, "b": 2}) == ["a: 1.5", "b: 2"]
    assert value_lines(2.0, "V") == ["2 V"]


def row(key: str, **more) -> DeviceRow:
    return DeviceRow(
        **{"key": key, "spec": DeviceSpec(id=key, kind="sim"), "state": InstrumentState.STREAMING, "name": key} | more
    )


@pytest.fixture
def model(qapp):
    return DeviceModel(DARK, qapp)


def texts(model: DeviceModel, column: int = 1) -> list[str]:
    return [model.data(model.index(at, column), Qt.ItemDataRole.DisplayRole) for at in range(model.rowCount())]


def test_only_columns_that_changed_are_told(model):
    """The same rows tell nothing; another value tells its column, and no other."""
    told: list[tuple[int, int, int, int]] = []
    model.dataChanged.connect(lambda a, b, _=None: told.append((a.row(), a.column(), b.row(), b.column())))
    model.show_rows([row("a"), row("b"), row("c")])
    model.show_rows([row("a"), row("b"), row("c")])
    assert told == []
    model.show_rows([row("a"), row("b", value="5 V"), row("c", value="6 V")])
    value = [column.title for column in COLUMNS].index("Last value")
    assert told == [(1, value, 2, value)]


def test_rows_come_and_go_without_losing_their_place(model):
    """What is forgotten goes, what is new comes where it is listed; the others stay."""
    model.show_rows([row("a"), row("b"), row("c")])
    model.show_rows([row("a"), row("c"), row("d")])
    assert texts(model) == ["a", "c", "d"]
    model.show_rows([])
    assert model.rowCount() == 0


def test_a_chosen_row_keeps_its_tones_on_another_ground(qtbot, model):
    """The colour of a state is seen in the chosen row as well."""
    themes = ThemeSwitch("dark")
    themes.apply()
    table = DeviceTable(model)
    qtbot.addWidget(table)
    table.resize(900, 200)
    model.show_rows([row("a"), row("b")])
    table.show()
    picture = table.grab().toImage()
    head_px, row_px = table.horizontalHeader().height(), table.rowHeight(0)
    grounds = [picture.pixelColor(600, head_px + at * row_px + 2).name() for at in (0, 1)]
    assert grounds == [DARK.raised, DARK.surface]
    state = {picture.pixelColor(x, head_px + y).name() for x in range(90) for y in range(row_px)}
    assert DARK.ok in state


def test_each_state_is_told_by_a_symbol_and_a_word():
    """No state is told by its colour alone, no two look alike, and each tone is a colour of the theme."""
    assert set(STATE_WORDS) == set(InstrumentState)
    assert len({(symbol, word) for symbol, word, _ in STATE_WORDS.values()}) == len(InstrumentState)
    for _, _, tone in STATE_WORDS.values():
        assert getattr(DARK, tone) != getattr(LIGHT, tone)


def test_every_state_has_a_way_on():
    """In each state at least one command can be given."""
    for state in InstrumentState:
        assert any(state in states for states in POSSIBLE.values())


def test_a_blocking_call_reports_in_the_windows_thread(qapp, qtbot):
    """Result and error come back here; what was given up is not told any more."""
    owner, here = QObject(), threading.get_ident()
    told: list[tuple[object, int]] = []

    def take(future):
        told.append((future.exception() or future.result(), threading.get_ident()))

    gate = threading.Event()
    Awaited(owner, in_thread(lambda: 42, "one"), take)
    Awaited(owner, in_thread(lambda: 1 / 0, "two"), take)
    late = in_thread(gate.wait, "three")
    Awaited(owner, late, take).cancel()
    qtbot.waitUntil(lambda: len(told) == 2)
    gate.set()
    qtbot.waitUntil(late.done)
    assert {type(value) for value, _ in told} == {int, ZeroDivisionError}
    assert {thread for _, thread in told} == {here}
