"""The Explorer's tooltips: escaped text, for everything in them may come from the network."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from ..core.dialects.foreign_address import binds_openly
from .loss_words import loss_lines

if TYPE_CHECKING:
    from ..core.hub import Producer, StreamInfo


def producer_tip(producer: Producer) -> str:
    """Tell who a producer is, how far away, what was lost and what went wrong last."""
    lines = [producer.name[:200], producer.url]
    if producer.hello is not None:
        process = f", process {producer.hello.pid}" if producer.hello.pid else ""
        lines.append(f"host {producer.hello.host[:80]}{process}, you may {producer.role}")
    if binds_openly(producer.url):
        lines.append("open: takes data from whoever reaches it, unencrypted")
    if producer.latency_s is not None:
        lines.append(f"latency {producer.latency_s * 1e3:.1f} ms")
    if producer.hello is None or producer.hello.is_numbered:
        lines += loss_lines(producer.losses)
    else:
        lines.append("lost: nobody can know, as its messages carry no numbers")
    if producer.problem:
        lines.append(producer.problem[:140])
    return _escaped(lines)


def metrics_tip(producer: Producer) -> str:
    """Tell what was lost of all metrics of a producer together."""
    return _escaped(["Metrics", *loss_lines(producer.metric_losses, "samples")])


def stream_tip(name: str, info: StreamInfo) -> str:
    """Tell what was lost of one stream."""
    return _escaped([name, *loss_lines(info.losses, "samples" if info.kind == "metric" else "messages")])


def _escaped(lines: list[str]) -> str:
    return "<p style='white-space:pre'>" + "<br>".join(html.escape(line) for line in lines) + "</p>"
