"""The dialect of ``visa:``, ``sim:`` and ``device:`` URLs. It loads next to nothing before one of them is used."""

from __future__ import annotations

from ..core.dialects.base import Dialect, ProbeResult, Sink, Source, SourceOptions


def _open(url: str, sink: Sink, *, key: str, options: SourceOptions) -> Source:
    from .source import open_device

    return open_device(url, sink, key=key, options=options)


def _normalize(url: str) -> str:
    from .source import parse

    return parse(url).url


async def _probe(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    from .source import probe_device

    return await probe_device(url, options, timeout_s)


DIALECT = Dialect(open=_open, normalize=_normalize, probe=_probe, is_opaque=True)
