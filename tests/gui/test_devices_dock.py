"""The Devices dock in the whole window, with simulated instruments and a real one on a socket."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QMessageBox, QToolButton

from dockscope.core.settings import Settings, SourceSetting
from dockscope.devices.instrument_state import InstrumentState as State
from dockscope.gui.device_dialog import DeviceDialog
from dockscope.gui.device_panel import DevicePanel
from dockscope.gui.device_row import DeviceRow
from dockscope.gui.scan_dialog import ScanDialog
from scpi_server import IDENTITY, ScpiServer

from .window_bench import WindowBench

SIM = "sim:multimeter?id=dmm&rate=50"
LEFT = Qt.MouseButton.LeftButton
LONG_S = 20.0  # for what loads pyvisa first


class DockBench:
    """The window with its Devices dock open."""

    def __init__(self, bench: WindowBench) -> None:
        self.bench, self.window, self.hub = bench, bench.window, bench.hub
        bench.show()
        self.window.window_actions["devices"].trigger()
        self.dock: Any = self.window.docks.dock("devices-1")
        bench.until(lambda: self.dock.panel is not None, timeout_s=LONG_S)
        self.panel: DevicePanel = self.dock.panel

    def row(self) -> DeviceRow:
        """Return the only row."""
        self.panel.refresh()
        (row,) = self.panel.model.rows
        return row

    def until_state(self, state: State) -> None:
        self.bench.until(lambda: self.row().state is state, f"{state}", LONG_S)

    def until_value(self) -> str:
        return self.bench.until(lambda: self.row().value, "a reading", LONG_S)

    def open(self, url: str, state: State = State.STREAMING) -> str:
        """Connect to a device and wait until it is in this state; returns its key."""
        self.window.connect_url(url)
        self.until_state(state)
        return self.row().key

    def click(self, name: str) -> None:
        """Click a button of the row of commands."""
        action = self.panel.actions_by_name[name]
        assert action.isEnabled(), name
        button = next(one for one in action.associatedObjects() if isinstance(one, QToolButton))
        QTest.mouseClick(button, LEFT)

    def told(self) -> str:
        return self.window.status.currentMessage()

    def log(self) -> list[str]:
        return [row.message for row in self.hub.log.rows]


@pytest.fixture
def devices(server: ScpiServer, open_window: Callable[..., WindowBench]) -> DockBench:
    """The window with its Devices dock, which is closed before the instrument is switched off."""
    return DockBench(open_window())


@pytest.fixture
def server() -> Iterator[ScpiServer]:
    """An instrument on a socket."""
    with ScpiServer() as server:
        yield server


def visa(server: ScpiServer, more: str = "") -> str:
    return f"visa:{server.address}?id=dmm&query=MEAS?&rate=50{more}"


def key(widget: Any, *keys: Any) -> None:
    for one in keys:
        if isinstance(one, str):
            QTest.keyClicks(widget, one)
        else:
            QTest.keyClick(widget, one)


def test_with_nothing_there_one_click_shows_a_reading(devices):
    """An empty dock says what to do; its button adds a simulated multimeter whose readings are a metric."""
    assert devices.panel.add_button.isVisible()
    assert "No instruments" in " ".join(
        label.text() for label in devices.panel.findChildren(QLabel) if label.isVisible()
    )
    QTest.mouseClick(devices.panel.try_button, LEFT)
    assert devices.until_value().endswith(" V")
    row = devices.row()
    assert (row.state, row.name) == (State.STREAMING, "multimeter · voltage")
    assert "simulated multimeter" in row.identity
    devices.bench.until(lambda: any(name == "voltage" for _, name, _ in devices.hub.series.curves))
    assert devices.panel.table.isVisible()


def test_the_toolbar_steers_a_device(devices):
    """Pause, Resume and Stop of the toolbar reach the stream; the row shows what became of it."""
    devices.open(SIM)
    toolbar = devices.window.toolbar
    for name, state in (("pause", State.PAUSED), ("resume", State.STREAMING), ("stop", State.CONNECTED)):
        devices.bench.until(toolbar.button(name).isEnabled, name)
        QTest.mouseClick(toolbar.button(name), LEFT)
        if name == "stop":
            box = devices.bench.dialog(QMessageBox)
            QTest.mouseClick(box.defaultButton(), LEFT)
        devices.until_state(state)


def test_the_dock_steers_a_device(devices):
    """Each command does its work and is offered only where it makes sense."""
    devices.open(SIM)
    for name, state in (
        ("pause", State.PAUSED),
        ("resume", State.STREAMING),
        ("stop", State.CONNECTED),
        ("start", State.STREAMING),
        ("disconnect", State.DISCONNECTED),
        ("start", State.STREAMING),
    ):
        devices.bench.until(devices.panel.actions_by_name[name].isEnabled, name)
        devices.click(name)
        devices.until_state(state)
    assert not devices.panel.actions_by_name["start"].isEnabled()
    assert not devices.panel.actions_by_name["resume"].isEnabled()


def test_connect_alone_does_not_stream(devices, server):
    """A device that is only connected answers the console and is not asked for readings."""
    devices.open(visa(server))
    devices.click("disconnect")
    devices.until_state(State.DISCONNECTED)
    devices.bench.run(devices.bench.sources.close())
    before = server.measured
    devices.click("connect")
    devices.until_state(State.CONNECTED)
    devices.panel.console.line.setText("ECHO? hello")
    devices.panel.console.send()
    devices.bench.until(lambda: "hello" in devices.panel.console.transcript.toPlainText().splitlines())
    assert server.measured <= before + 1


def test_a_device_is_added_with_the_keyboard(devices, server):
    """Insert, the address and query typed, Enter: readings of a real instrument arrive, with its identity."""
    devices.panel.table.setFocus()
    devices.panel.ask_add()
    dialog = devices.bench.dialog(DeviceDialog)
    address, query = (dialog.form.editors[name] for name in ("address", "query"))
    address.setFocus()
    key(address, server.address)
    key(query, "MEAS?")
    key(dialog.unit, "mV", Qt.Key.Key_Return)
    assert devices.until_value().endswith(" mV")
    row = devices.row()
    assert (row.spec.id, row.identity, row.errors) == ("instrument", IDENTITY, 0)


def test_the_dialog_says_what_is_wrong(devices, server):
    """Each mistake is one sentence that names the field; nothing is added."""
    devices.open(SIM)
    devices.panel.ask_add()
    dialog = devices.bench.dialog(DeviceDialog)

    def answer() -> str:
        QTest.mouseClick(dialog.add_button, LEFT)
        return dialog.answer.text()

    assert answer() == "Address is missing, such as TCPIP::192.168.0.5::5025::SOCKET"
    dialog.form.editors["address"].setText(server.address)
    dialog.rate.setText("fast")
    assert answer() == "Rate is 'fast', but must be a number of readings a second, such as 10"
    dialog.rate.setText("1e9")
    assert answer().startswith("Rate must be 0.0001 to 100000")
    dialog.rate.setText("10")
    dialog.id.selectAll()
    key(dialog.id, "dmm")
    assert answer() == "There is already a device dmm: choose another name"
    key(dialog.id, " b")
    assert "letters, digits" in answer()
    dialog.reject()
    assert len(devices.panel.specs()) == 1


def test_a_device_can_be_tried_before_it_is_added(devices, server):
    """Try it tells who answers, or why nobody does; the window is not held up."""
    devices.panel.ask_add()
    dialog = devices.bench.dialog(DeviceDialog)
    dialog.form.editors["address"].setText(server.address)
    QTest.mouseClick(dialog.try_button, LEFT)
    devices.bench.until(lambda: dialog.answer.text() != "Asking…", timeout_s=LONG_S)
    assert dialog.answer.text() == f"It answers as {IDENTITY}"
    dialog.reject()
    assert not devices.panel.specs()


def test_what_the_dialog_does_not_ask_first_is_under_more(devices):
    """Lists stand one a line, escapes are read, and an edited device shows what it was described with."""
    devices.panel.ask_add()
    dialog = devices.bench.dialog(DeviceDialog)
    dialog.more.click()
    form = dialog.form.editors
    form["address"].setText("TCPIP::127.0.0.1::9::SOCKET")
    form["initialize"].setPlainText("*RST\n\nCONF:VOLT 10")
    form["write_termination"].setText("\\r\\n")
    form["identify"].setText("false")
    spec = dialog.spec()
    assert spec.params == {
        "address": "TCPIP::127.0.0.1::9::SOCKET",
        "initialize": ["*RST", "CONF:VOLT 10"],
        "write_termination": "\r\n",
        "identify": False,
    }
    dialog.show_spec(spec)
    assert dialog.spec() == spec
    dialog.reject()


def test_the_console_answers_and_is_recorded(devices, server):
    """A command, its answer in the console and as a row of the log; the arrow keys bring commands back."""
    devices.open(visa(server))
    line = devices.panel.console.line
    said = devices.panel.console.transcript
    line.setFocus()
    key(line, "*IDN?", Qt.Key.Key_Return)
    devices.bench.until(lambda: IDENTITY in said.toPlainText())
    key(line, "ECHO? 42", Qt.Key.Key_Return)
    devices.bench.until(lambda: "42" in said.toPlainText().splitlines())
    assert f"*IDN? → {IDENTITY}" in devices.log()
    key(line, "half", Qt.Key.Key_Up)
    assert line.text() == "ECHO? 42"
    key(line, Qt.Key.Key_Up)
    assert line.text() == "*IDN?"
    key(line, Qt.Key.Key_Down, Qt.Key.Key_Down)
    assert line.text() == "half"


def test_the_console_says_why_there_is_no_answer(devices, server, expect_log):
    """A timeout, a device that takes no commands, one that is not connected: each a sentence, and a row of the log."""
    expect_log("no answer", at_least=1)
    devices.open(visa(server, "&timeout_s=0.2"))
    console = devices.panel.console
    console.line.setText("NOBODY:KNOWS?")
    console.send()
    devices.bench.until(lambda: "nothing came within 0.2 s" in console.transcript.toPlainText())
    assert any(row.startswith("NOBODY:KNOWS? ✕ nothing came") for row in devices.log())
    devices.click("disconnect")
    devices.until_state(State.DISCONNECTED)
    console.line.setText("*IDN?")
    console.send()
    assert "not connected" in console.transcript.toPlainText()


def test_a_device_without_commands_says_so(devices):
    """This computer measures itself, but takes no commands."""
    devices.open("device:system?rate=5")
    devices.panel.console.line.setText("*IDN?")
    devices.panel.console.send()
    assert "takes no commands" in devices.panel.console.transcript.toPlainText()
    assert "cpu_percent" in devices.until_value()


def test_the_rate_is_edited_in_place(devices):
    """F2, a number, Enter: the device streams at it, also when it is connected anew or the window started again."""
    devices.open(SIM)
    table = devices.panel.table
    table.setFocus()
    key(table, Qt.Key.Key_F2)
    editor = table.findChild(QLineEdit)
    assert editor.text() == "50"
    editor.selectAll()
    key(editor, "25 Hz", Qt.Key.Key_Return)
    devices.bench.until(lambda: devices.row().rate_hz == 25.0)
    (saved,) = devices.bench.sources.saved()
    assert "rate=25" in saved.url
    devices.click("disconnect")
    devices.until_state(State.DISCONNECTED)
    devices.click("start")
    devices.until_state(State.STREAMING)
    assert devices.row().rate_hz == 25.0


def test_a_wrong_rate_is_refused_with_a_sentence(devices):
    """What is no rate, or out of bounds, changes nothing."""
    devices.open(SIM)
    devices.panel.model.setData(devices.panel.model.index(0, 3), "much")
    assert "is no number of readings a second" in devices.told()
    devices.panel.model.setData(devices.panel.model.index(0, 3), "0")
    assert "must be" in devices.told()
    assert devices.row().rate_hz == 50.0


def test_a_rate_set_as_a_parameter_is_remembered(devices):
    """The Parameters dock sets the same rate: it holds for the next start as well."""
    name = devices.open(SIM)
    devices.bench.until(lambda: devices.hub.producers[name].run is not None)
    devices.bench.sources.send([name], "set", {"name": "rate_hz", "value": 20.0})
    devices.bench.until(lambda: "rate=20" in devices.hub.producers[name].url)
    assert devices.row().rate_hz == 20.0


def test_an_edited_device_keeps_its_data(devices, server):
    """Another query under the same key: the curve goes on, the answers are those of the new question."""
    name = devices.open(visa(server))
    devices.until_value()
    devices.panel.ask_edit()
    dialog = devices.bench.dialog(DeviceDialog)
    assert (dialog.windowTitle(), dialog.form.editors["query"].text()) == ("Edit dmm", "MEAS?")
    dialog.form.editors["query"].setText("ECHO? 7777")
    QTest.mouseClick(dialog.add_button, LEFT)
    devices.bench.until(lambda: devices.row().value == "7777", timeout_s=LONG_S)
    assert devices.row().key == name
    assert len(devices.hub.producers) == 1


def test_removing_asks_first(devices):
    """Delete asks; Cancel keeps the device, Remove closes it and forgets its data."""
    devices.open(SIM)
    devices.panel.table.setFocus()
    for name, left in (("Cancel", 1), ("Remove", 0)):
        devices.panel.ask_remove()
        box = devices.bench.dialog(QMessageBox)
        assert box.text() == "Remove dmm and all data kept of it?"
        QTest.mouseClick(next(one for one in box.buttons() if one.text().replace("&", "") == name), LEFT)
        devices.bench.until(lambda left=left: len(devices.hub.producers) == left)
    devices.panel.refresh()
    assert devices.panel.add_button.isVisible()


def test_a_bench_is_saved_and_opened(devices, tmp_path):
    """All devices stand in the file, comments stay; opened again, those that are missing are added and stream."""
    devices.open(SIM)
    path = tmp_path / "bench.toml"
    path.write_text('# our bench\n[[device]]\nid = "dmm"\nkind = "sim"\nmodel = "multimeter" # the old one\n')
    devices.panel.bench.save(path)
    devices.bench.until(lambda: devices.told() == "Saved bench.toml")
    text = path.read_text()
    assert "# our bench" in text
    assert "# the old one" in text
    assert "rate_hz = 50" in text
    devices.panel._remove([devices.row().key])
    devices.panel.bench.open(path)
    devices.bench.until(lambda: devices.panel.specs())
    devices.until_state(State.STREAMING)
    devices.panel.bench.open(tmp_path / "none.toml")
    devices.bench.until(lambda: "Not opened" in devices.told() and "none.toml" in devices.told())


def test_a_scan_lists_what_a_library_knows(devices, tmp_path):
    """Each resource with its identity; Add opens the dialog with its address. A scan can be given up."""
    from importlib.resources import files

    library = tmp_path / "multimeter.yaml"
    library.write_bytes(files("dockscope.resources").joinpath("simulated/multimeter.yaml").read_bytes())
    dialog = ScanDialog(devices.panel, f"{library}@sim")
    dialog.cancel()
    assert (dialog.told.text(), dialog.scan_button.text()) == ("Cancelled.", "Scan again")
    dialog.chosen.connect(devices.panel._add_found)
    dialog.open()
    QTest.mouseClick(dialog.scan_button, LEFT)
    found = dialog.found
    devices.bench.until(lambda: found.topLevelItemCount() == 1, timeout_s=LONG_S)
    item = found.topLevelItem(0)
    assert item is not None
    assert "simulated multimeter" in item.text(1)
    QTest.mouseClick(dialog.add_button, LEFT)
    adding = devices.bench.dialog(DeviceDialog)
    assert adding.spec().params == {
        "address": "USB0::0x1209::0xD0C1::DMM-1::0::INSTR",
        "visa_library": f"{library}@sim",
    }
    adding.reject()


def test_rows_are_copied_as_text(devices):
    """Ctrl+C copies the chosen row; the table of the dock is CSV with a head."""
    devices.open(SIM)
    devices.until_value()
    devices.panel.copy()
    cells = QGuiApplication.clipboard().text().split("\t")
    assert cells[:2] == ["▶ Streaming", "dmm"]
    assert devices.dock.csv().splitlines()[0].startswith("State,Name,Last value,Rate")
    assert "Copy rows" in [action.text() for action in devices.dock.context_menu().actions()]


def test_a_device_that_fails_says_why(devices, expect_log):
    """An address where nobody listens is retried, with its reason; an unknown kind has failed for good."""
    expect_log("refused|closed|not-there", at_least=0)
    expect_log("nothing", at_least=0)
    with ScpiServer() as gone:
        address = gone.address
    devices.open(f"visa:{address}?id=not-there", State.RETRYING)
    assert devices.row().detail
    assert not devices.row().detail.startswith("not-there:")
    devices.click("stop")
    devices.bench.until(lambda: not devices.panel.orders.instrument(devices.row().key).is_wanted)


def test_devices_come_back_as_they_were_left(open_window, settings):
    """Saved sources are listed offline, in the dock too, with their rate; Start connects them."""
    settings.sources = [SourceSetting(SIM)]
    devices = DockBench(open_window(settings=settings))
    row = devices.row()
    assert (row.state, row.name, row.rate_hz) == (State.DISCONNECTED, "dmm", 50.0)
    devices.click("start")
    devices.until_state(State.STREAMING)
    assert [saved.url for saved in devices.bench.sources.saved()] == [SIM]


def test_a_saved_url_that_is_broken_is_told(open_window, tmp_path):
    """It is listed with the reason and can be removed."""
    settings = Settings(tmp_path / "broken.json")
    settings.sources = [SourceSetting("sim:multimeter?rate=fast")]
    devices = DockBench(open_window(settings=settings))
    assert (devices.row().state, devices.row().spec) == (State.FAILED, None)
    assert "rate_hz" in devices.row().detail
    assert not devices.panel.actions_by_name["start"].isEnabled()
    devices.panel._remove([devices.row().key])
    devices.panel.refresh()
    assert not devices.panel.model.rows


def test_without_pyvisa_the_dock_says_how_to_add_it(open_window, monkeypatch):
    """The pip command stands in the dock and in the dialog for the kinds that need it."""
    monkeypatch.setitem(sys.modules, "pyvisa", None)
    devices = DockBench(open_window())
    shown = [label.text() for label in devices.panel.findChildren(QLabel) if label.isVisible()]
    assert any("pip install 'dockscope[devices]'" in text for text in shown)
    devices.panel.ask_add()
    dialog = devices.bench.dialog(DeviceDialog)
    assert "pip install" in dialog.answer.text()
    dialog.kind.setCurrentIndex(dialog.kind.findData("system"))
    assert dialog.answer.text() == ""
    dialog.reject()


def test_a_hidden_dock_asks_nothing(devices):
    """Closed, its rows stay as they were while the device streams on."""
    devices.open(SIM)
    devices.window.window_actions["devices"].trigger()
    assert not devices.dock.isVisible()
    rows = list(devices.panel.model.rows)
    (name,) = devices.hub.producers
    before = devices.panel.orders.instrument(name).statistics().samples
    devices.bench.until(lambda: devices.panel.orders.instrument(name).statistics().samples > before + 30)
    assert devices.panel.model.rows == rows
