"""The status bar: how the links are and what the window costs, refreshed four times a second."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import psutil
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QStatusBar

from ..core.run_control import LinkState
from .loss_words import loss_lines
from .memory_meter import MemoryMeter, mebibytes

if TYPE_CHECKING:
    from ..core.hub import Hub
    from .frame_clock import FrameClock

MESSAGE_MS = 6000
LOST_TIP = "Messages and samples lost since connecting, all producers"


class WindowStatusBar(QStatusBar):
    """Show link state, messages/s, lost messages, latency, frames/s and memory."""

    def __init__(self, hub: Hub, clock: FrameClock) -> None:
        super().__init__()
        self._hub = hub
        self._clock = clock
        self._process = psutil.Process(os.getpid())
        self._frames = (time.monotonic(), clock.frames)
        self.setSizeGripEnabled(False)
        self.labels: dict[str, QLabel] = {}
        for name, tip in (
            ("links", "Links to producers"),
            ("rate", "Messages received per second, all producers"),
            ("lost", LOST_TIP),
            ("latency", "Newest message: time from publishing to arrival, the slowest producer"),
            ("frames", "Frames drawn per second; none when nothing changes"),
            ("memory", "Memory of this program, and the part held by kept data of what it may hold"),
        ):
            label = QLabel(self)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setToolTip(tip)
            label.setContentsMargins(6, 0, 6, 0)
            self.labels[name] = label
            self.addPermanentWidget(label)
        self.meter = MemoryMeter(self)
        self.addPermanentWidget(self.meter)
        clock.text_ticked.connect(self.refresh)
        self.refresh()

    def tell(self, sentence: str) -> None:
        """Show a plain sentence for some seconds."""
        self.showMessage(sentence, MESSAGE_MS)

    def refresh(self) -> None:
        """Write the numbers anew."""
        hub = self._hub
        now, frames = time.monotonic(), self._clock.frames
        elapsed_s = max(1e-3, now - self._frames[0])
        frames_per_s = (frames - self._frames[1]) / elapsed_s
        if elapsed_s > 1.0:
            self._frames = (now, frames)
            self._set("frames", f"{frames_per_s:.0f} frames/s")
        self._set("links", self._links())
        self._set("rate", f"{_count(hub.messages_per_s())} messages/s")
        self._show_losses()
        latencies = [
            p.latency_s for p in hub.producers.values() if p.latency_s is not None and p.link is LinkState.LIVE
        ]
        self._set("latency", f"{max(latencies) * 1e3:.1f} ms" if latencies else "– ms")
        self._show_memory()

    def _show_losses(self) -> None:
        producers, losses = self._hub.producers.values(), self._hub.losses
        unknown = sum(p.hello is not None and not p.hello.is_numbered for p in producers)
        lost = losses.queue + losses.wire
        text, lines = f"{lost:,} lost", [LOST_TIP, *loss_lines(losses)]
        if unknown:
            text = f"{text} · {unknown} unknown" if lost or unknown < len(producers) else "loss unknown"
            whose = "1 producer" if unknown == 1 else f"{unknown} producers"
            lines.append(f"nobody can know what {whose} lost, as their messages carry no numbers")
        self._set("lost", text)
        self.labels["lost"].setToolTip("\n".join(lines))

    def _show_memory(self) -> None:
        usage, budget = self._hub.memory(), self._hub.budget_bytes
        rss = self._process.memory_info().rss
        self._set("memory", f"{mebibytes(rss)} ({mebibytes(sum(usage.values()))} data)")
        self.meter.show_usage(usage, budget)
        if self.labels["memory"].toolTip() != self.meter.toolTip():
            self.labels["memory"].setToolTip(self.meter.toolTip())

    def _links(self) -> str:
        states = [p.link for p in self._hub.producers.values()]
        if not states:
            return "Nothing connected"
        words = {
            LinkState.LIVE: "live",
            LinkState.CONNECTING: "connecting",
            LinkState.STALE: "no answer",
            LinkState.LOST: "lost",
            LinkState.CLOSED: "offline",
        }
        return " · ".join(f"{states.count(state)} {word}" for state, word in words.items() if state in states)

    def _set(self, name: str, text: str) -> None:
        if self.labels[name].text() != text:
            self.labels[name].setText(text)


def _count(value: float) -> str:
    return f"{value:.0f}" if value < 10_000 else f"{value / 1e3:.0f} k"
