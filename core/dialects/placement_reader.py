"""What a placement stream tells, as the messages that the window shows: scene, frames, metrics, state, words."""

from __future__ import annotations

import os
import time

import numpy as np
from msgspec.structs import replace

from ..messages import (
    KIND_OF,
    ControlState,
    DataRecord,
    Hello,
    LogRecord,
    Message,
    PlacementFrame,
    ProtocolError,
    Status,
)
from ..run_control import RunState
from .metric_rows import MetricRows
from .placement_codec import (
    ControlTold,
    FrameTold,
    Pong,
    StatsTold,
    StatusTold,
    Told,
    Welcome,
)
from .placement_deltas import KnownPlaces
from .placement_facts import BoardFacts, as_numbers
from .placement_scene import SceneMaker
from .readings import read_object
from .reception import Reception

STREAM = "board"
STATS = "stats"
CAPABILITIES = ("pause", "resume", "stop")
MOST_UNANSWERED = 16  # frames after which nobody is expected to tell of the board any more
GUESSED = "part sizes are guessed, as the stream does not tell them; add ?viewer=PATH of its stream_viewer.html"


class PlacementReader:
    """Read one stream, through all its connections.

    Args:
        hello: what is said of the producer; each run gets an id of its own.
        only: names of streams, metrics or kinds to keep; all when empty.

    Attributes:
        control: what the producer last said of pause and stop.
    """

    def __init__(self, hello: Hello, only: tuple[str, ...] = ()) -> None:
        self._hello = hello
        self._only = frozenset(only)
        self._revision = 0
        self.begin_run()

    def begin_run(self) -> None:
        """Forget the run before: the next message is of another."""
        self._hello = replace(self._hello, producer=os.urandom(16))
        self._rows = MetricRows(() if "metric" in self._only else tuple(self._only))
        self._maker = SceneMaker()
        self._places = KnownPlaces()
        self._modules: dict[str, str] = {}
        self.control = ControlTold(False, False)
        self._complete = self._over = False
        self._last_index, self._last_t = -1, None
        self._held: FrameTold | None = None
        self._knows_board = False
        self._unanswered = 0
        self._said_guessed = False

    def connected(self, welcome: Welcome, reception: Reception, facts: BoardFacts | None) -> None:
        """Take the first message of a connection.

        Args:
            welcome: it. facts: of the board, from a page, or None.
        """
        if self._over:
            self.begin_run()
        if facts is not None:
            self._maker.facts, self._knows_board = facts, True
        self._held, self._unanswered = None, 0 if facts is None else MOST_UNANSWERED
        reception.up(self._hello)
        self._tell_control(ControlTold(welcome.paused, False), reception)

    def take(self, told: Told, reception: Reception, nbytes: int) -> None:
        """Take a message.

        Raises:
            ProtocolError: it does not fit those before.
        """
        if isinstance(told, FrameTold):
            self._take_frame(told, reception, nbytes)
        elif isinstance(told, ControlTold):
            self._tell_control(told, reception)
        elif isinstance(told, StatusTold):
            self._complete = self._complete or told.status == "complete"
            self._deliver(Status(told.status, told.message, time.time()), "", reception, nbytes)
        elif isinstance(told, StatsTold):
            self._take_stats(told, reception, nbytes)
        elif isinstance(told, BoardFacts):
            self._maker.facts, self._knows_board = told, True
            self._release(reception)
        elif isinstance(told, Pong):  # the answer to what was sent after the question for the board
            self._knows_board, self._unanswered = True, MOST_UNANSWERED
            self._release(reception)
            self._tell_guess(reception)

    def disconnected(self, reception: Reception) -> None:
        """Take note that the connection is gone: after a stop, or its last word, the run is over."""
        self._over = self.control.stop_requested or self._complete
        if self._over:
            self._revision += 1
            outcome = "stopped" if self.control.stop_requested else "finished"
            state = ControlState(RunState.ENDED.value, outcome, self._revision)
            self._deliver(state, "", reception, 0)

    # -- frames -------------------------------------------------------------------------------------------------

    def _take_frame(self, told: FrameTold, reception: Reception, nbytes: int) -> None:
        if told.index < self._last_index:  # a new run on the connection of the old one
            facts, knows = self._maker.facts, self._knows_board
            self.begin_run()
            self._maker.facts, self._knows_board = facts, knows
            reception.up(self._hello)
            self._tell_control(ControlTold(False, False), reception)
        if told.t is not None and (told.index, told.t) == (self._last_index, self._last_t):
            return  # who connects again gets the last frame once more
        self._last_index, self._last_t = told.index, told.t
        if not self._knows_board and self._held is None:
            self._held = told  # what the board is like comes with the answer to our question, if at all
            return
        self._knows_board = True
        self._release(reception)
        self._show(told, reception, nbytes)

    def _release(self, reception: Reception) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._show(held, reception, 0)
        elif self._maker.scene is not None and self._places.refs:
            self._fit(*self._places.known(), None, None, reception)

    def _show(self, told: FrameTold, reception: Reception, nbytes: int) -> None:
        self._places.take(told.refs, told.places, partial=told.partial, gone=told.gone)
        self._modules = {**self._modules, **told.modules} if told.partial else told.modules
        refs, position = self._places.known()
        sizes = told.sizes if refs == told.refs else None
        self._fit(refs, position, sizes, told.connections, reception)
        t = time.time() if told.t is None else told.t
        if told.figures:
            steps = {} if told.iteration is None else {"iteration": told.iteration}
            self._rows.add({**told.figures, **steps}, t, told=True)
            self._deliver_rows(reception)
        self._deliver(self._frame(told, refs, position), STREAM, reception, nbytes)
        self._unanswered += 1
        self._tell_guess(reception)

    def _fit(
        self,
        refs: tuple[str, ...],
        position: np.ndarray,
        sizes: np.ndarray | None,
        connections: list | None,
        reception: Reception,
    ) -> None:
        scene = self._maker.fit(refs, sizes, set(self._modules.values()), connections)
        if scene is not None:
            self._deliver(scene, STREAM, reception, 0)

    def _tell_guess(self, reception: Reception) -> None:
        """Say once that sizes are guessed, when the board will not be told of any more."""
        if self._maker.guesses and not self._said_guessed and self._unanswered >= MOST_UNANSWERED:
            self._said_guessed = True
            self._deliver(LogRecord("info", f"{reception.where}: {GUESSED}", {}, time.time()), "", reception, 0)

    def _frame(self, told: FrameTold, refs: tuple[str, ...], position: np.ndarray) -> PlacementFrame:
        index, figures = self._maker.index, told.figures
        forces = [(index[ref], fx, fy, kind) for ref, fx, fy, kind in told.forces if ref in index]
        overlaps = [(index[a], index[b]) for a, b in told.overlaps if a in index and b in index]
        assert self._maker.scene is not None
        return PlacementFrame(
            position=position.astype("<f4"),
            scene=self._maker.scene.scene,
            index=told.index,
            label=told.label,
            iteration=told.iteration,
            phase=told.phase,
            energy=figures.get("energy"),
            max_move=figures.get("max_move"),
            overlap_count=_whole(figures.get("overlap_count")),
            total_wire_length=figures.get("total_wire_length"),
            module=self._module(refs),
            force=np.array([(fx, fy) for _, fx, fy, _ in forces], dtype="<f4") if forces else None,
            force_owner=np.array([owner for owner, *_ in forces], dtype="<u4") if forces else None,
            force_kind=np.array([kind for *_, kind in forces], dtype="u1") if forces else None,
            overlap=np.array(overlaps, dtype="<u4") if overlaps else None,
            movement=_movement(told, refs),
        )

    def _module(self, refs: tuple[str, ...]) -> np.ndarray | None:
        modules = self._maker.modules
        if not self._modules or not all(ref in self._modules for ref in refs):
            return None  # a part without one has no place in this array
        return np.array([modules[self._modules[ref]] for ref in refs], dtype="<u2")

    # -- the rest -----------------------------------------------------------------------------------------------

    def _take_stats(self, told: StatsTold, reception: Reception, nbytes: int) -> None:
        reading = read_object(told.data)
        if reading.numbers:
            self._rows.add(reading.numbers, time.time(), STATS, metric=reading.metric, labels=reading.labels)
            self._deliver_rows(reception)
        if reading.rest:
            self._deliver(DataRecord(reading.rest, time.time()), STATS, reception, nbytes)

    def _deliver_rows(self, reception: Reception) -> None:
        for message in self._rows.take():
            reception.receive(message)
        if refused := self._rows.take_refused():
            raise ProtocolError(refused)

    def _tell_control(self, told: ControlTold, reception: Reception) -> None:
        self.control = told
        self._revision += 1
        run = RunState.STOPPING if told.stop_requested else RunState.PAUSED if told.paused else RunState.RUNNING
        self._deliver(ControlState(run.value, revision=self._revision), "", reception, 0)

    def _deliver(self, message: Message, stream: str, reception: Reception, nbytes: int) -> None:
        kind = KIND_OF[type(message)].value
        if kind == "control" or not self._only or self._only & {kind, stream or kind}:
            reception.receive(message, stream, nbytes=nbytes)


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and abs(value) <= 2**53 else None


def _movement(told: FrameTold, refs: tuple[str, ...]) -> np.ndarray | None:
    if not told.movement or not all(ref in told.movement for ref in refs):
        return None
    moved = as_numbers([told.movement[ref] for ref in refs], 3, "the movement")[:, :3]
    return np.nan_to_num(moved, nan=0.0).astype("<f4")
