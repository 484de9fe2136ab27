"""OVRO's beam recorder and its SunSpec receiver: the names of the originals, and the source ``ovro://``."""

from __future__ import annotations

from .ovro_receiver import StreamReceiver
from .ovro_sender import AvgStreamingOp
from .ovro_source import DIALECT

__all__ = ["DIALECT", "AvgStreamingOp", "StreamReceiver"]
