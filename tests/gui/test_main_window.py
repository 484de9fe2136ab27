"""The whole window: sessions, layouts, commands, keys."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QInputDialog, QLabel, QMessageBox, QPushButton

from dockscope import Broadcaster
from dockscope.core.dialects.base import ProbeResult
from dockscope.core.messages import ControlState, Kind
from dockscope.core.run_control import LinkState, Stage
from dockscope.core.settings import SourceSetting
from dockscope.gui.actions import SPECS
from dockscope.gui.connect_dialog import ConnectDialog
from dockscope.gui.dock_catalog import STANDING_KINDS
from dockscope.gui.shortcuts_dialog import ShortcutsDialog
from fakes import FakeProducer

from .conftest import HELLO, KEY

OTHER = "dockscope://127.0.0.1:5561"


def key(window, name):
    QTest.keyClick(window, name)


def trigger(bench, name):
    bench.window.window_actions[name].trigger()
    bench.spin()


def tell_run(hub, run, producer=KEY, **fields):
    hub.producers[producer].run = ControlState(run=run, **fields)


def two_producers(hub):
    hub.add(OTHER, OTHER)
    hub.greet(OTHER, replace(HELLO, producer=b"q" * 16, name="other", role="observe"), "observe")
    hub.link(OTHER, LinkState.LIVE)


class FakeSource:
    """Write down what is sent to a producer."""

    def __init__(self, key_, url):
        self.key, self.url = key_, url
        self.parts = {}
        self.sent = []
        self.retried = []

    def start(self):
        """Nothing to connect."""

    def send(self, command, args=None):
        self.sent.append((command, args))
        return b"id"

    def retry(self, id_):
        self.retried.append(id_)
        return True

    async def close(self):
        """Nothing to close."""


@pytest.fixture
def watched(open_window, hub):
    """A window with two live producers whose sources write down what is sent: ``bench, {key: source}``."""
    two_producers(hub)
    tell_run(hub, "RUNNING")
    tell_run(hub, "RUNNING", OTHER)
    bench = open_window(hub=hub)
    sources = {key_: FakeSource(key_, key_) for key_ in (KEY, OTHER)}
    bench.sources._open.update(sources)
    bench.show()
    bench.window._on_sources()
    return bench, sources


# sessions


def test_with_nothing_connected_the_window_says_what_to_do(open_window, settings):
    """The welcome page offers the demo, a connection, instruments and the URLs used lately, five of them."""
    settings.recent_urls = [f"dockscope://127.0.0.1:{port}" for port in range(9000, 9007)]
    bench = open_window()
    window = bench.show()
    assert window.welcome.isVisible()
    texts = [button.text() for button in window.welcome.findChildren(QPushButton) if button.isVisible()]
    assert texts == ["Start the demo", "Connect…", "Instruments of this computer…", *settings.recent_urls[:5]]


def test_while_the_demo_starts_its_button_is_not_offered(open_window):
    """The docks are shown and say what they wait for; when nothing came of it the welcome page is back."""
    bench = open_window()
    window = bench.show()
    window.expect_producers(True, "Starting the demo's producers…")
    assert not window.welcome.isVisible()
    assert "demo" in window.status.currentMessage()
    window.expect_producers(False)
    assert window.welcome.isVisible()


def test_sources_come_back_offline_and_are_not_connected(open_window, settings, qtbot):
    """A restart lists them with their names and the way to connect, and opens no link."""
    settings.sources = [SourceSetting(KEY, "mine", "trainer"), SourceSetting(OTHER, None, "theirs")]
    bench = open_window()
    window = bench.show()
    assert [p.name for p in bench.hub.producers.values()] == ["mine", "theirs"]
    assert {p.link for p in bench.hub.producers.values()} == {LinkState.CLOSED}
    assert {p.link_detail for p in bench.hub.producers.values()} == {"offline – Connect"}
    assert not bench.sources.is_open(KEY)
    assert not window.welcome.isVisible()
    assert window.toolbar.state.text == "Offline (2)"


def test_connect_at_start_connects_by_itself(open_window, settings):
    """With the setting on, the sources of the last session are connected; this one is really there."""
    with Broadcaster("tcp://127.0.0.1:0", name="really here") as broadcaster:
        settings.sources = [SourceSetting(broadcaster.url)]
        settings.connect_at_start = True
        bench = open_window()
        bench.show()
        bench.until(lambda: [p.link for p in bench.hub.producers.values()] == [LinkState.LIVE])
        assert [p.name for p in bench.hub.producers.values()] == ["really here"]
        bench.run(bench.sources.close())


def test_a_url_connects_and_is_remembered(open_window, settings):
    """A URL given at the start connects at once, leads the recent ones and is a source of the next session."""
    with Broadcaster("tcp://127.0.0.1:0", name="trainer") as broadcaster:
        bench = open_window()
        window = bench.show()
        window.connect_url(broadcaster.url)
        bench.until(lambda: window.toolbar.state.text == "Running (1)" or "Running" in window.toolbar.state.text)
        assert not window.welcome.isVisible()
        window.close()
        assert [source.told_name for source in settings.sources] == ["trainer"]
        assert settings.recent_urls == [broadcaster.url]  # as given
        assert settings.sources[0].url == broadcaster.url.replace("tcp://", "dockscope://")  # as found
        bench.run(bench.sources.close())


def test_a_wrong_url_is_told_with_a_way_on(open_window):
    """The banner says what is wrong and offers the dialog."""
    bench = open_window()
    window = bench.show()
    window.connect_url("gopher://nowhere")
    assert window.banner.isVisible()
    assert "gopher" in window.banner.label.text()
    window.banner.action.click()
    assert bench.dialog(ConnectDialog)


def test_the_session_comes_back_on_a_smaller_screen(open_window, settings):
    """A window as large as two screens, saved on another one, lies within the screen there is."""
    first = open_window()
    window = first.show()
    window.setGeometry(3000, 2000, 3840, 2160)
    window.close()
    second = open_window()
    second.window.restore()
    second.window.show()
    second.spin(10)
    screen = second.window.screen().availableGeometry()
    least = second.window.minimumSizeHint()
    frame = second.window.geometry()
    assert screen.contains(frame.topLeft())
    assert frame.width() <= max(screen.width(), least.width())
    assert frame.height() <= max(screen.height(), least.height())


def test_rubbish_in_the_saved_session_is_survived(open_window, settings):
    """Geometry, layout and sources of a damaged file leave a usable window."""
    settings.geometry = "<rubbish>"
    settings.layout = {"docks": [{"name": "log-1", "view": {"level": 3}}], "state": "AAAA"}
    settings.sources = [SourceSetting("no url"), SourceSetting(KEY)]
    bench = open_window()
    window = bench.show()
    assert list(bench.hub.producers) == [KEY]
    assert {dock.kind for dock in window.docks.docks()} == set(STANDING_KINDS)


def test_layout_and_view_settings_come_back(open_window, settings, hub):
    """What was closed stays closed, what was chosen stays chosen."""
    first = open_window(hub=hub)
    window = first.show()
    window.docks.dock("log-1").restore_view_state({"level": "Error", "search": "x"})
    window.docks._holders["data-1"].closeDockWidget()
    window.close()
    settings.save()
    assert settings.load() == ""
    second = open_window()
    docks = second.show().docks
    assert docks._holders["data-1"].isClosed()
    assert docks.dock("log-1").view_state() == {"level": "Error", "search": "x"}


def test_the_least_size_of_the_window_leaves_room_for_small_screens(watched):
    """The window can be made 1280×720, also with a long sentence in the banner and a long state."""
    bench, _ = watched
    bench.window.banner.tell("word " * 60, "error")
    bench.hub.link(KEY, LinkState.CONNECTING, "a very long sentence that says why it cannot connect " * 3)
    bench.window.toolbar.choose_target(KEY)
    bench.spin(5)
    least = bench.window.minimumSizeHint()
    assert least.width() <= 1280
    assert least.height() <= 720


# named layouts


def test_named_layouts_are_saved_opened_and_removed(watched, monkeypatch):
    """The Layouts menu lists what was saved, literally; opening brings the arrangement back."""
    bench, _ = watched
    window = bench.window
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("  R&D  <b> ", True))
    menu_action(bench, "Save this layout…").trigger()
    assert list(bench.settings.layouts) == ["R&D <b>"]
    log = window.docks._holders["log-1"]
    log.closeDockWidget()
    bench.spin()
    menu_action(bench, "R&&D <b>").trigger()
    assert not log.isClosed()
    remove = next(action for action in layouts_menu(bench).actions() if action.text() == "Remove").menu()
    remove.actions()[0].trigger()
    assert bench.settings.layouts == {}


def layouts_menu(bench):
    menu = bench.window._layouts_menu
    menu.aboutToShow.emit()
    return menu


def menu_action(bench, text):
    return next(action for action in layouts_menu(bench).actions() if action.text() == text)


def test_cancel_saves_no_layout(watched, monkeypatch):
    """Cancel in the name dialog saves nothing."""
    bench, _ = watched
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("name", False))
    menu_action(bench, "Save this layout…").trigger()
    assert bench.settings.layouts == {}


def test_view_menu_reopens_and_opens_more(watched):
    """Every dock has a tick; “One more” opens a second one of a kind."""
    bench, _ = watched
    window = bench.window
    window.docks._holders["log-1"].closeDockWidget()
    window._view_menu.aboutToShow.emit()
    actions = {action.text(): action for action in window._view_menu.actions()}
    assert not actions["Log"].isChecked()
    actions["Log"].trigger()
    assert not window.docks._holders["log-1"].isClosed()
    more = {action.text(): action for action in actions["One more"].menu().actions()}
    assert list(more) == [kind.title for kind in STANDING_KINDS.values()]
    more["Metrics"].trigger()
    assert window.docks.dock("metrics-2").kind == "metrics"


# actions and keys


def test_every_action_has_text_tooltip_and_a_shortcut_of_its_own(watched):
    """No action is without words or key, and no key means two things."""
    bench, _ = watched
    actions = bench.window.window_actions
    assert list(actions) == [spec.name for spec in SPECS]
    shortcuts = [action.shortcut().toString() for action in actions.values()]
    assert all(shortcuts)
    assert len(set(shortcuts)) == len(shortcuts)
    for action in actions.values():
        assert action.text()
        assert len(action.toolTip()) > len(action.text())


def test_f1_lists_every_action_with_its_shortcut(watched):
    """The dialog names each action beside its key."""
    bench, _ = watched
    key(bench.window, Qt.Key.Key_F1)
    dialog = bench.dialog(ShortcutsDialog)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    for action in bench.window.window_actions.values():
        assert action.text().rstrip("…") in texts
        assert action.shortcut().toString() in texts
    dialog.close()


def test_space_freezes_and_goes_on(watched, qtbot):
    """Space stops painting and shows the band; again it goes on. The action follows."""
    bench, _ = watched
    window = bench.window
    window.centralWidget().setFocus()
    key(window, Qt.Key.Key_Space)
    assert bench.clock.frozen
    assert window.window_actions["freeze"].isChecked()
    assert window.freeze_band.isVisible()
    assert window.freeze_band.label.text() == "Frozen 0 s – Space"
    bench.clock.frozen_since -= 12
    bench.until(lambda: window.freeze_band.label.text() == "Frozen 12 s – Space")
    key(window, Qt.Key.Key_Space)
    assert not bench.clock.frozen
    assert not window.freeze_band.isVisible()


def test_space_in_a_text_field_types_a_space(watched):
    """In the search field of the Log, Space belongs to the text."""
    bench, _ = watched
    search = bench.window.docks.dock("log-1").search
    search.setFocus()
    bench.until(search.hasFocus)
    QTest.keyClicks(search, "a b")
    assert search.text() == "a b"
    assert not bench.clock.frozen


def test_space_on_a_button_presses_the_button(watched):
    """A button that has the focus keeps its own key."""
    bench, _ = watched
    button = bench.window.toolbar.button("theme")
    button.setFocus()
    bench.until(button.hasFocus)
    before = bench.themes.current
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert bench.themes.current is not before
    assert not bench.clock.frozen


def test_theme_switches_and_repaints_the_icons(watched):
    """Ctrl+T: other colours, other icons, and the settings remember."""
    bench, _ = watched
    action = bench.window.window_actions["pause"]
    before = action.icon().cacheKey()
    QTest.keyClick(bench.window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert bench.themes.current.name == "light"
    assert bench.settings.theme == "light"
    assert action.icon().cacheKey() != before


def test_full_screen_and_back(watched):
    """F11 fills the screen and goes back."""
    bench, _ = watched
    key(bench.window, Qt.Key.Key_F11)
    assert bench.window.isFullScreen()
    key(bench.window, Qt.Key.Key_F11)
    assert not bench.window.isFullScreen()


# commands


def test_commands_go_only_to_targets_that_can_take_them(watched):
    """With all as target, an observer-only producer gets nothing; the other gets the command."""
    bench, sources = watched
    bench.window.toolbar.choose_target(None)
    trigger(bench, "pause")
    assert sources[KEY].sent == [("pause", {})]
    assert sources[OTHER].sent == []


def test_the_chosen_target_decides(watched):
    """One producer as target: its state is shown, and what it cannot do is greyed with the reason."""
    bench, _ = watched
    toolbar = bench.window.toolbar
    toolbar.choose_target(OTHER)
    bench.spin()
    assert toolbar.target.currentText() == "other"
    pause = bench.window.window_actions["pause"]
    assert not pause.isEnabled()
    assert "observe only" in pause.toolTip()
    toolbar.choose_target(KEY)
    assert pause.isEnabled()
    assert not bench.window.window_actions["resume"].isEnabled()


def stop_box(bench):
    return bench.dialog(QMessageBox)


def button_of(box, text):
    return next(button for button in box.buttons() if button.text().replace("&", "") == text)


def test_stop_asks_once_and_then_stops(watched):
    """One question that names the run, and one Stop."""
    bench, sources = watched
    bench.window.toolbar.choose_target(KEY)
    trigger(bench, "stop")
    box = stop_box(bench)
    assert box.text() == "Stop trainer?"
    button_of(box, "Stop the run").click()
    bench.spin()
    assert sources[KEY].sent == [("stop", {})]
    assert not [other for other in bench.window.findChildren(QMessageBox) if other.isVisible()]


@pytest.mark.parametrize("way", ["button", "escape", "close"])
def test_cancel_does_nothing(watched, way):
    """However the question is left, nothing is stopped."""
    bench, sources = watched
    trigger(bench, "stop")
    box = stop_box(bench)
    {
        "button": lambda: box.button(QMessageBox.StandardButton.Cancel).click(),
        "escape": partial(QTest.keyClick, box, Qt.Key.Key_Escape),
        "close": box.close,
    }[way]()
    bench.spin()
    assert sources[KEY].sent == []


def test_stop_after_a_restart_is_refused(watched):
    """The run that was asked about is gone when the answer comes: its successor goes on, and the banner says so."""
    bench, sources = watched
    bench.window.toolbar.choose_target(KEY)
    trigger(bench, "stop")
    bench.hub.greet(KEY, replace(HELLO, producer=b"n" * 16), "operate")
    button_of(stop_box(bench), "Stop the run").click()
    bench.spin()
    assert sources[KEY].sent == []
    assert "restarted" in bench.window.banner.label.text()


def test_the_producer_pauses_on_a_click_and_the_window_follows_its_word(open_window):
    """With a real loop: a click on Pause, Pausing…, then Paused when the loop blocks; Resume likewise."""
    may_check, over = threading.Event(), threading.Event()

    def loop(broadcaster: Broadcaster) -> None:
        while broadcaster.control.checkpoint() and not over.wait(0.002):
            may_check.wait()

    with Broadcaster("tcp://127.0.0.1:0", name="loop") as broadcaster:
        bench = open_window()
        window = bench.show()
        window.connect_url(broadcaster.url)
        watched_loop = threading.Thread(target=loop, args=(broadcaster,), daemon=True)
        watched_loop.start()
        pause, resume = window.toolbar.button("pause"), window.toolbar.button("resume")
        state = window.toolbar.state
        bench.until(lambda: pause.isEnabled())
        QTest.mouseClick(pause, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
        bench.until(lambda: state.text.startswith("Pausing…"))
        may_check.set()
        bench.until(lambda: state.text.startswith("Paused"))
        bench.until(lambda: resume.isEnabled())
        QTest.mouseClick(resume, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
        bench.until(lambda: state.text.startswith("Running"))
        over.set()
        watched_loop.join()
        bench.run(bench.sources.close())


def test_a_command_without_answer_can_be_sent_again(open_window):
    """Not confirmed: the banner offers Retry, which sends the same command under its id; confirmed, it goes."""
    with FakeProducer() as producer:
        producer.answers = {}
        bench = open_window()
        window = bench.show()
        window.connect_url(producer.url)
        bench.until(lambda: window.toolbar.button("pause").isEnabled())
        window.window_actions["pause"].trigger()
        bench.until(lambda: window.banner.isVisible(), "the banner", 6.0)
        assert window.banner.label.text() == "Pause of fake is not confirmed"
        assert window.banner.action.text() == "Retry"
        producer.answers = {"pause": [("accepted", ""), ("effective", "")]}
        window.banner.action.click()
        bench.until(lambda: len(producer.requests_of("pause")) == 2)
        first, second = producer.requests_of("pause")
        assert first.id == second.id
        bench.until(lambda: [c.stage for c in bench.hub.commands.values()] == [Stage.EFFECTIVE])
        assert not window.banner.isVisible()
        bench.run(bench.sources.close())


def test_a_late_answer_takes_the_offer_to_retry_away(watched):
    """Confirmed after all: the banner about it closes; another message would stay."""
    bench, _ = watched
    bench.hub.command(KEY, b"1", "pause", {}, Stage.UNCONFIRMED, "late")
    bench.until(bench.window.banner.isVisible)
    bench.hub.command(KEY, b"1", "pause", {}, Stage.EFFECTIVE)
    bench.until(lambda: not bench.window.banner.isVisible())
    bench.hub.command(KEY, b"2", "pause", {}, Stage.UNCONFIRMED, "late")
    bench.until(bench.window.banner.isVisible)
    bench.window.banner.tell("something else", "error")
    bench.hub.command(KEY, b"2", "pause", {}, Stage.EFFECTIVE)
    bench.spin(20)
    assert bench.window.banner.isVisible()


def test_disconnect_leaves_the_producer_listed(watched):
    """Disconnect closes the links of the target and keeps their data."""
    bench, _ = watched
    bench.window.toolbar.choose_target(KEY)
    trigger(bench, "disconnect")
    assert not bench.sources.is_open(KEY)
    assert bench.sources.is_open(OTHER)
    assert KEY in bench.hub.producers


def test_closing_while_a_url_is_asked_leaves_no_task(open_window):
    """The window closes with its dialogs, and the question dies with them."""
    asking: list[asyncio.Future[ProbeResult]] = []

    async def never(url: str) -> ProbeResult:
        asking.append(asyncio.get_running_loop().create_future())
        return await asking[-1]

    bench = open_window(ask=never)
    window = bench.show()
    window.ask_connect()
    bench.dialog(ConnectDialog).url.setCurrentText("dockscope://127.0.0.1:9")
    bench.until(lambda: asking)
    window.close()
    bench.until(lambda: all(future.cancelled() for future in asking))


def test_screenshot_is_saved_and_a_bad_path_is_told(watched, tmp_path, monkeypatch):
    """Ctrl+Shift+S writes a PNG of the window; a path that cannot be written is told."""
    bench, _ = watched
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "shot.png"), ""))
    trigger(bench, "screenshot")
    assert (tmp_path / "shot.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "shot.png"), ""))
    trigger(bench, "screenshot")
    assert bench.window.status.currentMessage().startswith("Cannot write")


def test_data_flow_into_the_window(open_window):
    """What a producer publishes is in the stores of the window's hub, and the docks leave their empty page."""
    with Broadcaster("tcp://127.0.0.1:0", name="trainer") as broadcaster:
        bench = open_window()
        window = bench.show()
        window.connect_url(broadcaster.url)
        broadcaster.publish_metric("loss", 0.5, step=1)
        broadcaster.publish_log("info", "hello")
        broadcaster.publish_data("sizes", {"a": 1})
        bench.until(lambda: not window.docks.dock("metrics-1").empty_text)
        bench.until(lambda: not window.docks.dock("data-1").empty_text)
        bench.until(lambda: (str(Kind.METRIC), "loss") in next(iter(bench.hub.producers.values())).streams)
        bench.run(bench.sources.close())


def test_settings_dialog_button_box_exists(watched):
    """Ctrl+, opens the settings."""
    bench, _ = watched
    trigger(bench, "settings")
    dialog = bench.dialog()
    assert dialog.findChild(QDialogButtonBox) is not None
    dialog.reject()
