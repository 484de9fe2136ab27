"""Taking metric batches apart: whether their columns fit together, and which samples belong to which series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .curve import Curve
from .levels import expand
from .messages import MetricBatch, ProtocolError

LARGEST_NUMBER = 2**53


@dataclass(frozen=True)
class Part:
    """Samples of one series: t f8[k], value f8[k], fields f8[number of fields, k]."""

    t: np.ndarray
    value: np.ndarray
    fields: np.ndarray

    def pick(self, which: slice | np.ndarray) -> Part:
        """Return some of the samples."""
        return Part(self.t[which], self.value[which], self.fields[:, which])

    def new(self, first: int, start: int, span: int, curve: Curve) -> Part:
        """Return what is numbered ``start`` or later; of thinned samples, what is later than the curve's end."""
        if start == first:
            return self
        if span == len(self.t):
            return self.pick(slice(start - first, None))
        latest = curve.latest()
        return self if latest is None else self.pick(self.t > latest[0])

    def late(self, first: int, start: int, stop: int, span: int, curve: Curve) -> Part:
        """Return what is numbered ``start`` … ``stop``; of thinned samples, times within that the curve lacks."""
        if span == len(self.t):
            return self.pick(slice(start - first, stop - first))
        latest = curve.latest()
        missing = ~np.isin(self.t, curve.column("t"))
        return self.pick(missing if latest is None else missing & (self.t <= latest[0]))


def check(batch: MetricBatch, widths: np.ndarray, count: np.ndarray) -> None:
    """Refuse columns whose lengths do not fit together; only the definitions tell the number of fields.

    Args:
        batch: as received. widths, count: i8[k] number of fields and of samples of each entry.

    Raises:
        ProtocolError: they do not fit, or a number is beyond 2^53.
    """
    total = int(count.sum())
    columns = int((count * widths).sum())
    if len(batch.t) != total or len(batch.value) != total or len(batch.fields) != columns:
        raise ProtocolError(
            f"metric: {len(batch.t)} times, {len(batch.value)} values, {len(batch.fields)} fields"
            f" for {total} samples with {columns} fields"
        )
    if len(batch.first) != len(count) or (batch.span is not None and len(batch.span) != len(count)):
        raise ProtocolError("metric: the columns of numbers differ in length")
    if len(batch.first) and int(batch.first.max()) > LARGEST_NUMBER:
        raise ProtocolError("metric: a sample number beyond 2^53")
    span = batch.span
    if span is not None and len(span) and (int(span.max()) > LARGEST_NUMBER or (span < batch.count).any()):
        raise ProtocolError("metric: a span shorter than its samples or beyond 2^53")


def sort(
    batches: list[tuple[MetricBatch, np.ndarray]], counts: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return times, values and each field of all batches, series after series and within each in order of arrival."""
    if len(batches) == 1 and width <= 1:
        batch = batches[0][0]
        return batch.t, batch.value, [batch.fields] * width
    t = np.concatenate([batch.t for batch, _ in batches])
    value = np.concatenate([batch.value for batch, _ in batches])
    ends = np.cumsum(counts).reshape(counts.shape)
    starts, lengths = (ends - counts).T.ravel(), counts.T.ravel()
    index = expand(starts, lengths)
    if not width:
        return t[index], value[index], []
    fields = np.concatenate([batch.fields for batch, _ in batches])
    # The columns of a series stand one after another, so its field f starts f of its lengths after its first.
    return t[index], value[index], [fields[expand(starts * width + f * lengths, lengths)] for f in range(width)]
