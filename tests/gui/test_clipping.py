"""The whole window with the three demos: no text without room, no scroll bars, enough contrast, no mute dock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractScrollArea, QComboBox, QLabel, QLineEdit, QPushButton, QWidget

from dockscope.core.demos.launch import DemoProducers
from dockscope.core.run_control import LinkState
from dockscope.core.settings import Settings
from dockscope.gui.dock_catalog import STANDING_KINDS

from .widget_walk import Picture, clipped, name_of, pale, scroll_bars
from .window_bench import WindowBench

SIZES = [(1280, 720), (1600, 1000)]
THEMES = ["dark", "light"]
LEAST_CONTRAST = 4.5


@pytest.fixture(scope="module")
def demo(qapp, docking, tmp_path_factory) -> Iterator[WindowBench]:
    """The window, connected to the three demos in their own processes, with some of everything received."""
    with DemoProducers(arguments={"optimizer": ("--iterations", "100000")}) as producers:
        bench = WindowBench(qapp, Settings(tmp_path_factory.mktemp("settings") / "settings.json"))
        bench.show(1600, 1000)
        for url in producers.urls():
            bench.window.connect_url(url)
        hub = bench.hub
        bench.until(lambda: all(p.link is LinkState.LIVE for p in hub.producers.values()), timeout_s=15)
        bench.until(lambda: hub.data.entries and hub.log.rows and hub.placements.placements, timeout_s=15)
        bench.until(lambda: sum(len(w.blocks[0].t) for w in hub.spectra.waterfalls.values() if w.blocks) > 12)
        bench.until(lambda: hub.samples > 500, timeout_s=15)
        yield bench
        bench.close()


@pytest.fixture(
    scope="module", params=[(size, theme) for size in SIZES for theme in THEMES], ids=lambda p: f"{p[0][0]}-{p[1]}"
)
def window(demo, request):
    """The window at one size in one theme, in the default layout."""
    (width, height), theme = request.param
    demo.themes.choose(theme)
    demo.window.resize(width, height)
    demo.window.docks.reset()
    demo.window.banner.hide()
    settle(demo)
    return demo.window


def settle(bench):
    """Let layouts, docks and texts come to rest."""
    texts = []
    bench.clock.text_ticked.connect(lambda: texts.append(1))
    bench.clock.request_all()
    bench.until(lambda: len(texts) >= 2)


def test_every_dock_of_the_default_layout_shows_something(window):
    """With the three demos no visible dock waits for anything."""
    waiting = [dock.kind for dock in window.docks.docks() if dock.isVisible() and dock.empty_text]
    assert waiting == []
    assert {dock.kind for dock in window.docks.docks() if dock.isVisible()} == set(STANDING_KINDS) - {"parameters"}


def test_no_text_is_clipped(window):
    """Every label, button, choice, field, header and tab has the room that its text needs."""
    assert clipped(window) == []


def test_no_scroll_bars(window):
    """What the default layout shows fits; the log, which grows without end, shows its tail."""
    assert [f"{bar.orientation().name} {name_of(bar)}" for bar in scroll_bars(window)] == []


def test_drawn_text_has_contrast(window):
    """Measured on pixels: every label and button that can be used has at least 4.5:1."""
    assert pale(window, LEAST_CONTRAST) == []


def test_the_painted_state_has_contrast(window):
    """The badge of the toolbar is painted by hand: its text is as readable as any."""
    assert Picture(window).contrast_of(window.toolbar.state) >= LEAST_CONTRAST


def test_parameters_fit_as_well(window, demo):
    """The dock behind the data: its labels and editors have room, and it scrolls downwards at most."""
    window.docks.show("parameters")
    demo.until(lambda: window.docks.dock("parameters-1").isVisible())
    settle(demo)
    dock = window.docks.dock("parameters-1")
    assert not dock.empty_text
    assert clipped(dock) == []
    assert [bar for bar in scroll_bars(dock) if bar.orientation() == Qt.Orientation.Horizontal] == []
    window.docks.show("data")


def test_a_banner_and_the_freeze_band_fit(window, demo):
    """Bands with a long sentence and a button leave the rest of the window whole."""
    window.banner.tell("Pause of " + "a long name " * 3 + "is not confirmed", "warning", "Retry", lambda: None)
    demo.clock.set_frozen(True)
    demo.spin(10)
    found = clipped(window.banner) + clipped(window.freeze_band) + pale(window.banner, LEAST_CONTRAST)
    found += pale(window.freeze_band, LEAST_CONTRAST)
    demo.clock.set_frozen(False)
    window.banner.hide()
    assert found == []


DIALOGS = ["connect", "settings", "shortcuts"]


@pytest.mark.parametrize("name", DIALOGS)
def test_dialogs_fit(window, demo, name):
    """Connect, Settings and the list of shortcuts show all their texts, without scroll bars."""
    window.window_actions[name].trigger()
    dialog = demo.dialog()
    demo.spin(10)
    found = clipped(dialog) + pale(dialog, LEAST_CONTRAST)
    bars = [bar for bar in scroll_bars(dialog) if isinstance(bar.parentWidget(), QAbstractScrollArea)]
    dialog.reject()
    demo.spin(5)
    assert found == []
    assert bars == []


def test_the_walk_finds_what_is_wrong(qtbot):
    """A label, a button, a choice and a placeholder without room are found, and so is pale text."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(300, 200)
    line = QLineEdit(window)
    line.setPlaceholderText("a long placeholder")
    choice = QComboBox(window)
    choice.addItem("a long choice")
    parts = [QLabel("a long label", window), QPushButton("a long button", window), line, choice]
    for row, part in enumerate(parts):
        part.setGeometry(4, 4 + 40 * row, 30, 30)
    window.show()
    found = clipped(window)
    for word in ("label", "button", "placeholder", "choice"):
        assert [text for text in found if f"a long {word}" in text], word
    parts[0].setStyleSheet("color: #777777; background: #888888;")
    assert any("a long label" in text for text in pale(window, LEAST_CONTRAST))
