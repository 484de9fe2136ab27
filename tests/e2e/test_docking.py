"""Docks are dragged with the mouse and found there after a restart."""

from __future__ import annotations

from collections.abc import Callable

from e2e.desktop import ProducerProcess, Window, middle, until

OpenWindow = Callable[..., Window]


def test_a_dragged_dock_is_where_it_was_put_after_a_restart(
    open_window: OpenWindow, start_producer: Callable[..., ProducerProcess]
) -> None:
    """The Log tab dropped on the Explorer's area becomes a tab there, and is one in the next session."""
    training = start_producer("training", "--url", "tcp://127.0.0.1:0")
    window = open_window(training.url)
    until(lambda: window.producer("training").get("link") == "LIVE", "a live link")
    docks = window.ask("window")["docks"]
    assert docks["log-1"]["area"] != docks["explorer-1"]["area"]
    window.desktop.drag(middle(docks["log-1"]["tab"]), middle(docks["explorer-1"]["area"]))
    until(lambda: together(window), "the Log beside the Explorer")
    window.desktop.key("ctrl+q")
    until(lambda: window.process.poll() == 0, "the end of the window")
    again = open_window()
    until(lambda: together(again), "the Log beside the Explorer after the restart")
    shown = until(lambda: again.producer("training"), "the source of the last session")
    assert shown["link"] == "CLOSED"


def together(window: Window) -> bool:
    docks = window.ask("window")["docks"]
    if docks["log-1"]["closed"] or docks["log-1"]["floating"]:
        return False
    return docks["log-1"]["area"] == docks["explorer-1"]["area"]
