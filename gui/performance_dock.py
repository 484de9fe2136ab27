"""The Performance dock: frames, the work of each dock, ingest, memory, and stalls of the event loop with what ran."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSplitter, QToolButton, QVBoxLayout, QWidget

from ..core.stall_watch import BEAT_S, StallWatch
from .dock import Dock, DockContext
from .figure_table import Table, as_csv, as_text, milliseconds, percent
from .figure_tree import FigureTree
from .frame_graph import FrameGraph
from .headline import Headline
from .loop_recorder import LoopRecorder
from .paint_timer import PaintTimer
from .performance_figures import (
    STALL_COLUMNS,
    WHERE_COLUMN,
    IngestRates,
    dock_table,
    frame_table,
    memory_table,
    stall_table,
)
from .theme import Theme

if TYPE_CHECKING:
    from ..core.hub import Change

MEASURING = frozenset({"dockscope.gui.loop_recorder", "dockscope.gui.paint_timer"})  # they only hand on
WIDE_PX = 900  # from here on the sections stand side by side
WANTED_PX = (300, 1, 1, 1, 600)  # the tables in the middle take what they need, the rest goes to graph and stalls
WHAT_RAN = 1 + STALL_COLUMNS.index(WHERE_COLUMN)
WATCH_EVERY = 4  # texts
NO_FRAMES = "No frames: nothing changes"


class PerformanceDock(Dock):
    """Record while it is seen and show it four times a second; hidden it records nothing and takes no time."""

    kind = "performance"
    title = "Performance"

    def __init__(self, context: DockContext) -> None:
        super().__init__(context)
        self.recorder = LoopRecorder()
        self.recorder.pause()
        self._texts = 0
        self._rates = IngestRates()
        self._process = psutil.Process(os.getpid())
        self._paints = PaintTimer(self.recorder, self)
        self._watch = StallWatch(self.recorder.stall, lambda: self.recorder.doing, unseen=MEASURING)
        self._beat = QTimer(self)
        self._beat.setTimerType(Qt.TimerType.PreciseTimer)
        self._beat.setInterval(round(BEAT_S * 1e3))
        self._beat.timeout.connect(self._watch.beat)
        self.headline = Headline(self.theme)
        self.reset = QToolButton(self)
        self.graph = FrameGraph(self.theme)
        self.docks = FigureTree(
            "Refresh and paint of each dock", "Nothing was refreshed or painted yet", widest_name="Performance"
        )
        self.ingest = FigureTree("Ingest of each producer", "Nothing connected", widest_name="producer")
        self.memory = FigureTree("Memory of each store", "", widest_name="Placements")
        self.stalls = FigureTree(
            "Stalls of the event loop",
            "None so far: the window answered within 50 ms",
            widest_name="00:00:00",
            stretched=WHAT_RAN,
        )
        self._captions: dict[QWidget, QLabel] = {}
        self._sections = QSplitter(Qt.Orientation.Horizontal)
        self._lay_out()

    def _lay_out(self) -> None:
        self.reset.setText("Reset")
        self.reset.setToolTip("Forget what was recorded and begin anew")
        self.reset.clicked.connect(self.clear_data)
        top = QHBoxLayout()
        top.setContentsMargins(10, 3, 6, 1)
        top.addWidget(self.headline, 1)
        top.addWidget(self.reset)
        self._sections.setChildrenCollapsible(False)
        self._sections.setHandleWidth(1)
        for part, caption in (
            (self.graph, "Frame interval"),
            (self.docks, "Refresh and paint, ms"),
            (self.ingest, "Ingest"),
            (self.memory, ""),
            (self.stalls, ""),
        ):
            self._sections.addWidget(self._section(part, caption))
        self._sections.setSizes(WANTED_PX)
        scroll = QScrollArea(self.body)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._sections)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(scroll, 1)

    def _section(self, part: QWidget, caption: str) -> QWidget:
        section = QWidget()
        label = self._captions[part] = QLabel(caption)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setContentsMargins(8, 3, 4, 2)
        label.setStyleSheet("font-weight: 600;")
        column = QVBoxLayout(section)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(label)
        column.addWidget(part, 1)
        return section

    # recording

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous():
            self._record()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():  # a minimized window goes on
            self._stop()

    def dispose(self) -> None:
        self._stop()
        super().dispose()

    def _record(self) -> None:
        self.recorder.go_on()
        self.context.clock.recorder = self.recorder
        self._paints.watch(self.context.clock.docks)
        self._watch.start()
        self._beat.start()

    def _stop(self) -> None:
        if self.context.clock.recorder is not self.recorder:
            return
        self.context.clock.recorder = None
        self._beat.stop()
        self._watch.stop()
        self._paints.stop()
        self.recorder.pause()

    # what a dock does

    def concerns(self, change: Change) -> bool:
        return False

    def refresh(self, changes: set[Change] | None) -> None:
        """Nothing here: all of it is for reading and written four times a second, in ``refresh_text``."""

    def refresh_text(self) -> None:
        self._texts += 1
        if self._texts % WATCH_EVERY == 0:  # widgets come and go; to look for new ones is not free
            self._paints.watch(self.context.clock.docks)
        self._rates.look(self.hub, self.recorder.clock())
        frames, docks, ingest, memory, stalls = self.tables()
        self._write_headline(frames)
        self.graph.show_frames(self.recorder.clock(), self.recorder.frames, NO_FRAMES)
        self.docks.show_table(docks)
        self.ingest.show_table(ingest)
        self.memory.show_table(memory)
        self.stalls.show_table(stalls)
        for part, table in ((self.memory, memory), (self.stalls, stalls)):
            if self._captions[part].text() != table.title:
                self._captions[part].setText(table.title)

    def tables(self) -> list[Table]:
        """Return the figures as they are now: frames, docks, ingest, memory, stalls."""
        return [
            frame_table(self.recorder, self.hub),
            dock_table(self.recorder),
            self._rates.table(self.hub),
            memory_table(self.hub, self._process.memory_info().rss),
            stall_table(self.recorder, self.hub, utc=self.context.settings.utc),
        ]

    def apply_theme(self, theme: Theme) -> None:
        self.headline.theme = self.graph.theme = theme
        self.headline.update()
        self.graph.update()

    def clear_data(self) -> None:
        """Forget what was recorded and begin anew."""
        self.recorder.reset()
        self.refresh_text()

    def csv(self) -> str | None:
        return as_csv(self.tables())

    def menu_actions(self) -> list[QAction]:
        copy = QAction("Copy as text", self)
        copy.triggered.connect(self.copy_text)
        return [copy]

    def copy_text(self) -> None:
        """Put all figures on the clipboard as plain text."""
        QGuiApplication.clipboard().setText(as_text(self.tables()))
        self.context.tell("Figures copied as text")

    def _write_headline(self, frames: Table) -> None:
        rate, _, p50, p99, longest, waiting = frames.rows[0].values
        busy = min(1.0, self.recorder.thread_s / self.recorder.elapsed_s)
        stalls = self.recorder.stall_count
        self.headline.show_pairs(
            [
                ("", f"{rate:.0f} frames/s"),
                ("interval p50", f"{milliseconds(p50)} ms"),
                ("p99", f"{milliseconds(p99)} ms"),
                ("max", f"{milliseconds(longest)} ms"),
                ("window's thread", percent(busy)),
                ("changes waiting", f"{waiting:.0f}"),
                ("stalls", str(stalls)),
                ("recorded", f"{self.recorder.elapsed_s:.0f} s"),
            ]
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= WIDE_PX
        orientation = Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        if self._sections.orientation() != orientation:
            self._sections.setOrientation(orientation)
            self._sections.setSizes(WANTED_PX)
