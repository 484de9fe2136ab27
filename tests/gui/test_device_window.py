"""A device server in the window: which devices is asked, their streams are ticks, tasks follow the toolbar."""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel

from device_replay import ReplayServer
from dockscope.core.run_control import LinkState
from dockscope.gui.streams_dialog import StreamsDialog

READING = b'id: 0\r\nevent: device_data\r\ndata: {"power_mw": 3.5}\r\n\r\n'


def shown_dialog() -> StreamsDialog | None:
    """Return the dialog that is open, or None."""
    open_now = [one for one in QApplication.topLevelWidgets() if isinstance(one, StreamsDialog) and one.isVisible()]
    return open_now[0] if open_now else None


def test_connecting_asks_which_devices_and_shows_the_chosen(open_window, wait_for_async):
    """Those that stream are offered; the ticked one is started, shown and saved as the choice, the other left alone."""
    bench = open_window()
    bench.show()

    async def scenario():
        async with ReplayServer() as server:
            server.streams["daq2"] = deque([[READING, None]])
            bench.window.connect_url(server.url)
            dialog = await wait_for_async(shown_dialog)
            assert dialog.windowTitle() == "Devices"
            words = " ".join(label.text() for label in dialog.findChildren(QLabel))
            assert words == f"127.0.0.1:{server.port} offers these devices. All includes those that come later."
            assert [dialog.list.item(row).text() for row in range(dialog.list.count())] == ["daq1", "daq2"]
            dialog.list.item(1).setCheckState(Qt.CheckState.Checked)
            dialog.chosen_button.click()
            (producer,) = bench.hub.producers.values()
            key = (producer.key, "daq2.power_mw", ())
            await wait_for_async(lambda: key in bench.hub.series.curves)
            assert (server.visits("daq1"), producer.link) == (0, LinkState.LIVE)
            (saved,) = bench.sources.saved()
            assert saved.url == f"{server.url}?only=daq2"
            assert producer.run is not None
            assert [(one.name, one.value) for one in producer.run.parameters] == [("daq2 stream", True)]
            await bench.sources.close()

    bench.run(scenario())
