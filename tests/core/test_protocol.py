"""The native wire as another language would speak it: every exchange here uses pyzmq and msgpack only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import msgpack
import numpy as np
import pytest
import zmq

from dockscope import Broadcaster, PlacementFrame, PlacementScene
from dockscope.core.access import find_token
from raw_viewer import RawViewer, arrays, pack

WaitFor = Callable[..., object]


@pytest.fixture
def b() -> Iterator[Broadcaster]:
    with Broadcaster("tcp://127.0.0.1:0", name="trainer") as broadcaster:
        yield broadcaster


@pytest.fixture
def viewer(b: Broadcaster) -> Iterator[RawViewer]:
    with RawViewer(b.url) as raw:
        yield raw


def operator(b: Broadcaster) -> RawViewer:
    """Open a viewer that found the token, as one of the same user does."""
    raw = RawViewer(b.url, name="ann")
    raw.token = find_token(raw.hello()["producer"])
    assert raw.token is not None
    return raw


def scene() -> PlacementScene:
    return PlacementScene(refs=("R1", "C1"), size=np.ones((2, 2)), nets=(("GND", ((0, -1), (1, -1))),))


def publish_everything(b: Broadcaster) -> None:
    """Publish one of each kind."""
    b.publish_metric("loss", 0.5, step=1)
    b.publish_data("activations", {"a": np.arange(3.0), "b": [1, "x", None]})
    b.publish_log("warning", "High memory usage", memory_mb=8192)
    b.publish_status("info", "Phase 2")
    b.publish_spectrum("beam", np.ones((2, 4)), frequencies=1e9 + 1e3 * np.arange(4), polarizations=("XX", "YY"))
    b.publish_scene("board", scene())
    b.publish_frame("board", PlacementFrame(position=np.zeros((2, 3)), iteration=3))
    assert b.flush(5)


def test_hello_tells_who_is_there(b: Broadcaster, viewer: RawViewer) -> None:
    """Hello names the producer, its process, its clock, what it can do, and the streams so far."""
    publish_everything(b)
    before = time.time_ns()
    told = viewer.hello()
    assert len(told["producer"]) == 16
    assert (told["name"], told["role"]) == ("trainer", "observe")
    assert told["capabilities"] == ["pause", "resume", "stop", "set"]
    assert told["started_ns"] < before <= told["clock_ns"] <= time.time_ns()
    assert ["frame", "board"] in told["streams"]
    assert ["metric", ""] in told["streams"]


def test_every_kind_arrives_live_as_the_protocol_says(b: Broadcaster, viewer: RawViewer) -> None:
    """Each kind has the body and the buffers of its row in the table."""
    viewer.subscribe()
    publish_everything(b)
    viewer.pump_until(lambda: viewer.of("frame", "board") and viewer.of("metric") and viewer.of("heartbeat"))
    assert viewer.definitions() == {1: ("loss", {}, ["step"])}
    assert [(n, value, extra) for n, _, value, extra in viewer.samples("loss")] == [(1, 0.5, (1.0,))]
    body = viewer.bodies("data", "activations")[0]
    assert body["b"] == [1, "x", None]
    assert body["a"] == msgpack.ExtType(1, bytes(4))
    assert viewer.of("data", "activations")[0][7] == [["", "f8", [3]]]
    assert viewer.bodies("log")[0][:3] == ["warning", "High memory usage", {"memory_mb": 8192}]
    assert viewer.bodies("status")[0][:2] == ["info", "Phase 2"]
    spectrum = viewer.bodies("spectrum", "beam")[0]
    assert (spectrum["f0"], spectrum["df"], spectrum["polarizations"]) == (1e9, 1e3, ["XX", "YY"])
    assert viewer.of("spectrum", "beam")[0][7] == [["power", "f4", [2, 4]]]
    assert viewer.bodies("scene", "board")[0]["nets"] == [["GND", [[0, -1], [1, -1]]]]
    assert viewer.bodies("frame", "board")[0]["scene"] == viewer.bodies("scene", "board")[0]["scene"] > 0
    assert viewer.bodies("control")[0]["run"] == "RUNNING"
    assert viewer.bodies("heartbeat")[0]["viewers"] == 1


def test_history_then_effective_then_live(b: Broadcaster, viewer: RawViewer) -> None:
    """A late viewer gets what is retained, then `effective`, then what follows, numbered without gap."""
    for index in range(70):
        b.publish_log("info", f"line {index}")
    publish_everything(b)
    viewer.subscribe()
    at = viewer.events.index(("reply", "effective"), 1)
    assert {kind for _, kind in viewer.events[1:at]} >= {"series", "metric", "spectrum", "scene", "frame", "data"}
    assert [header[4] for header in viewer.of("log")] == list(range(1, 72))
    b.publish_log("info", "live")
    viewer.pump_until(lambda: len(viewer.of("log")) == 72)
    assert viewer.of("log")[-1][4] == 72
    assert ("data", "log") in viewer.events[at:]


def test_without_history_only_what_follows(b: Broadcaster, viewer: RawViewer) -> None:
    """With history false nothing old is sent but the run state and the scene, without which the rest is useless."""
    publish_everything(b)
    viewer.subscribe(history=False)
    assert {header[2] for header in viewer.data} <= {"series", "control", "scene"}
    b.publish_metric("loss", 0.25, step=2)
    viewer.pump_until(lambda: viewer.of("metric"))
    assert [n for n, *_ in viewer.samples("loss")] == [2]


def test_topics_choose_streams(b: Broadcaster, viewer: RawViewer) -> None:
    """Only the streams asked for are sent."""
    viewer.subscribe([["data", "wanted"], ["log", "*"]])
    b.publish_data("unwanted", 1)
    b.publish_data("wanted", 2)
    publish_everything(b)
    viewer.pump_until(lambda: viewer.of("log"))
    assert {(header[2], header[3]) for header in viewer.data} == {("data", "wanted"), ("log", "")}


def test_have_and_have_series_leave_out_what_is_there(b: Broadcaster, viewer: RawViewer) -> None:
    """After a reconnect only the messages and samples that the viewer lacks are sent."""
    for step in range(10):
        b.publish_metric("loss", 1.0, step=step)
        b.publish_log("info", str(step))
    assert b.flush(5)
    viewer.subscribe(have=[["log", "", 8]], have_series=[[1, 7]])
    assert [header[4] for header in viewer.of("log")] == [8, 9, 10]
    assert [n for n, *_ in viewer.samples("loss")] == [7, 8, 9, 10]


def test_nothing_is_sent_without_credit(b: Broadcaster, viewer: RawViewer) -> None:
    """At most the grant and one message are in flight; the newest frame comes when credit does, the rest is lost."""
    viewer.grants = False
    viewer.subscribe([["frame", "board"], ["log", "*"]], credit=100_000)
    big = PlacementFrame(position=np.zeros((4000, 3)))  # 48 kB
    for _ in range(10):
        b.publish_frame("board", big)
    assert b.flush(5)
    viewer.pump_until(lambda: len(viewer.of("frame", "board")) == 3)
    b.publish_log("info", "waits")
    assert b.flush(5)
    assert not viewer.pump(0.2)
    viewer.grant(10_000_000)
    viewer.pump_until(lambda: viewer.of("log"))
    assert [header[4] for header in viewer.of("frame", "board")] == [1, 2, 3, 10]


def publish_many(b: Broadcaster) -> None:
    """Publish more of everything than is retained, in an order that no queue bound disturbs."""
    b.publish_scene("board", PlacementScene(("a",), np.ones((1, 2))))
    for index in range(1100):
        b.publish_log("info", f"row {index}")
        if index < 700:
            b.publish_spectrum("beam", [1.0, 2.0], frequencies=[1.0, 2.0])
        if index < 100:
            b.publish_frame("board", PlacementFrame(np.zeros((1, 3)), index=index))
            b.publish_data("d", index)
            b.publish_status("info", f"phase {index}")
    assert b.flush(5)


KEPT_STREAMS = [
    ("log", ""),
    ("spectrum", "beam"),
    ("frame", "board"),
    ("data", "d"),
    ("status", ""),
    ("scene", "board"),
]


def test_so_much_is_retained_for_late_viewers(b: Broadcaster, viewer: RawViewer) -> None:
    """1,000 log records, 600 rows, 64 frames and the last data, status and scene, with their numbers."""
    publish_many(b)
    viewer.subscribe()
    numbers = [[header[4] for header in viewer.of(*stream)] for stream in KEPT_STREAMS]
    assert numbers == [list(range(101, 1101)), list(range(101, 701)), list(range(37, 101)), [100], [100], [1]]


def test_so_much_waits_for_a_viewer_without_credit(b: Broadcaster, viewer: RawViewer) -> None:
    """Out of credit the newest 1,000 log records, 64 rows and one of all else wait; the numbers tell the exact loss."""
    viewer.grants = False
    viewer.subscribe(credit=1)
    viewer.pump_until(lambda: viewer.of("control"))
    publish_many(b)
    assert not viewer.pump(0.1)
    viewer.grants = True
    viewer.grant(10_000_000)
    viewer.pump_until(lambda: viewer.of("log") and viewer.of("log")[-1][4] == 1100)
    viewer.pump_until(lambda: all(viewer.of(*stream) for stream in KEPT_STREAMS))
    viewer.pump_until(lambda: viewer.of("spectrum", "beam")[-1][4] == 700)
    numbers = [[header[4] for header in viewer.of(*stream)] for stream in KEPT_STREAMS]
    assert numbers == [list(range(101, 1101)), list(range(637, 701)), [100], [100], [100], [1]]
    order = [header[2] for header in viewer.data if header[2] in ("scene", "frame")]
    assert order == ["scene", "frame"]


def test_metric_samples_wait_and_merge(b: Broadcaster, viewer: RawViewer) -> None:
    """Samples published while there is no credit come later, all of them, in few messages."""
    viewer.grants = False
    viewer.subscribe([["metric", ""]], credit=1)
    for step in range(5000):
        b.publish_metric("loss", float(step), step=step)
        if step % 100 == 0:
            b.flush(5)
    b.flush(5)
    viewer.pump_until(lambda: viewer.of("series"))
    viewer.grant(10_000_000)
    viewer.pump_until(lambda: len(viewer.samples("loss")) == 5000)
    assert [n for n, *_ in viewer.samples("loss")] == list(range(1, 5001))
    assert len(viewer.of("metric")) < 10


def test_ping_tells_the_clock(viewer: RawViewer) -> None:
    """Ping returns what was sent and the producer's clock."""
    viewer.hello()
    result = viewer.ask("ping", {"sent_ns": 5})[5]
    assert result["sent_ns"] == 5
    assert abs(result["clock_ns"] - time.time_ns()) < 5e9


def test_pause_is_accepted_then_effective(b: Broadcaster) -> None:
    """Pause, resume and stop are accepted at once, effective when the loop has done them, and told to all."""
    with operator(b) as viewer:
        viewer.subscribe()
        seen: list[bool] = []
        loop = threading.Thread(target=lambda: seen.append(_loop(b)))
        pause = viewer.request("pause", {"reason": "coffee"})
        viewer.pump_until(lambda: viewer.replies[pause])
        assert viewer.replies[pause][0][3] == "accepted"
        loop.start()
        viewer.pump_until(lambda: len(viewer.replies[pause]) == 2)
        assert viewer.replies[pause][1][3] == "effective"
        assert viewer.replies[pause][1][5]["run"] == "PAUSED"
        assert viewer.ask("resume", {}, stages=2)[3] == "effective"
        assert viewer.ask("stop", {}, stages=2)[5]["run"] == "STOPPED"
        loop.join(5)
        assert seen == [False]
        viewer.pump_until(lambda: len(viewer.bodies("log")) >= 6)
    runs = [body["run"] for body in viewer.bodies("control")]
    assert runs == ["RUNNING", "PAUSING", "PAUSED", "RESUMING", "RUNNING", "STOPPING", "STOPPED"]
    assert {body["by"] for body in viewer.bodies("control")[1:]} == {"ann@here"}
    assert [body[1] for body in viewer.bodies("log")][:2] == [
        "pause by ann@here: accepted",
        "pause by ann@here: effective",
    ]


def _loop(b: Broadcaster) -> bool:
    while b.control.checkpoint():
        time.sleep(0.001)
    return False


def test_set_changes_a_parameter_at_the_next_checkpoint(b: Broadcaster) -> None:
    """A value is checked at once, applied at the next checkpoint, and told to all; wrong ones say why."""
    rate = b.control.parameter("rate", 0.5, minimum=0.0, maximum=1.0, unit="1/s")
    with operator(b) as viewer:
        viewer.subscribe()
        for wrong in ({"name": "rate", "value": 2.0}, {"name": "rate", "value": "x"}, {"name": "else", "value": 1}):
            assert viewer.ask("set", wrong)[3] == "rejected"
        change = viewer.request("set", {"name": "rate", "value": 0.25})
        viewer.pump_until(lambda: viewer.replies[change])
        assert rate.value == 0.5
        assert b.control.checkpoint()
        assert rate.value == 0.25
        viewer.pump_until(lambda: len(viewer.replies[change]) == 2)
        assert viewer.replies[change][1][5] == ["rate", "float", 0.25, 0.0, 1.0, None, "1/s", 1]
        viewer.pump_until(lambda: viewer.bodies("control")[-1]["parameters"][0][2] == 0.25)


def test_a_stop_for_an_earlier_run_is_rejected(b: Broadcaster) -> None:
    """A request that names another producer id never reaches this run."""
    with operator(b) as viewer:
        reply = viewer.ask("stop", {}, producer=bytes(16))
        assert reply[3:5] == ["rejected", "the producer was restarted"]
        assert not b.control.stop_requested


def test_observers_may_not_operate(b: Broadcaster, viewer: RawViewer) -> None:
    """Without the token every command is rejected, and the role says so beforehand."""
    viewer.hello()
    assert viewer.ask("stop", {})[3] == "rejected"
    viewer.token = b"wrong"
    assert viewer.hello()["role"] == "observe"
    assert viewer.ask("pause", {})[4].startswith("observe only")
    assert not b.control.stop_requested


def test_a_repeated_request_has_no_second_effect(b: Broadcaster) -> None:
    """The same id again gives the stages so far and does nothing."""
    with operator(b) as viewer:
        stop = viewer.request("stop", {})
        viewer.pump_until(lambda: viewer.replies[stop])
        assert not b.control.checkpoint()
        viewer.pump_until(lambda: len(viewer.replies[stop]) == 2)
        viewer.request("stop", {}, id=stop)
        viewer.pump_until(lambda: len(viewer.replies[stop]) == 4)
        assert [reply[3] for reply in viewer.replies[stop]] == ["accepted", "effective"] * 2


def test_another_version_is_told_which_is_spoken(viewer: RawViewer) -> None:
    """A request of another version is answered in version 1, with an id of zeros."""
    viewer.request("hello", {}, version=7)
    viewer.pump_until(lambda: viewer.replies[bytes(16)])
    assert viewer.replies[bytes(16)][0][3:] == ["rejected", "speaks 1, you speak 7", None]


def test_another_version_is_told_whoever_asks(b: Broadcaster) -> None:
    """A later version may name its links otherwise and send more frames: it is answered all the same."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as stranger:
        stranger.connect(b.url)
        for number in (2, 2**40):
            stranger.send_multipart([pack([number, "greeting"]), b"more", b"and more"])
            assert stranger.poll(5000)
            answer = msgpack.unpackb(stranger.recv())
            assert answer == [1, "reply", bytes(16), "rejected", f"speaks 1, you speak {number}", None]
        stranger.setsockopt(zmq.LINGER, 0)


@pytest.mark.parametrize(
    ("command", "args", "link", "reason"),
    [
        ("credit", [bytes(16), 5], b"d", "subscribe first"),
        ("subscribe", {"topics": []}, b"c", "subscribe belongs on the data link"),
        ("dance", {}, b"c", "unknown command 'dance'"),
    ],
)
def test_misplaced_requests_are_rejected(
    viewer: RawViewer, command: str, args: object, link: bytes, reason: str
) -> None:
    """What comes on the wrong link, too early or unknown is rejected with a reason."""
    viewer.hello()
    assert viewer.ask(command, args, link)[3:5] == ["rejected", reason]


def test_hello_comes_first(b: Broadcaster, viewer: RawViewer) -> None:
    """Nothing is served to a viewer that has not said hello."""
    with RawViewer(b.url) as other:
        viewer.producer = other.hello()["producer"]
    assert viewer.ask("subscribe", {"topics": []}, b"d")[3:5] == ["rejected", "say hello first"]


def test_garbage_is_ignored_and_told_once(b: Broadcaster, viewer: RawViewer) -> None:
    """Frames that are no requests do no harm and make one log row for viewers."""
    viewer.subscribe([["log", "*"]])
    for garbage in (b"", b"GET / HTTP/1.1", b"\xc1" * 100, b"\x91" * 5000, pack([1, "request", 3])):
        for _ in range(20):
            viewer.links[b"c"].send(garbage)
            viewer.links[b"d"].send_multipart([garbage, garbage])
    assert viewer.ask("ping", {"sent_ns": 1})[3] == "effective"
    viewer.pump_until(lambda: viewer.bodies("log"))
    viewer.pump_until(lambda: b.statistics()["malformed"] == 200)
    assert len(viewer.bodies("log")) < 10
    assert all(len(body[1]) <= 140 for body in viewer.bodies("log"))


def test_a_gigabyte_declared_is_refused_by_the_socket(b: Broadcaster, viewer: RawViewer) -> None:
    """A peer that announces a gigabyte is cut off; the others are served on."""
    import socket as sockets

    host, port = b.url.removeprefix("tcp://").split(":")
    with sockets.create_connection((host, int(port)), 5) as raw:
        raw.sendall(b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\x00" + bytes(31))
        ready = b"\x05READY\x0bSocket-Type" + (6).to_bytes(4, "big") + b"DEALER"
        raw.sendall(b"\x04" + bytes([len(ready)]) + ready)
        raw.sendall(b"\x02" + (2**30).to_bytes(8, "big") + b"x" * 1000)
        raw.settimeout(5)
        while raw.recv(65_536):
            continue
    assert viewer.hello()["name"] == "trainer"


def test_a_second_subscribe_replaces_the_first(b: Broadcaster, viewer: RawViewer) -> None:
    """After another subscribe nothing carries the old subscription any more, and its credit is the new figure."""
    viewer.grants = False
    first = viewer.subscribe([["log", "*"]], credit=1)
    b.publish_log("info", "x" * 100)
    b.publish_log("info", "y" * 100)
    assert b.flush(5)
    viewer.subscribe([["log", "*"]], credit=1000)
    assert [header[4] for header in viewer.of("log")] == [1, 2]
    assert viewer.ask("credit", [first, 100], b"d")[4] == "subscribe first"


def test_the_end_is_told_with_its_outcome() -> None:
    """Close sends what waits, then ENDED with its outcome, also to a viewer without credit."""
    b = Broadcaster("tcp://127.0.0.1:0", linger=2.0)
    with RawViewer(b.url) as viewer, RawViewer(b.url) as poor:
        viewer.subscribe()
        poor.subscribe(credit=1)
        poor.grants = False
        for step in range(1000):
            b.publish_metric("loss", 1.0, step=step)
        b.publish_log("info", "the last word")
        closing = threading.Thread(target=b.close)
        closing.start()
        viewer.pump_until(lambda: viewer.bodies("control")[-1]["run"] == "ENDED")
        poor.pump_until(lambda: poor.bodies("control") and poor.bodies("control")[-1]["run"] == "ENDED")
        closing.join(5)
    assert viewer.bodies("control")[-1]["outcome"] == "finished"
    assert len(viewer.samples("loss")) == 1000
    assert [body[1] for body in viewer.bodies("log")] == ["the last word"]
    assert viewer.events[-1] == ("data", "control")


def test_a_silent_port_scan_does_no_harm(b: Broadcaster, viewer: RawViewer, wait_for: WaitFor) -> None:
    """A peer with a routing id of another kind is answered with nothing and counted."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as stranger:
        stranger.setsockopt(zmq.LINGER, 500)
        stranger.connect(b.url)
        stranger.send(pack([1, "request", bytes(16), "hello", {}, None, None]))
        wait_for(lambda: b.statistics()["malformed"] == 1)
    assert viewer.hello()["name"] == "trainer"


def test_large_arrays_arrive_whole(b: Broadcaster, viewer: RawViewer) -> None:
    """An array of megabytes travels in one frame, unchanged."""
    viewer.subscribe([["data", "*"]], credit=1)
    picture = np.arange(1_000_000, dtype="f8")
    b.publish_data("picture", picture)
    viewer.pump_until(lambda: viewer.of("data", "picture"))
    assert arrays(viewer.of("data", "picture")[0])[""] == tuple(picture)
