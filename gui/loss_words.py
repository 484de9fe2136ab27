"""Where data were lost, in words: the lines that the Explorer and the status bar show."""

from __future__ import annotations

from ..core.producers import Losses


def loss_lines(losses: Losses, unit: str = "") -> list[str]:
    """Return "lost 12", and below it a line for each way in which data did not arrive whole.

    Args:
        losses: of a stream, a producer, or all. unit: what was counted.
    """
    counted = f" {unit}" if unit else ""
    lines = [f"lost {losses.queue + losses.wire:,}{counted}"]
    for number, words in (
        (losses.queue, "in the producer's queue: published faster than it was sent"),
        (losses.wire, "on the wire: skipped while this viewer was slow or not connected"),
        (losses.thinned, "more are thinned: of these samples only minimum and maximum came"),
        (losses.refused, "refused: they broke the rules, see the Log"),
    ):
        if number:
            lines.append(f"  {number:,} {words}")
    return lines
