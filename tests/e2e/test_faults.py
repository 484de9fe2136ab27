"""What goes wrong is told once and clearly, nothing else is lost, and the window goes on and closes when asked."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from dockscope.core.messages import Kind, LogRecord
from e2e import foul_peers
from e2e.desktop import Desktop, ProducerProcess, ScriptProcess, Window, running, until
from fakes import FakeProducer, RealProducer

OpenWindow = Callable[..., Window]
StartProducer = Callable[..., ProducerProcess]
ANY_PORT = ("--url", "tcp://127.0.0.1:0")
ANSWER_S = 1.0
LONGEST_SENTENCE = 140
NEVER_CHECKS = """
import sys, time
from dockscope import Broadcaster
with Broadcaster(sys.argv[1], name="deaf") as b:
    print(b.url, flush=True)
    for step in range(100_000):
        b.publish_metric("loss", 1.0, step=step)
        time.sleep(0.02)
"""
RAISES = """
import sys, time
from dockscope import Broadcaster
with Broadcaster(sys.argv[1], name="fragile") as b:
    print(b.url, flush=True)
    while b.viewers == 0:
        time.sleep(0.01)
    raise RuntimeError("the matrix is singular")
"""
FLOOD = """
import sys, time
import numpy as np
from dockscope import Broadcaster, PlacementFrame
position = np.zeros((200_000, 3), "f4")
with Broadcaster(sys.argv[1], name="flood") as b:
    print(b.url, flush=True)
    step = 0
    while b.control.checkpoint():
        for _ in range(200):
            b.publish_metric("loss", 1.0 / (1 + step), step=step)
            step += 1
        b.publish_data("picture", {"array": position})
        b.publish_log("info", f"step {step}")
        time.sleep(0.01)
"""
STEPS = """
import sys, time
from dockscope import Broadcaster
with Broadcaster(sys.argv[1], name="steps") as b:
    print(b.url, flush=True)
    step = 0
    while b.control.checkpoint():
        step += 1
        b.publish_metric("loss", 1.0 / step, step=step)
        time.sleep(0.002)
print("stopped", flush=True)
"""


@pytest.fixture
def start_script(stack: ExitStack) -> Callable[..., ScriptProcess]:
    """``start_script(text, url)`` starts a producer from a few lines."""

    def start(text: str, url: str = "tcp://127.0.0.1:0") -> ScriptProcess:
        return stack.enter_context(running(ScriptProcess(text, url)))

    return start


StartScript = Callable[..., ScriptProcess]


def answers_at_once(window: Window) -> bool:
    """Ask the window something and demand the answer within a second."""
    asked = time.monotonic()
    window.ask("window")
    assert time.monotonic() - asked < ANSWER_S, "the window did not answer within a second"
    return True


def viewer_rows(window: Window) -> list[dict[str, Any]]:
    """The clear messages so far: what the window itself wrote into the log as a warning."""
    return [row for row in window.ask("rows") if row["source"] == "viewer" and row["level"] == "warning"]


def by_url(window: Window) -> dict[str, dict[str, Any]]:
    return {producer["url"]: producer for producer in window.ask("producers").values()}


# -- wrong addresses -------------------------------------------------------------------------------------------


def test_each_wrong_address_is_one_clear_message_and_disturbs_nobody(
    open_window: OpenWindow, start_script: StartScript, stack: ExitStack
) -> None:
    """Closed port, no such host, HTTP, PUB, a mute and a babbling ROUTER: a row and a badge each; others lose none."""
    good = start_script(STEPS)
    peers = (foul_peers.closed_port, foul_peers.http_server, foul_peers.publisher)
    routers = (foul_peers.silent_router, foul_peers.babbling_router)
    wrong = [stack.enter_context(peer()) for peer in (*peers, *routers)] + ["dockscope://no-such-host.invalid:5560"]
    window = open_window(good.url, *wrong)

    def all_told() -> bool:
        told = {row["producer"] for row in viewer_rows(window)}
        return answers_at_once(window) and all(url in told for url in wrong)

    until(all_told, "a row for each wrong address")
    start = window.ask("totals")["samples"]
    until(lambda: answers_at_once(window) and window.ask("totals")["samples"] > start + 400, "the good one to go on")
    rows = Counter(row["producer"] for row in viewer_rows(window))
    assert {url: rows[url] for url in wrong} == dict.fromkeys(wrong, 1)
    for row in viewer_rows(window):
        assert 20 < len(row["message"]) <= LONGEST_SENTENCE
    known = by_url(window)
    assert all(known[url]["problem"] for url in wrong)
    seconds = {entry["name"]: entry["second"] for entry in window.ask("explorer")}
    assert all(len(seconds[url]) > 20 for url in wrong)
    assert (window.producer("steps")["link"], window.producer("steps")["lost"]) == ("LIVE", 0)
    closes_at_once(window)


def test_what_is_no_address_is_told_in_one_sentence(open_window: OpenWindow) -> None:
    """URLs that no source knows, on the command line and pasted: a banner, a row, nothing added, nothing executed."""
    window = open_window("gopher://example.org", "dockscope://127.0.0.1")
    assert "needs a host and a port" in until(lambda: window.ask("window")["banner"], "a banner")
    assert len(viewer_rows(window)) == 1  # of one kind, one in five seconds
    assert all(len(row["message"]) <= LONGEST_SENTENCE for row in viewer_rows(window))
    window.desktop.key("ctrl+o")
    until(lambda: window.ask("widget", name="answer"), "the dialog")
    for rubbish in ("<b>$(touch x)</b>", "tcp://%s%n:99999", "dockscope://[::1", "tcp://a:1/../../etc"):
        window.desktop.key("ctrl+a")
        window.desktop.type(rubbish)
        until(lambda: window.ask("button", text="Connect anyway"), f"the refusal of {rubbish}")
        assert answers_at_once(window)
        window.desktop.key("ctrl+a")
        window.desktop.key("BackSpace")
        until(lambda: window.ask("button", text="Connect"), "the dialog to start anew")
    window.desktop.key("Escape")
    assert window.ask("producers") == {}
    closes_at_once(window)


# -- foul messages ---------------------------------------------------------------------------------------------


def test_each_foul_message_is_told_once_and_the_link_lives_on(
    open_window: OpenWindow, start_script: StartScript, stack: ExitStack
) -> None:
    """Garbage, unknown scenes, declared gigabytes, long names, contradictions: one row each; what follows arrives."""
    good = start_script(STEPS)
    producers = {name: stack.enter_context(FakeProducer(name=name)) for name in foul_peers.FOUL}
    window = open_window(good.url, *(producer.url for producer in producers.values()))
    until(lambda: all(producer.subscribed() for producer in producers.values()), "all subscriptions")
    memory = psutil.Process(window.process.pid).memory_info().rss
    for name, producer in producers.items():
        foul_peers.FOUL[name](producer)

    def arrived() -> bool:
        for name, producer in producers.items():  # a new subscription takes nothing that was meant for the old one
            producer.publish(Kind.LOG, LogRecord("info", f"after {name}", {}, time.time()))
        messages = {row["message"] for row in window.ask("rows")}
        return answers_at_once(window) and all(f"after {name}" in messages for name in producers)

    until(arrived, "the messages behind the foul ones")
    rows = Counter((row["producer"], row["message"]) for row in viewer_rows(window))
    told = Counter(key for key, _ in rows)
    assert {name: told[producer.url] for name, producer in producers.items()} == dict.fromkeys(producers, 1)
    assert all(len(message) <= LONGEST_SENTENCE for _, message in rows)
    for name in (*producers, "steps"):
        assert window.producer(name)["link"] == "LIVE", name
        assert window.producer(name)["lost"] == 0, name
    assert psutil.Process(window.process.pid).memory_info().rss - memory < 150 * 2**20
    closes_at_once(window)


def test_odd_texts_and_numbers_are_shown_as_they_are(open_window: OpenWindow, stack: ExitStack) -> None:
    """NaN, infinities, markup, terminal sequences and a line of 100 kB are data: kept, shown plainly, no message."""
    producers = {name: stack.enter_context(FakeProducer(name=f"{name} {foul_peers.MARKUP}")) for name in foul_peers.ODD}
    window = open_window(*(producer.url for producer in producers.values()))
    until(lambda: all(producer.subscribed() for producer in producers.values()), "all subscriptions")
    for name, producer in producers.items():
        foul_peers.ODD[name](producer)
        producer.publish(Kind.LOG, LogRecord("info", f"after {name}", {}, time.time()))

    def arrived() -> bool:
        messages = {row["message"] for row in window.ask("rows")}
        return answers_at_once(window) and all(f"after {name}" in messages for name in producers)

    until(arrived, "all messages")
    assert viewer_rows(window) == []
    assert [curve["samples"] for curve in window.ask("curves", name="odd")] == [7]
    assert [curve["samples"] for curve in window.ask("curves", name=foul_peers.MARKUP)] == [5]
    window.ask("stalls")
    for key in ("F1", "ctrl+o"):
        window.desktop.key(key)
        assert answers_at_once(window)
        until(lambda: window.ask("dialogs"), "the dialog")
        window.desktop.key("Escape")
        until(lambda: not window.ask("dialogs"), "the dialog gone")
        assert answers_at_once(window)
    assert window.ask("stalls")["worst"] < 1000 * ANSWER_S
    assert not any(foul_peers.ESCAPE in text for text in window.ask("shown_texts"))
    closes_at_once(window)
    assert foul_peers.ESCAPE not in window.told()


@pytest.mark.parametrize("megabytes", [257, pytest.param(1024, marks=pytest.mark.soak)])
def test_a_message_beyond_the_limit_is_cut_off_and_the_link_heals(
    open_window: OpenWindow, start_script: StartScript, stack: ExitStack, megabytes: int
) -> None:
    """More than 256 MB in one message: the link breaks, says so, heals by itself; no memory is taken for it."""
    good = start_script(STEPS)
    producer = stack.enter_context(FakeProducer(name="giant"))
    window = open_window(good.url, producer.url)
    until(producer.subscribed, "the subscription")
    subscribed = len(producer.requests_of("subscribe"))
    memory = psutil.Process(window.process.pid).memory_info().rss
    producer.send_raw(bytes(megabytes * 2**20))
    until(lambda: answers_at_once(window) and len(producer.requests_of("subscribe")) > subscribed, "a healed link")
    until(lambda: window.producer("giant")["link"] == "LIVE", "LIVE again")
    producer.publish(Kind.LOG, LogRecord("info", "after the giant", {}, time.time()))
    until(lambda: any("after the giant" in text for _, _, text in window.ask("log")), "what follows")
    told = [row["message"] for row in viewer_rows(window) if "too large" in row["message"]]
    assert len(told) == 1
    assert len(told[0]) <= LONGEST_SENTENCE
    assert psutil.Process(window.process.pid).memory_info().rss - memory < 100 * 2**20
    assert (window.producer("steps")["link"], window.producer("steps")["lost"]) == ("LIVE", 0)
    closes_at_once(window)


# -- runs ------------------------------------------------------------------------------------------------------


def test_a_loop_that_never_checks_is_accepted_and_not_yet_effective(
    open_window: OpenWindow, start_script: StartScript
) -> None:
    """The toolbar says so, with the seconds, for as long as that is so; Paused is never claimed."""
    window = open_window(start_script(NEVER_CHECKS).url)
    until(lambda: window.state().startswith("Running"), "the run")
    window.click_button("Pause")
    until(lambda: "accepted, not yet effective (2 s)" in window.state(), "the words")
    until(lambda: "accepted, not yet effective (3 s)" in window.state(), "the seconds to go on")
    assert window.state().startswith("Pausing…")
    closes_at_once(window)


def test_a_run_that_raises_is_ended_with_an_error(open_window: OpenWindow, start_script: StartScript) -> None:
    """Ended, error; a banner names it; the link is closed, not lost."""
    script = start_script(RAISES)
    window = open_window(script.url)
    until(lambda: window.state().startswith("Ended, error"), "Ended, error")
    assert "error" in until(lambda: window.ask("window")["banner"], "a banner")
    until(lambda: window.producer("fragile")["link"] == "CLOSED", "CLOSED")
    assert script.process.wait(5) != 0
    closes_at_once(window)


def test_a_stop_never_reaches_a_successor(open_window: OpenWindow, start_script: StartScript) -> None:
    """kill -9 is LOST in 4 s; a Stop asked before, while down, or confirmed after the restart stops nobody else."""
    first = start_script(STEPS)
    window = open_window(first.url)
    until(lambda: sum(window.ask("samples", name="loss").values()) > 100, "samples")
    stop = window.button("Stop")
    window.desktop.click(stop)
    confirm = window.button("Stop the run")
    first.kill()
    until(lambda: window.producer("steps")["link"] == "LOST", "LOST", timeout_s=40)  # ten times the figure
    second = start_script(STEPS, first.url)
    until(lambda: window.producer("steps")["run_index"] == 1, "the successor")
    window.desktop.click(confirm)
    until(lambda: "restarted" in window.ask("window")["banner"], "that nothing was stopped")
    second.kill()
    until(lambda: window.producer("steps")["link"] == "LOST", "LOST again", timeout_s=10)
    window.desktop.key("ctrl+period")
    window.desktop.click(stop)
    until(lambda: not window.ask("dialogs"), "no question while it is down")
    third = start_script(STEPS, first.url)
    until(lambda: window.producer("steps")["run_index"] == 2, "the third run")
    at = sum(window.ask("samples", name="loss").values())
    until(lambda: sum(window.ask("samples", name="loss").values()) > at + 500, "the third run to go on")
    assert third.process.poll() is None
    assert window.state().startswith("Running")
    curve = window.ask("curves", name="loss")[0]
    assert len(curve["runs"]) == 2, "two later runs"
    assert set(curve["runs"]) <= set(curve["breaks"]), "the gap is no line"
    closes_at_once(window)
    assert third.process.poll() is None


# -- late viewers ----------------------------------------------------------------------------------------------


def test_a_window_started_late_has_everything_from_the_first_sample(
    open_window: OpenWindow, start_producer: StartProducer, start_script: StartScript
) -> None:
    """The whole curve from step 1, without a gap; the board, although it was sent before the window came."""
    optimizer, steps = start_producer("optimizer", *ANY_PORT), start_script(STEPS)
    time_up = time.monotonic() + 1.5
    until(lambda: time.monotonic() > time_up, "a run of some length")
    window = open_window(optimizer.url, steps.url)
    until(lambda: sum(window.ask("samples", name="loss").values()) > 1000, "the curve")
    curve = window.ask("curves", name="loss")[0]
    assert curve["steps"][0] == 1
    assert np.array_equal(np.diff(curve["steps"]), np.ones(curve["samples"] - 1))
    assert (curve["lost"], len(curve["breaks"])) == (0, 0)
    board = until(lambda: next(iter(window.ask("placements").values()), None), "the board")
    assert board["parts"] >= 120
    until(lambda: next(iter(window.ask("placements").values()))["frames"] > 1, "frames")
    assert all(producer["lost"] == 0 for producer in window.ask("producers").values())
    closes_at_once(window)


# -- closing ---------------------------------------------------------------------------------------------------


def closes_at_once(window: Window, figure_s: float = 2.0) -> None:
    """Close by the window manager: exit 0 in time, no traceback, no thread, no socket."""
    code, asked = None, 0.0
    for _ in range(3):  # the window manager loses a key now and then while it moves the focus
        asked = time.monotonic()
        window.ask_to_close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = window.process.wait(10)
            break
    if code is None:
        window.process.send_signal(signal.SIGUSR1)
        until(lambda: "most recent call first" in window.told(), "the stacks")
        raise AssertionError(f"the window does not end:\n{window.told()}")
    took = time.monotonic() - asked
    print(f"closed in {took:.2f} s")
    assert code == 0, window.told()
    assert took < 10 * figure_s, f"{took:.1f} s instead of {figure_s} s"  # the machine may be busy
    assert "Traceback" not in window.told()
    assert "left over: []" in window.told()


def test_closing_in_heavy_traffic(open_window: OpenWindow, start_script: StartScript) -> None:
    """Megabytes in flight do not hold the end up, and the producers run on."""
    floods = [start_script(FLOOD), start_script(FLOOD)]
    window = open_window(*(flood.url for flood in floods))
    until(lambda: window.ask("totals")["samples"] > 20_000, "traffic")
    closes_at_once(window)
    assert all(flood.process.poll() is None for flood in floods)


def test_closing_while_connecting(open_window: OpenWindow, stack: ExitStack) -> None:
    """Links that reach nobody, or somebody mute, do not hold the end up."""
    urls = [stack.enter_context(peer()) for peer in (foul_peers.closed_port, foul_peers.silent_router)]
    window = open_window(*urls, "dockscope://no-such-host.invalid:5560", "dockscope://192.0.2.1:5560")
    assert len(window.ask("producers")) == 4
    closes_at_once(window)


def test_closing_with_a_dialog_and_a_floating_dock(open_window: OpenWindow, start_script: StartScript) -> None:
    """An open question and a dock of its own do not survive the window."""
    steps = start_script(STEPS)
    window = open_window(steps.url)
    until(lambda: window.state().startswith("Running"), "the run")
    tab = next(dock["tab"] for dock in window.ask("window")["docks"].values() if "tab" in dock)
    place = window.ask("window")
    outside = (place["x"] + place["width"] + 100, place["y"] + 300)
    window.desktop.drag((tab["x"] + tab["width"] // 2, tab["y"] + tab["height"] // 2), outside)
    until(lambda: any(dock["floating"] for dock in window.ask("window")["docks"].values()), "a floating dock")
    window.click_button("Stop")
    window.button("Stop the run")
    window.process.send_signal(signal.SIGTERM)
    assert window.process.wait(10) == 0
    assert "Traceback" not in window.told()
    assert "left over: []" in window.told()
    assert steps.process.poll() is None


def test_closing_right_after_the_start(open_window: OpenWindow) -> None:
    """A window closed at its first sight ends in order."""
    closes_at_once(open_window())


# -- signals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_demo_and_its_processes(open_window: OpenWindow, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the window in order, and with it the demo's processes."""
    window = open_window("demo")
    children = until(lambda: demo_processes(window), "the demo's processes")
    until(lambda: len(window.ask("producers")) == 3, "three producers")
    window.process.send_signal(number)
    assert window.process.wait(10) == 0, window.told()
    assert "Traceback" not in window.told()
    assert "left over: []" in window.told()
    until(lambda: not any(child.is_running() for child in children), "the demo's processes to end", 5)


@pytest.mark.parametrize("loaded", ["libshiboken6", "QtWidgets.abi3", "libqxcb.so"])
def test_ctrl_c_while_the_window_is_made_ends_it(desktop: Desktop, home: Path, loaded: str) -> None:
    """Whatever Qt is loading: no abort, no hang, no traceback."""
    command = [sys.executable, "-m", "dockscope", "--temp-basedir", str(home)]
    with subprocess.Popen(command, env=desktop.environment, stderr=subprocess.PIPE, text=True) as window:
        maps = Path(f"/proc/{window.pid}/maps")
        until(lambda: loaded in maps.read_text(), f"{loaded} to be loaded")
        window.send_signal(signal.SIGINT)
        try:
            _, told = window.communicate(timeout=5)
        finally:
            window.kill()
        assert window.returncode in (0, 130, -signal.SIGINT)
        assert told == ""


def test_a_killed_demo_leaves_no_process(open_window: OpenWindow) -> None:
    """kill -9 of the window: the demo's processes notice and end."""
    window = open_window("demo")
    children = until(lambda: demo_processes(window), "the demo's processes")
    window.process.kill()
    window.process.wait()
    until(lambda: not any(child.is_running() for child in children), "the demo's processes to end", 10)


def demo_processes(window: Window) -> list[psutil.Process]:
    found = psutil.Process(window.process.pid).children()
    return found if len(found) == 3 else []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_tail_quietly(number: signal.Signals) -> None:
    """`dockscope tail` ends at once, exit 0, no traceback."""
    with RealProducer() as producer:
        command = [sys.executable, "-m", "dockscope", "tail", producer.url, "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tail:
            assert tail.stdout
            assert tail.stdout.readline()
            tail.send_signal(number)
            _, told = tail.communicate(timeout=20)
            assert (tail.returncode, told) == (0, "")
