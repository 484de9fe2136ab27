"""What the window asks for a source: a password, which streams."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget

from conduit_raw import PASSWORD, our_server
from dockscope.core.run_control import LinkState
from dockscope.gui.asker import WindowAsker
from dockscope.gui.password_dialog import PasswordDialog
from dockscope.gui.streams_dialog import StreamsDialog

PLACE = "127.0.0.1:8080"


@pytest.fixture
def asker(bench, qtbot) -> WindowAsker:
    """An asker with a window to hang its dialogs on."""
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    asker = WindowAsker()
    asker.parent = parent
    return asker


def shown(kind):
    """Give the dialog of this kind that is open, or None."""
    open_now = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind) and widget.isVisible()]
    return open_now[0] if open_now else None


def words(dialog: QWidget | None) -> str:
    assert dialog is not None
    return " ".join(label.text() for label in dialog.findChildren(QLabel))


def test_a_password_is_asked_for_once_and_kept(bench, asker, wait_for_async):
    """The dialog hides what is typed, takes nothing empty, and is not shown again for the same place."""

    async def scenario():
        asking = asyncio.ensure_future(asker.password(PLACE))
        dialog = await wait_for_async(lambda: shown(PasswordDialog))
        assert dialog.password.echoMode() is QLineEdit.EchoMode.Password
        assert f"{PLACE} asks for a password" in words(dialog)
        assert not dialog.connect_button.isEnabled()
        QTest.keyClicks(dialog.password, PASSWORD)
        assert dialog.connect_button.isEnabled()
        QTest.keyClick(dialog.password, Qt.Key.Key_Return)
        assert await asking == PASSWORD
        assert await asker.password(PLACE) == asker.known(PLACE) == PASSWORD
        assert shown(PasswordDialog) is None

    bench.run(scenario())


def test_a_refused_password_is_asked_for_in_other_words(bench, asker, wait_for_async):
    """After a refusal the dialog says so; Escape gives no password; received text is shown as it is."""

    async def scenario():
        place = "<b>x</b>\nhost:1"
        asker.remember(place, "wrong")
        asker.refuse(place)
        asking = asyncio.ensure_future(asker.password(place))
        dialog = await wait_for_async(lambda: shown(PasswordDialog))
        assert "<b>x</b> host:1 refused the password" in words(dialog)
        assert all(label.textFormat() is Qt.TextFormat.PlainText for label in dialog.findChildren(QLabel))
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        assert await asking is None

    bench.run(scenario())


def test_dialogs_come_one_at_a_time_and_leave_with_their_source(bench, asker, wait_for_async):
    """Two places are asked for one after the other; who gives up asking takes the dialog away."""

    async def scenario():
        first, second = (asyncio.ensure_future(asker.password(place)) for place in ("a:1", "b:2"))
        dialog = await wait_for_async(lambda: shown(PasswordDialog))
        assert "a:1" in words(dialog)
        assert len([one for one in QApplication.topLevelWidgets() if isinstance(one, PasswordDialog)]) == 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await wait_for_async(lambda: shown(PasswordDialog) and "b:2" in words(shown(PasswordDialog)))
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert shown(PasswordDialog) is None

    bench.run(scenario())


def test_streams_are_chosen_or_all_taken(bench, asker, wait_for_async):
    """Ticked streams are the choice; without a tick only all can be taken; a single stream is not asked about."""

    async def scenario():
        assert await asker.streams(PLACE, ["only one"]) is None
        names = ["sensors", "<i>camera</i>", "x" * 200]
        asking = asyncio.ensure_future(asker.streams(PLACE, names))
        dialog = await wait_for_async(lambda: shown(StreamsDialog))
        assert PLACE in words(dialog)
        assert [dialog.list.item(row).text() for row in range(2)] == names[:2]
        assert not dialog.chosen_button.isEnabled()
        dialog.list.item(1).setCheckState(Qt.CheckState.Checked)
        dialog.list.itemActivated.emit(dialog.list.item(2))
        dialog.list.itemActivated.emit(dialog.list.item(0))
        dialog.list.itemActivated.emit(dialog.list.item(0))
        dialog.chosen_button.click()
        assert await asking == names[1:]

        asking = asyncio.ensure_future(asker.streams(PLACE, names))
        dialog = await wait_for_async(lambda: shown(StreamsDialog))
        dialog.all_button.click()
        assert await asking is None

    bench.run(scenario())


def test_without_a_window_nobody_is_asked(bench):
    """As long as there is no window, what is known is given, and all streams are taken."""

    async def scenario():
        asker = WindowAsker("given")
        assert await asker.password(PLACE) == "given"
        asker.refuse(PLACE)
        assert await asker.password(PLACE) is None
        assert await asker.streams(PLACE, ["a", "b"]) is None

    bench.run(scenario())


def test_connecting_to_conduit_asks_and_then_shows(open_window, wait_for_async):
    """The password is asked for, again by Connect for who declined; streams are chosen, data shown, nothing saved."""
    bench = open_window()
    bench.show()

    async def scenario():
        async with our_server(name="lab") as (_, streams, port):
            sensors, camera = streams.create("sensors"), streams.create("camera")
            url = f"conduit://127.0.0.1:{port}"
            bench.window.connect_url(url)
            declined = await wait_for_async(lambda: shown(PasswordDialog))
            QTest.keyClick(declined, Qt.Key.Key_Escape)
            (producer,) = bench.hub.producers.values()
            await wait_for_async(lambda: "Connect again to be asked" in producer.link_detail)
            bench.window.connect_url(url)
            dialog = await wait_for_async(lambda: shown(PasswordDialog))
            QTest.keyClicks(dialog.password, PASSWORD)
            dialog.connect_button.click()
            choice = await wait_for_async(lambda: shown(StreamsDialog))
            choice.list.item(0).setCheckState(Qt.CheckState.Checked)
            choice.chosen_button.click()
            await wait_for_async(lambda: sensors.subscriber_count)
            assert camera.subscriber_count == 0
            await sensors.push({"temperature": 21.5})
            key = (producer.key, "sensors.temperature", ())
            await wait_for_async(lambda: key in bench.hub.series.curves)
            assert (producer.link, producer.hello and producer.hello.name) == (LinkState.LIVE, "lab")
            (saved,) = bench.sources.saved()
            assert saved.url == f"conduit://127.0.0.1:{port}?only=sensors"
            assert PASSWORD not in repr(bench.settings)
            told = await bench.sources.probe(saved.url)
            assert (told.ok, told.name) == (True, "lab")  # known by now, nobody is asked
            await bench.sources.close()

    bench.run(scenario())
