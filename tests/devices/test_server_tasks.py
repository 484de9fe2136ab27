"""Tasks of the device server: begun, owning devices, paused, resumed, told parameters, cancelled."""

from __future__ import annotations

import json
import math
import threading

import pytest

from device_replay import captured_answers
from dockscope.devices import attach
from dockscope.devices.server import DeviceServer
from dockscope.devices.server_tasks import MOST_ENDED
from served_lab import Laser, ask, call


class SweepTask:
    """Steps until it is cancelled, as in the captures; tells its steps to the test."""

    def __init__(self, task_id, device_id="laser1", polite=True, wrong_ids=None):
        if device_id == "impossible":
            raise ValueError("there is no such sweep")
        self.device_ids = [device_id] if wrong_ids is None else wrong_ids
        self.polite = polite
        self.parameters = {}

    def run(self, context):
        laser = context.daemon.get_device("laser1")
        steps = 0
        while not context.cancel_event.wait(0.002):
            context.resume_event.wait()
            steps += 1
            laser.set_wavelength(float(steps))
        if not self.polite:
            raise RuntimeError("the sweep broke")
        return {"cancelled_at": 2, "nm": math.nan}

    def set_parameter(self, key, value):
        if key == "unknown":
            raise KeyError(key)
        if key == "later":
            raise NotImplementedError("not yet")
        self.parameters[key] = value


class QuickTask:
    """Is over at once."""

    def __init__(self, task_id, error=""):
        self._error = error

    def run(self, context):
        if self._error:
            raise RuntimeError(self._error)
        return "done"


class StubbornTask:
    """Does not look whether it is cancelled."""

    release = threading.Event()

    def __init__(self, task_id):
        pass

    def run(self, context):
        self.release.wait(20.0)


@pytest.fixture
def server():
    """A server of a laser, and of tasks for it."""
    with DeviceServer(port=0) as server:
        server.add_device(attach(Laser, "laser1"))
        server.register(tasks={"SweepTask": SweepTask, "QuickTask": QuickTask})
        yield server


def begin(server, task, kind="SweepTask", **params):
    """Begin a task; returns status and answer."""
    return ask(server, "POST", "/tasks", {"task_id": task, "task_type": kind, "params": params})


def ended(server, task):
    """Return what is told of a task when it has ended, False before."""
    told = ask(server, "GET", f"/tasks/{task}")[1]
    return not told["running"] and told


def untimed(told):
    return json.loads(json.dumps(told), object_hook=lambda one: {k: v for k, v in one.items() if k != "timestamp"})


def test_a_task_as_it_was_captured(server, wait_for):
    """Begin, ownership, pause, resume, a parameter, cancel, outcome and a second try have the captured answers."""
    captured = {name: json.loads(text) for name, text in captured_answers().items() if text.startswith(b"{")}
    assert begin(server, "sweep1") == (200, captured["POST /tasks"])
    status, told = call(server, "laser1", "get_wavelength")
    assert (status, untimed(told)) == (409, untimed(captured["call while owned"]))
    assert ask(server, "GET", "/devices/laser1")[1]["owned_by"] == "sweep1"
    assert ask(server, "POST", "/tasks/sweep1/pause") == (200, captured["POST pause"])
    assert ask(server, "POST", "/tasks/sweep1/resume") == (200, captured["POST resume"])
    body = {"key": "speed", "value": 2.0}
    assert ask(server, "POST", "/tasks/sweep1/parameters", body) == (200, captured["POST parameters"])
    assert ask(server, "GET", "/tasks/sweep1") == (200, captured["GET /tasks/sweep1"])
    assert ask(server, "POST", "/tasks/sweep1/cancel") == (200, captured["POST cancel"])
    told = wait_for(lambda: ended(server, "sweep1"))
    assert told["result"] == {"cancelled_at": 2, "nm": "NaN"}
    status, told = begin(server, "sweep1")
    assert (status, untimed(told)) == (400, untimed(captured["POST again same id"]))
    assert ask(server, "GET", "/devices/laser1")[1]["owned_by"] is None
    assert call(server, "laser1", "get_wavelength")[0] == 200


def test_a_device_has_one_owner(server, wait_for):
    """The second task is refused, its error kept and its id free; nobody else connects or calls the device."""
    begin(server, "sweep1")
    status, told = begin(server, "sweep2")
    assert (status, told["error"]["type"]) == (409, "DeviceInUse")
    assert "'laser1' (owned by 'sweep1')" in told["error"]["message"]
    assert ask(server, "GET", "/tasks/sweep2/error")[1]["error"]["message"] == told["error"]["message"]
    for path in ("connect", "disconnect"):
        assert ask(server, "POST", f"/devices/laser1/{path}")[1]["error"]["type"] == "DeviceInUse"
    assert begin(server, "sweep1")[1]["error"]["type"] == "TaskExists"
    assert begin(server, "sweep2", device_id="another")[0] == 200
    assert [task["task_id"] for task in ask(server, "GET", "/tasks")[1]["tasks"]] == ["sweep1", "sweep2"]


def test_a_paused_task_stands_still_until_it_goes_on_or_is_cancelled(server, wait_for):
    """Pausing takes effect at the task's own place; cancelling ends it also while it is paused."""
    begin(server, "sweep1")
    device = server.get_device("laser1")
    wait_for(lambda: device.nm > 3 and device.nm < 1000)
    ask(server, "POST", "/tasks/sweep1/pause")
    stands = threading.Event()
    before = [-1.0]

    def stood():
        before.append(device.nm)
        return stands.wait(0.05) or before[-1] == before[-2]

    wait_for(stood)
    ask(server, "POST", "/tasks/sweep1/resume")
    wait_for(lambda: device.nm > before[-1])
    ask(server, "POST", "/tasks/sweep1/pause")
    ask(server, "POST", "/tasks/sweep1/cancel")
    wait_for(lambda: ended(server, "sweep1"))
    for word in ("pause", "resume"):
        assert ask(server, "POST", f"/tasks/sweep1/{word}")[1]["error"]["type"] == "NotSupported"
    assert ask(server, "POST", "/tasks/sweep1/cancel")[0] == 200


def test_a_task_that_fails_tells_why(server, wait_for):
    """Its exception and its recorded error say the same; the error is cleared without a body."""
    begin(server, "sweep1", polite=False)
    ask(server, "POST", "/tasks/sweep1/cancel")
    told = wait_for(lambda: ended(server, "sweep1"))
    assert (told["result"], told["exception"]["error"]["message"]) == (None, "the sweep broke")
    assert "in run" in ask(server, "GET", "/tasks/sweep1/error")[1]["error"]["traceback"]
    assert ask(server, "DELETE", "/tasks/sweep1/error") == (204, None)
    for method in ("GET", "DELETE"):
        assert ask(server, method, "/tasks/sweep1/error")[1]["error"]["type"] == "NoError"


def test_a_task_that_is_over_at_once(server):
    """It is told as completed, or as an error when it failed."""
    assert begin(server, "quick1", "QuickTask")[1]["status"] == "completed_immediately"
    assert ask(server, "GET", "/tasks/quick1")[1] == {
        "task_id": "quick1",
        "task_type": "QuickTask",
        "running": False,
        "result": "done",
        "exception": None,
    }
    status, told = begin(server, "quick2", "QuickTask", error="no light")
    assert (status, told["error"]["type"], told["error"]["message"]) == (
        400,
        "RuntimeError",
        "Task failed to start: no light",
    )


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"task_type": "SweepTask"}, 400, "InvalidRequest"),
        ({"task_id": "t"}, 400, "InvalidRequest"),
        ({"task_id": "t", "task_type": "SweepTask", "params": []}, 400, "InvalidRequest"),
        ({"task_id": "a/b", "task_type": "SweepTask"}, 400, "InvalidRequest"),
        ({"task_id": "t", "task_type": "Nothing"}, 404, "TaskTypeNotFound"),
        ({"task_id": "t", "task_type": "SweepTask", "params": {"speed": 1}}, 400, "TaskInstantiationError"),
        (
            {"task_id": "t", "task_type": "SweepTask", "params": {"device_id": "impossible"}},
            400,
            "TaskInstantiationError",
        ),
        ({"task_id": "t", "task_type": "SweepTask", "params": {"wrong_ids": "laser1"}}, 400, "InvalidTaskDefinition"),
        ({"task_id": "t", "task_type": "SweepTask", "params": {"wrong_ids": [1]}}, 400, "InvalidTaskDefinition"),
    ],
)
def test_tasks_that_cannot_be(server, body, status, kind):
    """Each is refused with its own error, and leaves nothing that would be in the way of the next."""
    for _ in range(2):
        answered, told = ask(server, "POST", "/tasks", body)
        assert (answered, told["error"]["type"]) == (status, kind)
    assert ask(server, "GET", "/tasks") == (200, {"tasks": []})


def test_parameters_that_a_task_does_not_take(server):
    """Missing words are wrong requests; what the task raises, or that it takes none, is told."""
    begin(server, "sweep1")
    for body, status, kind in (
        ({"key": "speed"}, 400, "InvalidRequest"),
        ({"value": 1}, 400, "InvalidRequest"),
        ({"key": "unknown", "value": 1}, 500, "TaskParameterError"),
        ({"key": "later", "value": 1}, 400, "NotSupported"),
        ({"key": "speed", "value": None}, 200, None),
    ):
        answered, told = ask(server, "POST", "/tasks/sweep1/parameters", body)
        assert (answered, told.get("error", {}).get("type")) == (status, kind)
    begin(server, "quick", "QuickTask")
    assert ask(server, "POST", "/tasks/quick/parameters", {"key": "a", "value": 1})[0] == 500
    for path in ("", "/error"):
        assert ask(server, "GET", f"/tasks/nope{path}")[0] == 404
    for word in ("cancel", "pause", "resume", "parameters"):
        assert ask(server, "POST", f"/tasks/nope/{word}", {})[1]["error"]["type"] == "TaskNotFound"


def test_ended_tasks_are_forgotten_after_a_while(server):
    """The last twenty are told; the ids of the others are still not used again."""
    for number in range(MOST_ENDED + 5):
        assert begin(server, f"quick{number}", "QuickTask")[0] == 200
    listed = [task["task_id"] for task in ask(server, "GET", "/tasks")[1]["tasks"]]
    assert listed == [f"quick{number}" for number in range(5, MOST_ENDED + 5)]
    assert begin(server, "quick0", "QuickTask")[0] == 400


def test_the_end_of_the_server_cancels_its_tasks(expect_log):
    """Those that look are over when stop returns; one that does not is left behind and told."""
    expect_log("task stubborn did not end", logger="dockscope.devices")
    server = DeviceServer(port=0)
    server.add_device(attach(Laser, "laser1"))
    server.register(tasks={"SweepTask": SweepTask, "StubbornTask": StubbornTask})
    server.start()
    begin(server, "sweep1")
    begin(server, "stubborn", "StubbornTask")
    assert server.stop(timeout_s=0.5) is False
    StubbornTask.release.set()
