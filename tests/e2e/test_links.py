"""A producer that dies comes back by itself; closing and connecting work with mouse and keyboard."""

from __future__ import annotations

import socket
from collections.abc import Callable

from e2e.desktop import ProducerProcess, Window, until

OpenWindow = Callable[..., Window]
StartProducer = Callable[..., ProducerProcess]


def test_kill_is_shown_as_lost_and_a_restart_reconnects_without_a_click(
    open_window: OpenWindow, start_producer: StartProducer
) -> None:
    """kill -9: LOST within 4 s; the same URL again: live, a new run, the curves go on; the other is undisturbed."""
    optimizer = start_producer("optimizer", "--url", "tcp://127.0.0.1:0")
    other = start_producer("training", "--url", "tcp://127.0.0.1:0")
    window = open_window(optimizer.url, other.url)
    until(lambda: window.producer("optimizer").get("run") == "RUNNING", "the optimizer to be shown")
    until(lambda: window.producer("training").get("run") == "RUNNING", "the training to be shown")
    key = window.producer("optimizer")["url"]
    until(lambda: sum(window.ask("samples", name="energy").values()) > 10, "samples")
    optimizer.kill()
    until(lambda: window.producer("optimizer")["link"] == "LOST", "LOST", timeout_s=40)  # ten times the figure
    before = sum(window.ask("samples", name="energy").values())
    start_producer("optimizer", "--url", optimizer.url)
    until(lambda: window.producer("optimizer")["link"] == "LIVE", "LIVE again")
    until(lambda: window.producer("optimizer")["run_index"] == 1, "a second run")
    until(lambda: sum(window.ask("samples", name="energy").values()) > before, "the curve to go on")
    assert window.producer("optimizer")["url"] == key
    assert window.producer("training")["link"] == "LIVE"
    assert window.producer("training")["lost"] == 0


def test_connect_by_typing_a_url(open_window: OpenWindow, start_producer: StartProducer) -> None:
    """Ctrl+O, a URL, what answered, Enter: connected."""
    spectrometer = start_producer("spectrometer", "--url", "tcp://127.0.0.1:0")
    window = open_window()
    until(lambda: window.ask("window")["welcome"], "the welcome page")
    window.click_button("Connect…")
    until(lambda: window.ask("widget", name="answer"), "the dialog")
    window.desktop.key("ctrl+a")
    window.desktop.type(spectrometer.url)
    until(lambda: "spectrometer" in window.ask("widget", name="answer")["text"], "what answered")
    window.desktop.key("Return")
    until(lambda: window.producer("spectrometer").get("link") == "LIVE", "a live link")
    until(lambda: any(s.startswith("spectrum/") for s in window.producer("spectrometer")["streams"]), "spectra")


def test_a_closed_port_is_told_in_the_dialog_before_it_is_added(open_window: OpenWindow) -> None:
    """Nothing listens: the dialog says so in a plain sentence and adds nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
    window = open_window()
    window.click_button("Connect…")
    until(lambda: window.ask("widget", name="answer"), "the dialog")
    window.desktop.key("ctrl+a")
    window.desktop.type(url)
    until(lambda: window.ask("button", text="Connect anyway"), "the refusal")
    assert len(window.ask("widget", name="answer")["text"]) > 20
    window.desktop.key("Escape")
    assert window.ask("producers") == {}


def test_closing_ends_the_window_at_once_and_leaves_the_producer_running(
    open_window: OpenWindow, start_producer: StartProducer
) -> None:
    """The window manager's close: gone within 2 s, exit 0, no traceback; the producer goes on."""
    optimizer = start_producer("optimizer", "--url", "tcp://127.0.0.1:0")
    window = open_window(optimizer.url)
    until(lambda: window.producer("optimizer").get("run") == "RUNNING", "the run to be shown")
    window.desktop.key("ctrl+q")
    until(lambda: window.process.poll() is not None, "the end of the process")  # 2 s is the figure, the limit ten times
    assert window.process.returncode == 0
    assert "Traceback" not in window.told()
    assert optimizer.process.poll() is None
