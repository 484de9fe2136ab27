"""A placement optimizer to watch: ``python -m dockscope.core.demos.optimizer [BOARD]``.

It reads a KiCad board, throws all parts but the fixed ones on it at random, and places them: by forces for the
iterations asked for, then one by one on legal places, then each at its best free place. With --ws it streams to a page
for the browser, ``placement_debug/stream_viewer.html``, and leaves one that plays the run.
"""

from __future__ import annotations

import argparse
import importlib.resources
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..board import Board
from ..broadcaster import Broadcaster
from .ending import end_by_signals
from .legalize import Legalizer
from .pace import CounterFile, Pace
from .placement_report import PlacementReport
from .placer import Placer, Step
from .problem import Problem
from .progress import ProgressBar

ITERATIONS = 15_000
RATE_HZ = 60.0
FRAMES_HZ = 30.0


class Optimizer:
    """Place a board's parts and publish every step.

    Args:
        broadcaster: gets scene, frames, metrics, logs and statuses, and says pause and stop.
        board: to place.
        placer: of that board.
        iterations: of the global placement. seed: of all randomness. rate_hz: iterations a second, 0 for no limit.
        counter: gets the number of the iteration.
    """

    def __init__(
        self,
        broadcaster: Broadcaster,
        board: Board,
        placer: Placer,
        *,
        iterations: int,
        seed: int,
        rate_hz: float,
        counter: CounterFile,
    ) -> None:
        self._b = broadcaster
        self._board = board
        self._placer = placer
        self._planned = iterations
        self._seed = seed
        self._counter = counter
        self._report = PlacementReport(broadcaster, board, placer)
        self._phase = "initial"
        self.iterations = 0
        self.start_hpwl = placer.hpwl()
        parameter = broadcaster.control.parameter
        self._attraction = parameter("attraction", 1.0, minimum=0.0, maximum=10.0)
        self._repulsion = parameter("repulsion", 1.0, minimum=0.0, maximum=10.0)
        self._cooling = parameter("cooling", 1.0, minimum=0.0, maximum=10.0)
        rate = parameter("rate", float(rate_hz), minimum=0.0, maximum=10_000.0, unit="1/s")
        self._pace = Pace(broadcaster.control.checkpoint, lambda: rate.value)

    def run(self, bar: ProgressBar) -> bool:
        """Place the board.

        Returns:
            True when someone stopped it.
        """
        fixed = self._placer.problem.count - int(self._placer.problem.movable.sum())
        self._report.scene()
        self._b.publish_log(
            "info",
            f"Placing {self._board.name}",
            parts=len(self._board.parts),
            fixed=fixed,
            nets=self._placer.problem.wires.count,
            seed=self._seed,
        )
        self._publish("random start")
        legalizer = Legalizer(self._placer, self._seed)
        return not (
            self._place(bar)
            and self._follow(legalizer.legalize(), "Legalization: every part to a free place", bar)
            and self._follow(legalizer.improve(), "Legalization: every part to its best free place", bar)
        )

    def finish(self, stopped: bool) -> str:
        """Publish the end and return the summary line."""
        hpwl, overlaps, outside = self._placer.hpwl(), len(self._placer.overlaps()), int(self._placer.outside().sum())
        self._phase = "final"
        self._publish("stopped" if stopped else "done")
        text = f"wire {self.start_hpwl:.0f} → {hpwl:.0f} mm, {overlaps} overlaps, {outside} parts off the board"
        if stopped:
            self._b.publish_status("warning", f"Stopped by the user in iteration {self.iterations}: {text}")
        elif overlaps or outside:
            self._b.publish_status("warning", f"The board is too full: {text}")
        else:
            self._b.publish_status("complete", f"Placed: {text}")
        return (
            f"hpwl {self.start_hpwl:.1f} -> {hpwl:.1f}, overlaps {overlaps}, iterations {self.iterations}, "
            f"stopped by user: {'yes' if stopped else 'no'}"
        )

    def _place(self, bar: ProgressBar) -> bool:
        self._enter("refinement", f"Global placement: {self._planned} iterations")
        milestone = max(self._planned // 10, 1)
        while self.iterations < self._planned:
            if not self._pace.wait():
                return False
            self._tune()
            step = self._placer.step()
            self.iterations += 1
            self._counter.set(self.iterations)
            self._publish(f"iteration {self.iterations}", step)
            bar.show(self.iterations, f"hpwl {self._placer.hpwl():.0f}")
            if self.iterations % milestone == 0:
                self._b.publish_log("info", f"Iteration {self.iterations}", energy=step.energy, max_move=step.max_move)
        return True

    def _follow(self, moves: Iterator[int], message: str, bar: ProgressBar) -> bool:
        self._enter("legalization", message)
        for count, part in enumerate(moves, 1):
            self._publish(f"{self._board.parts[part].ref}, move {count}")
            bar.show(self.iterations, f"legalizing, hpwl {self._placer.hpwl():.0f}")
            if not self._pace.wait():
                return False
        return True

    def _enter(self, phase: str, message: str) -> None:
        self._phase = phase
        self._b.publish_status("info", message)

    def _publish(self, label: str, step: Step | None = None) -> None:
        self._report.step(label, self._phase, self.iterations, step)

    def _tune(self) -> None:
        tuning = self._placer.tuning
        tuning.attraction, tuning.repulsion = self._attraction.value, self._repulsion.value
        tuning.cooling = self._cooling.value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo from the command line.

    Returns:
        The exit code: 0 also when it was stopped, 1 when the board cannot be read or the URL not be used.
    """
    options = _parser().parse_args(arguments)
    end_by_signals()
    try:
        board = Board.from_kicad(options.board) if options.board else sample_board()
        placer = Placer(Problem.of(board), options.iterations, options.seed)
        if options.ws is not None:
            print(_stream(board, placer, options), flush=True)
            return 0
        with (
            CounterFile(options.counter_file) as counter,
            Broadcaster(options.url, name="optimizer", max_fps=FRAMES_HZ) as broadcaster,
        ):
            print(_run(broadcaster, board, placer, counter, options), flush=True)
    except (OSError, ValueError) as error:
        print(f"optimizer: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("optimizer: stopped before it began", file=sys.stderr)
    return 0


def sample_board() -> Board:
    """Return the board that comes with dockscope."""
    resource = importlib.resources.files("dockscope.resources") / "boards" / "sample.kicad_pcb"
    with importlib.resources.as_file(resource) as path:
        return Board.from_kicad(path)


def _run(
    broadcaster: Broadcaster, board: Board, placer: Placer, counter: CounterFile, options: argparse.Namespace
) -> str:
    optimizer = Optimizer(
        broadcaster,
        board,
        placer,
        iterations=options.iterations,
        seed=options.seed,
        rate_hz=options.rate,
        counter=counter,
    )
    try:
        print(broadcaster.url, flush=True)
        with ProgressBar("optimizer", total=options.iterations) as bar:
            stopped = optimizer.run(bar)
    except KeyboardInterrupt:
        stopped = True
    summary = optimizer.finish(stopped)
    broadcaster.close("stopped" if stopped else "finished")  # a signal is a stop too, which the control cannot know
    return summary


def _stream(board: Board, placer: Placer, options: argparse.Namespace) -> str:
    from .placement_stream import stream_placement  # with what only a stream needs

    return stream_placement(
        board,
        placer,
        port=options.ws,
        iterations=options.iterations,
        seed=options.seed,
        rate_hz=options.rate,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dockscope.core.demos.optimizer", description=__doc__)
    parser.add_argument("board", nargs="?", type=Path, help="a .kicad_pcb file (default: the sample board)")
    parser.add_argument("--url", default="tcp://127.0.0.1:5560", help="where to publish (default: %(default)s)")
    parser.add_argument(
        "--ws", type=_count, metavar="PORT", help="stream to browsers on this port instead, as atoplace does"
    )
    parser.add_argument(
        "--iterations", type=_count, default=ITERATIONS, help="of global placement (default: %(default)s)"
    )
    parser.add_argument("--seed", type=_count, default=1, help="of everything random (default: %(default)s)")
    parser.add_argument(
        "--rate", type=_rate, default=RATE_HZ, help="iterations a second, 0 for no limit (default: %(default)s)"
    )
    parser.add_argument("--counter-file", type=Path, help="keep the iteration in this file, u64 little endian")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


def _rate(text: str) -> float:
    number = float(text)
    if not 0.0 <= number <= 10_000.0:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 10000")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
