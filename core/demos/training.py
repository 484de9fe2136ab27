"""A training run to watch: a perceptron learns to tell spirals apart. ``python -m dockscope.core.demos.training``.

The steps are paced to what an eye can follow. The learning rate is a live parameter: it is the peak of a cosine
schedule with restarts (Loshchilov and Hutter 2017, eq. 5).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..broadcaster import Broadcaster
from .pace import Pace
from .perceptron import Adam, Perceptron
from .progress import ProgressBar
from .spirals import Points, boundary_picture, make_spirals
from .timed import run_timed

STEPS_PER_S = 50.0
BATCH = 50
LAYERS = (2, 40, 24, 3)
EPOCHS_PER_CYCLE = 40
LOG_EVERY_EPOCHS = 10
WEIGHT_DECAY = 1e-4


class Progress(NamedTuple):
    """Where the run stands, for the summary and the progress bar."""

    steps: int = 0
    epoch: int = 0
    loss: float = math.nan
    accuracy: float = math.nan


class TrainingRun:
    """The model, its data and its optimizer, publishing each step it takes.

    Args:
        broadcaster: told of every step.
        seed: of the data, the first weights and the order of the batches.
    """

    def __init__(self, broadcaster: Broadcaster, seed: int) -> None:
        self._b = broadcaster
        self._random = np.random.default_rng(seed)
        self._train: Points = make_spirals(self._random, classes=LAYERS[-1], per_class=400)
        self._validation: Points = make_spirals(self._random, classes=LAYERS[-1], per_class=150)
        self._model = Perceptron(LAYERS, self._random)
        self._adam = Adam(self._model.weights)
        self._good = [w.copy() for w in self._model.weights]
        self._peak = broadcaster.control.parameter("learning_rate", 0.01, minimum=1e-6, maximum=1.0)
        self._peak.on_change(lambda rate: broadcaster.publish_log("info", "Learning rate changed", learning_rate=rate))
        self._guessing_loss = math.log(LAYERS[-1])  # cross entropy of an even guess, nats
        self.progress = Progress()

    def run(self, seconds: float | None, bar: ProgressBar) -> bool:
        """Train until the time is over or someone stops it.

        Returns:
            True when a viewer stopped it.
        """
        self._b.publish_log("info", "Training starts", samples=len(self._train.target), batch_size=BATCH)
        start = time.monotonic()
        pace = Pace(self._b.control.checkpoint, lambda: STEPS_PER_S)
        while True:
            if self.progress.epoch % LOG_EVERY_EPOCHS == 0:
                first = self.progress.epoch + 1
                self._b.publish_status("info", f"Epochs {first} to {first + LOG_EVERY_EPOCHS - 1}")
            for batch in self._batches():
                if not pace.wait():
                    return True
                elapsed_s = time.monotonic() - start
                if seconds is not None and elapsed_s >= seconds:
                    return False
                self._step(batch)
                bar.show(elapsed_s, f"epoch {self.progress.epoch + 1}, loss {self.progress.loss:.3f}")
            self._end_epoch()

    def finish(self, stopped: bool) -> str:
        """Publish the end and return the summary."""
        self._b.publish_status("complete", "Training stopped" if stopped else "Training finished")
        p = self.progress
        return f"steps {p.steps}, epochs {p.epoch}, loss {p.loss:.4f}, validation accuracy {p.accuracy:.3f}"

    def _batches(self) -> list[np.ndarray]:
        order = self._random.permutation(len(self._train.target))
        return [order[i : i + BATCH] for i in range(0, len(order), BATCH)]

    def _learning_rate(self) -> float:
        steps_per_cycle = EPOCHS_PER_CYCLE * len(self._train.target) / BATCH
        phase = (self.progress.steps % steps_per_cycle) / steps_per_cycle
        return self._peak.value * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * phase)))

    def _step(self, batch: np.ndarray) -> None:
        rate = self._learning_rate()
        result = self._model.gradients(self._train.x[batch], self._train.target[batch], decay=WEIGHT_DECAY)
        self._adam.step(self._model.weights, result.weights, rate)
        self.progress = self.progress._replace(steps=self.progress.steps + 1, loss=result.loss)
        where = {"step": self.progress.steps, "epoch": self.progress.epoch + 1}
        self._b.publish_metric("loss", result.loss, phase="train", **where)
        self._b.publish_metric("accuracy", result.accuracy, phase="train", **where)
        self._b.publish_metric("learning_rate", rate, **where)
        self._b.publish_metric("grad_norm", result.norm, **where)

    def _end_epoch(self) -> None:
        loss, accuracy = self._model.evaluate(*self._validation)
        epoch = self.progress.epoch + 1
        self.progress = self.progress._replace(epoch=epoch, accuracy=accuracy)
        where = {"step": self.progress.steps, "epoch": epoch}
        self._b.publish_metric("loss", loss, phase="validation", **where)
        self._b.publish_metric("accuracy", accuracy, phase="validation", **where)
        self._publish_activations(epoch)
        if not loss < 2.0 * self._guessing_loss:
            self._go_back(epoch)
            return
        self._good = [w.copy() for w in self._model.weights]
        if epoch % LOG_EVERY_EPOCHS == 0:
            self._b.publish_log("info", f"Epoch {epoch} done", validation_loss=loss, validation_accuracy=accuracy)

    def _publish_activations(self, epoch: int) -> None:
        *hidden, output = self._model.activations(self._validation.x[:64])
        values = {f"layer_{i}": layer.astype(np.float32) for i, layer in enumerate(hidden, 1)}
        picture = boundary_picture(lambda x: self._model.activations(x)[-1], self._train)
        self._b.publish_data(
            "activations", {"epoch": epoch, **values, "output": output.astype(np.float32), "decision_boundary": picture}
        )

    def _go_back(self, epoch: int) -> None:
        self._b.publish_log("warning", "Training diverged: back to the last good weights", epoch=epoch)
        self._model.weights = [w.copy() for w in self._good]
        self._adam = Adam(self._model.weights)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo from the command line and return its exit code."""
    return run_timed(
        arguments,
        name="training",
        port=5561,
        description=__doc__ or "",
        make=lambda broadcaster, options: TrainingRun(broadcaster, options.seed),
    )


if __name__ == "__main__":
    raise SystemExit(main())
