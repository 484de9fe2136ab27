"""The progress bar of a demo: on a terminal only, and on stderr, because stdout is for data."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class ProgressBar:
    """Show how far a demo is; without a terminal every call does nothing.

    Args:
        title: what is running.
        total: amount at the end, in the unit of ``show``; None when the demo runs until it is stopped.
    """

    def __init__(self, title: str, *, total: float | None = None) -> None:
        self._title = title
        self._total = total
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, done: float, text: str = "") -> None:
        """Move the bar.

        Args:
            done: amount so far.
            text: a few words behind the bar, taken literally.
        """
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done, text=text)

    def _start(self) -> None:
        # rich takes longer to load than some demos take to start, so only a terminal pays for it.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}", markup=False),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), refresh_per_second=5)
        self._task = self._progress.add_task(self._title, total=self._total, text="")
        self._progress.start()
