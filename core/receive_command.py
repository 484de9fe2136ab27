"""``dockscope receive``: keep the newest spectra of a stream in a ring, and say from time to time how it goes."""

from __future__ import annotations

import asyncio
from typing import Any, TextIO

from .dialects.ovro import StreamReceiver
from .headless import ended_by_signals, within
from .tail_lines import as_json, printable

STATUS_S = 10.0


async def receive(receiver: StreamReceiver, output: TextIO, *, json: bool = False, seconds: float | None = None) -> int:
    """Receive until time is up, or a signal comes.

    Args:
        receiver: not started. output: gets a line every ten seconds and at the end. json: objects instead.
        seconds: from now, None for ever.

    Returns:
        The exit code: 1 when nothing was received.
    """
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    until_s = None if seconds is None else loop.time() + seconds
    with ended_by_signals(over), receiver:
        while True:
            left_s = STATUS_S if until_s is None else min(STATUS_S, until_s - loop.time())
            ended = await within(over, max(0.0, left_s)) or (until_s is not None and loop.time() >= until_s)
            told = {
                "status": receiver.get_buffer_status(),
                "performance": receiver.get_performance_metrics(),
                "memory": receiver.get_memory_info(),
            }
            try:
                output.write((as_json(told) if json else _line(told)) + "\n")
                output.flush()
            except BrokenPipeError:  # the reader has seen enough
                ended = True
            if ended:
                return 0 if told["status"]["total_frames"] else 1


def _line(told: dict[str, dict[str, Any]]) -> str:
    status, performance, memory = told["status"], told["performance"], told["memory"]
    words = [
        f"{status['link'].lower()}: {status['total_frames']} spectra",
        f"{status['frames']} of {status['buffer_length']} rows",
        f"{status['lost_frames']} lost",
        f"{status['refused_frames']} refused",
    ]
    if status["latest"] is not None:
        words.append(f"newest {status['latest']['age_s']:.1f} s old")
    if performance["update_hz"] is not None:
        words.append(f"{performance['update_hz']:.2f} a second, {performance['processing_mean_ms']:.2f} ms each")
    words.append(f"memory {memory['rss_mb']:.1f} MB, ring {memory['ring_buffer_mb']:.1f} MB")
    return printable(", ".join(words))
