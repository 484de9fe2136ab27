"""The page of a window with nothing connected."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel, QPushButton

from dockscope.gui.welcome import Welcome


@pytest.fixture
def asked():
    return []


@pytest.fixture
def page(qtbot, asked):
    page = Welcome(
        lambda: asked.append("demo"), lambda: asked.append("connect"), asked.append, lambda: asked.append("devices")
    )
    qtbot.addWidget(page)
    page.resize(1280, 600)
    page.show()
    return page


def buttons(page):
    return [button for button in page.findChildren(QPushButton) if button.isVisible()]


def test_it_says_what_to_do_next(page, asked):
    """The demo, a connection, the instruments of this computer; each button does what it says."""
    page.show_recent([])
    texts = [button.text() for button in buttons(page)]
    assert texts == ["Start the demo", "Connect…", "Instruments of this computer…"]
    for button in buttons(page):
        button.click()
    assert asked == ["demo", "connect", "devices"]
    assert not any(label.text() == "Used lately" and label.isVisible() for label in page.findChildren(QLabel))


def test_recent_urls_connect(page, asked, qtbot):
    """A click connects to exactly that URL; the list is replaced, not added to."""
    page.show_recent(["dockscope://old:1"])
    page.show_recent(["dockscope://a:1?x=1&y=2", "dockscope://b:2"])
    qtbot.waitUntil(lambda: len(buttons(page)) == 5)
    recent = buttons(page)[3:]
    assert recent[0].text() == "dockscope://a:1?x=1&&y=2"
    recent[0].click()
    assert asked == ["dockscope://a:1?x=1&y=2"]


def test_a_long_or_hostile_url_does_not_widen_the_page(page, qtbot):
    """A thousand characters or markup are cut and shown literally."""
    page.show_recent(["dockscope://" + "x" * 1000, "<b>&\n</b>"])
    qtbot.waitUntil(lambda: len(buttons(page)) == 5)
    assert page.minimumSizeHint().width() < 800
    assert "&lt;b&gt;" in buttons(page)[4].toolTip()
