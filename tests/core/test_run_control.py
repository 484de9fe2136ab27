"""The run state table, carried out: every row, with loops in threads and tasks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from dockscope.core.checkpoint import RunControl
from dockscope.core.messages import ControlState, LogRecord
from dockscope.core.run_control import TRANSITIONS, Command, LinkState, RunState, allowed
from dockscope.core.run_machine import Ask, RunMachine, Verdict
from dockscope.core.wire import Reply

WaitFor = Callable[..., Any]


class FakeClock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Told:
    """What the control told, in order."""

    def __init__(self) -> None:
        self.events: list[Reply | ControlState | LogRecord] = []

    def __call__(self, event: Reply | ControlState | LogRecord) -> None:
        self.events.append(event)

    def stages(self, id_: bytes) -> list[str]:
        return [event.stage for event in list(self.events) if isinstance(event, Reply) and event.id == id_]

    def runs(self) -> list[str]:
        return [event.run for event in list(self.events) if isinstance(event, ControlState)]

    def reasons(self, id_: bytes) -> list[str]:
        return [event.reason for event in list(self.events) if isinstance(event, Reply) and event.id == id_]

    def logs(self) -> list[str]:
        return [event.message for event in list(self.events) if isinstance(event, LogRecord)]


class Bench:
    """A machine with threads that only stand in its checkpoints; nothing really waits."""

    def __init__(self) -> None:
        self.told = Told()
        self.clock = FakeClock()
        self.machine = RunMachine(self.told, self.clock)
        self._asked = 0

    def ask(self, command: Command, **args: Any) -> bytes:
        self._asked += 1
        id_ = self._asked.to_bytes(16, "big")
        self.machine.request(Ask(id_, command, args, "ann@desk"))
        return id_

    def visit(self, owner: threading.Thread, over: bool = False) -> Verdict | None:
        return self.machine.step(self.machine.enter(owner), over)


@pytest.fixture
def bench() -> Bench:
    return Bench()


class FakeThread(threading.Thread):
    """A thread that never starts and yet lives, as loops are told apart by their threads."""

    alive = True

    def is_alive(self) -> bool:
        return self.alive


def test_the_table_answers_every_command_in_every_state() -> None:
    """Each command has a rule for each run state."""
    assert set(TRANSITIONS) == {(command, run) for command in Command for run in RunState}


def test_pause_is_effective_when_the_loop_blocks(bench: Bench) -> None:
    """Accepted at once, PAUSING until the loop reaches its checkpoint, then PAUSED and effective, once."""
    loop = FakeThread()
    pause = bench.ask(Command.PAUSE, reason="coffee")
    assert bench.told.stages(pause) == ["accepted"]
    bench.clock.now += 12
    state = bench.machine.snapshot()
    assert (state.run, state.waiting_s, state.by, state.reason) == ("PAUSING", 12.0, "ann@desk", "coffee")
    assert bench.visit(loop) is None
    assert bench.visit(loop) is None
    assert bench.told.stages(pause) == ["accepted", "effective"]
    assert bench.told.runs() == ["PAUSING", "PAUSED"]
    assert bench.told.stages(bench.ask(Command.PAUSE)) == ["effective"]


def test_a_second_pause_joins_the_first(bench: Bench) -> None:
    """Two pauses are both accepted and both effective at the same block."""
    first, second = bench.ask(Command.PAUSE), bench.ask(Command.PAUSE)
    bench.visit(FakeThread())
    assert bench.told.stages(first) == bench.told.stages(second) == ["accepted", "effective"]


def test_resume_withdraws_an_open_pause(bench: Bench) -> None:
    """A pause that no loop has obeyed is rejected by resume, with the name of who resumed."""
    pause = bench.ask(Command.PAUSE)
    resume = bench.ask(Command.RESUME)
    assert bench.told.stages(resume) == ["effective"]
    assert bench.told.stages(pause) == ["accepted", "rejected"]
    assert bench.told.reasons(pause)[-1] == "withdrawn by resume of ann@desk"
    assert bench.visit(FakeThread()) is Verdict.GO


def test_resume_is_effective_when_the_loop_goes_on(bench: Bench) -> None:
    """RESUMING until every blocked loop has left its checkpoint."""
    one, two = FakeThread(), FakeThread()
    bench.visit(one)
    bench.visit(two)
    bench.ask(Command.PAUSE)
    bench.visit(one)
    assert bench.machine.run is RunState.PAUSING
    bench.visit(two)
    assert bench.machine.run is RunState.PAUSED
    resume = bench.ask(Command.RESUME)
    joined = bench.ask(Command.RESUME)
    bench.visit(one)
    assert bench.told.stages(resume) == ["accepted"]
    bench.visit(two)
    assert bench.told.stages(resume) == bench.told.stages(joined) == ["accepted", "effective"]
    assert bench.machine.run is RunState.RUNNING


def test_pause_while_resuming_withdraws_the_resume(bench: Bench) -> None:
    """The loop that had not gone on yet stays, and the pause is effective."""
    loop = FakeThread()
    bench.ask(Command.PAUSE)
    bench.visit(loop)
    resume = bench.ask(Command.RESUME)
    pause = bench.ask(Command.PAUSE)
    assert bench.told.reasons(resume)[-1] == "withdrawn by pause of ann@desk"
    assert bench.told.stages(pause) == ["accepted", "effective"]
    assert bench.visit(loop) is None


@pytest.mark.parametrize("before", [[], [Command.PAUSE], [Command.PAUSE, Command.RESUME]])
def test_stop_is_effective_when_the_loop_sees_it(bench: Bench, before: list[Command]) -> None:
    """From every living state: accepted, the open request is withdrawn, STOPPED when checkpoint returned False."""
    loop = FakeThread()
    if len(before) == 2:
        bench.ask(Command.PAUSE)
        bench.visit(loop)
        before = before[1:]
    asked = [bench.ask(command) for command in before]
    stop = bench.ask(Command.STOP)
    assert [bench.told.stages(id_)[-1] for id_ in asked] == ["rejected"] * len(asked)
    assert bench.told.stages(stop) == ["accepted"]
    assert bench.visit(loop) is Verdict.STOP
    assert bench.told.stages(stop) == ["accepted", "effective"]
    assert bench.machine.run is RunState.STOPPED
    assert bench.told.stages(bench.ask(Command.STOP)) == ["effective"]
    for command in (Command.PAUSE, Command.RESUME, Command.SET):
        assert bench.told.stages(bench.ask(command)) == ["rejected"]


def test_a_checkpoint_that_times_out_leaves_the_pause_incomplete(bench: Bench) -> None:
    """PAUSED becomes PAUSING, and PAUSED again at the next block, without a second effective."""
    loop = FakeThread()
    pause = bench.ask(Command.PAUSE)
    bench.visit(loop)
    assert bench.visit(loop, over=True) is Verdict.TIMED_OUT
    assert bench.machine.run is RunState.PAUSING
    bench.visit(loop)
    assert bench.told.runs() == ["PAUSING", "PAUSED", "PAUSING", "PAUSED"]
    assert bench.told.stages(pause) == ["accepted", "effective"]


def test_a_late_loop_makes_the_pause_incomplete_until_it_blocks(bench: Bench) -> None:
    """A loop that arrives while paused: PAUSING, and PAUSED as soon as it blocks too."""
    bench.ask(Command.PAUSE)
    bench.visit(FakeThread())
    late = bench.machine.enter(FakeThread())
    assert bench.machine.run is RunState.PAUSING
    bench.machine.step(late, False)
    assert bench.machine.run is RunState.PAUSED


def test_loops_that_ended_or_fell_silent_are_not_waited_for(bench: Bench) -> None:
    """A thread that is gone no longer counts, nor one that has not called for five seconds."""
    gone, silent, loop = FakeThread(), FakeThread(), FakeThread()
    for owner in (gone, silent, loop):
        bench.visit(owner)
    pause = bench.ask(Command.PAUSE)
    bench.visit(loop)
    gone.alive = False
    bench.machine.tick()
    assert bench.told.stages(pause) == ["accepted"]
    bench.clock.now += 5.5
    bench.machine.tick()
    assert bench.told.stages(pause) == ["accepted", "effective"]


def test_the_end_answers_what_is_open(bench: Bench) -> None:
    """ENDED: an open stop is effective, an open pause rejected; the outcome is told."""
    pause = bench.ask(Command.PAUSE)
    bench.machine.end(None)
    assert bench.told.stages(pause) == ["accepted", "rejected"]
    assert bench.machine.snapshot().outcome == "finished"
    assert bench.told.stages(bench.ask(Command.STOP)) == ["effective"]


@pytest.mark.parametrize(("seen", "outcome"), [(True, "stopped"), (False, "finished")])
def test_the_outcome_is_stopped_only_when_the_loop_obeyed(bench: Bench, seen: bool, outcome: str) -> None:
    """A run that ended without ever looking at the stop has finished."""
    bench.ask(Command.STOP)
    if seen:
        bench.visit(FakeThread())
    bench.machine.end(None)
    assert bench.machine.snapshot().outcome == outcome


def test_who_asked_what_and_its_outcome_is_logged(bench: Bench) -> None:
    """Each stage of each command is a log record."""
    bench.ask(Command.PAUSE)
    bench.ask(Command.RESUME)
    assert bench.told.logs() == [
        "pause by ann@desk: accepted",
        "pause by ann@desk: rejected (withdrawn by resume of ann@desk)",
        "resume by ann@desk: effective",
    ]


def test_too_many_open_requests_are_rejected(bench: Bench) -> None:
    """What nobody obeys does not pile up without bound."""
    last = [bench.ask(Command.PAUSE) for _ in range(300)][-1]
    assert bench.told.stages(last) == ["rejected"]


# -- with real threads and tasks -------------------------------------------------------------------------------------


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def control(told: Told) -> RunControl:
    return RunControl(told)


def ask(control: RunControl, command: Command, **args: Any) -> None:
    control.request(Ask(command.value.ljust(16).encode(), command, args, "ann@desk"))


def test_a_thread_waits_in_checkpoint_and_goes_on(control: RunControl, told: Told, wait_for: WaitFor) -> None:
    """checkpoint blocks while paused, returns True when resumed, and False once stop is requested."""
    results: list[bool] = []
    calls: list[tuple[str, str]] = []
    for name in ("pause", "resume", "stop"):
        getattr(control, f"on_{name}")(lambda name=name: calls.append((name, threading.current_thread().name)))
    ask(control, Command.PAUSE)
    assert control.paused
    loop = threading.Thread(target=lambda: results.append(control.checkpoint()), name="loop")
    loop.start()
    wait_for(lambda: told.runs()[-1] == "PAUSED")
    assert results == []
    ask(control, Command.RESUME)
    loop.join(5)
    assert results == [True]
    assert told.runs()[-1] == "RUNNING"
    ask(control, Command.STOP)
    assert not control.checkpoint()
    assert calls == [("pause", "loop"), ("resume", "loop"), ("stop", threading.current_thread().name)]


def test_stop_wakes_a_paused_loop(control: RunControl, told: Told, wait_for: WaitFor) -> None:
    """A loop that is blocked leaves with False when stop comes; wait_resume likewise."""
    results: list[bool] = []
    loops = [
        threading.Thread(target=lambda call=call: results.append(call()))
        for call in (control.checkpoint, control.wait_resume)
    ]
    ask(control, Command.PAUSE)
    for loop in loops:
        loop.start()
    wait_for(lambda: told.runs()[-1] == "PAUSED")
    ask(control, Command.STOP)
    for loop in loops:
        loop.join(5)
    assert results == [False, False]


def test_timeouts(control: RunControl) -> None:
    """A checkpoint that times out says go on; wait_resume that times out says not resumed; wrong ones raise."""
    assert control.wait_resume(0.01)
    ask(control, Command.PAUSE)
    assert control.checkpoint(timeout=0.01)
    assert not control.wait_resume(timeout=0.01)
    assert control.paused
    with pytest.raises(TypeError, match="timeout"):
        control.checkpoint(timeout="soon")  # pyright: ignore[reportArgumentType]


def test_on_resume_runs_also_when_the_loop_had_timed_out(control: RunControl) -> None:
    """A loop that walked through the pause still learns that it is over."""
    resumed: list[int] = []
    control.on_resume(lambda: resumed.append(1))
    control.checkpoint()
    ask(control, Command.PAUSE)
    control.checkpoint(timeout=0.0)
    control.checkpoint(timeout=0.01)
    ask(control, Command.RESUME)
    assert control.checkpoint()
    assert resumed == [1]


def test_reading_stop_requested_is_seeing_the_stop(control: RunControl, told: Told) -> None:
    """A loop that polls stop_requested makes the stop effective by reading True."""
    assert not control.stop_requested
    ask(control, Command.STOP)
    assert told.runs()[-1] == "STOPPING"
    assert control.stop_requested
    assert told.runs()[-1] == "STOPPED"


def test_tasks_wait_without_blocking_their_event_loop(
    control: RunControl, told: Told, wait_for_async: Callable[..., Any]
) -> None:
    """While one task is paused the others go on; a cancelled task is not counted as blocked any more."""

    async def main() -> bool:
        ask(control, Command.PAUSE)
        task = asyncio.create_task(control.checkpoint_async())
        await wait_for_async(lambda: control.state().run == "PAUSED")
        cancelled = asyncio.create_task(control.wait_resume_async())
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        assert control.state().run == "PAUSING"
        threading.Thread(target=lambda: ask(control, Command.RESUME)).start()
        return await task

    assert asyncio.run(main())
    assert told.runs()[-1] == "RUNNING"


def test_callbacks_that_fail_are_logged(control: RunControl, expect_log: Callable[..., None]) -> None:
    """An exception in a callback does not reach the loop."""
    expect_log("on_stop callback failed", logger="dockscope.control")

    @control.on_stop
    def fail() -> None:
        raise RuntimeError("mine")

    with pytest.raises(TypeError, match="callback"):
        control.on_stop(None)  # pyright: ignore[reportArgumentType]
    ask(control, Command.STOP)
    assert not control.checkpoint()


def test_parameters_are_checked_and_applied_in_the_loop(control: RunControl, told: Told, wait_for: WaitFor) -> None:
    """A value changes only in a checkpoint, also in one that is paused; its callback runs in that thread."""
    rate = control.parameter("rate", 0.1, minimum=0.0, maximum=1.0)
    assert control.parameter("rate", 0.1, minimum=0.0, maximum=1.0) is rate
    with pytest.raises(ValueError, match="name"):
        control.parameter("rate", 0.2)
    changes: list[tuple[float, str]] = []
    rate.on_change(lambda value: changes.append((value, threading.current_thread().name)))
    ask(control, Command.SET, name="rate", value=1)
    assert rate.value == 0.1
    control.checkpoint()
    assert rate.value == 1.0
    ask(control, Command.PAUSE)
    loop = threading.Thread(target=control.wait_resume, name="loop")
    loop.start()
    wait_for(lambda: control.state().run in ("PAUSED", "PAUSING"))
    ask(control, Command.SET, name="rate", value=0.5)
    wait_for(lambda: rate.value == 0.5)
    ask(control, Command.RESUME)
    loop.join(5)
    assert [value for value, _ in changes] == [1.0, 0.5]
    assert changes[1][1] == "loop"


@pytest.mark.parametrize(
    ("default", "limits", "value"),
    [
        (0.5, {"maximum": 1.0}, 2.0),
        (0.5, {"minimum": 0.0}, -1),
        (0.5, {}, float("nan")),
        (0.5, {}, True),
        (3, {}, 2.5),
        (3, {}, 2**60),
        (True, {}, 1),
        ("fast", {"choices": ["fast", "slow"]}, "medium"),
        ("fast", {}, None),
    ],
)
def test_values_that_do_not_fit_are_rejected(
    control: RunControl, told: Told, default: Any, limits: dict[str, Any], value: Any
) -> None:
    """Type, bounds and choices are checked before anything is accepted."""
    parameter = control.parameter("p", default, **limits)
    ask(control, Command.SET, name="p", value=value)
    assert told.stages(b"set".ljust(16)) == ["rejected"]
    control.checkpoint()
    assert parameter.value == default


@pytest.mark.parametrize("name", [5, 5.0, None, ["5"], {"5": 5}, b"5"])
def test_a_name_that_is_no_text_is_rejected(control: RunControl, told: Told, name: Any) -> None:
    """Whatever a viewer sends as a parameter's name, the watched loop is not disturbed."""
    for declared in ("5", "5.0", "None", "['5']", "{'5': 5}", "b'5'"):
        control.parameter(declared, 1)
    ask(control, Command.SET, name=name, value=2)
    assert told.stages(b"set".ljust(16)) == ["rejected"]
    assert control.checkpoint()


def test_parameters_that_cannot_be_are_refused(control: RunControl) -> None:
    """A default of a strange type or outside its own limits raises at the call."""
    for wrong, limits in ((None, {}), ([1], {})):
        with pytest.raises(TypeError, match="default"):
            control.parameter("p", wrong, **limits)
    with pytest.raises(ValueError, match="default"):
        control.parameter("p", 5, maximum=1)
    with pytest.raises(ValueError, match="minimum"):
        control.parameter("p", "x", minimum=1)


EVERYTHING = ("pause", "resume", "stop", "set")


def test_allowed_says_why_not() -> None:
    """A command is offered only when it makes sense, and the sentence says why it does not."""
    live, run = LinkState.LIVE, RunState.RUNNING
    assert allowed(Command.PAUSE, run, live, EVERYTHING, "operate") is None
    assert allowed(Command.PAUSE, run, LinkState.STALE, EVERYTHING, "operate") is None
    assert allowed(Command.RESUME, run, live, EVERYTHING, "operate") == "the run is not paused"
    assert allowed(Command.STOP, RunState.ENDED, live, EVERYTHING, "operate") == "the run has ended"
    assert "observe only" in str(allowed(Command.STOP, run, live, EVERYTHING, "observe"))
    assert "not connected" in str(allowed(Command.STOP, run, LinkState.LOST, EVERYTHING, "operate"))
    assert "cannot be paused" in str(allowed(Command.PAUSE, run, live, (), "operate"))
