"""Bench files of the window: opened and saved by a thread, as a large one takes long to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QWidget

from ..devices.bench_file import read_bench, write_bench
from .awaited import Awaited, in_thread
from .plain_text import one_line

if TYPE_CHECKING:
    from ..devices.spec import DeviceSpec

FILTER = "Bench (*.toml)"


class DeviceBench:
    """Open and save the devices of the window as a bench file.

    Args:
        parent: owner of dialogs. devices: gives key and description of each device that there is.
        add, change: open one more device, or describe one otherwise. tell: shows one sentence.
    """

    def __init__(
        self,
        parent: QWidget,
        *,
        devices: Callable[[], dict[str, DeviceSpec]],
        add: Callable[[DeviceSpec], None],
        change: Callable[[str, DeviceSpec], None],
        tell: Callable[[str], None],
    ) -> None:
        self._parent, self._devices, self._add, self._change, self._tell = parent, devices, add, change, tell
        self._waiting: list[DeviceSpec] = []

    def ask_open(self) -> None:
        """Ask for a bench file and open it."""
        name, _ = QFileDialog.getOpenFileName(self._parent, "Open bench", "", FILTER)
        if name:
            self.open(Path(name))

    def ask_save(self) -> None:
        """Ask for a file name and save the bench there."""
        name, _ = QFileDialog.getSaveFileName(
            self._parent, "Save bench", "bench.toml", FILTER, options=QFileDialog.Option.DontConfirmOverwrite
        )
        if name:
            path = Path(name)
            self.save(path if path.suffix else path.with_suffix(".toml"))

    def open(self, path: Path) -> None:
        """Add the devices of a bench file and start them; one of a known name is described anew."""
        Awaited(self._parent, in_thread(partial(read_bench, path), "bench"), partial(self._on_read, path))

    def save(self, path: Path) -> None:
        """Write all devices into a bench file; comments of one that is there already stay."""
        specs = list(self._devices().values())
        twice = _twice([spec.id for spec in specs])
        if twice:
            self._tell(f"Not saved: there are two devices {twice}; give each a name of its own with Edit")
            return
        Awaited(self._parent, in_thread(partial(write_bench, path, specs), "bench"), partial(self._on_written, path))

    def _on_read(self, path: Path, read: Future[list[DeviceSpec]]) -> None:
        error = read.exception()
        if error is not None:
            self._tell(one_line(f"Not opened: {error}"))
            return
        self._waiting += read.result()
        self._tell(f"Opened {path.name}: {len(read.result())} devices")
        self._open_next()

    def _open_next(self) -> None:
        """Open one device in each turn of the loop, so that many of them do not hold it up."""
        if not self._waiting:
            return
        spec = self._waiting.pop(0)
        known = {spec.id: (key, spec) for key, spec in self._devices().items()}
        key, before = known.get(spec.id, ("", None))
        if before is None:
            self._add(spec)
        elif before != spec:
            self._change(key, spec)
        QTimer.singleShot(0, self._parent, self._open_next)

    def _on_written(self, path: Path, written: Future[None]) -> None:
        error = written.exception()
        self._tell(one_line(f"Not saved: {error}") if error is not None else f"Saved {path.name}")


def _twice(names: Sequence[str]) -> str:
    return next((name for at, name in enumerate(names) if name in names[:at]), "")
