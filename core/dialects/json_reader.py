"""JSON, MessagePack and CBOR objects from a publisher: numbers to metrics, log lines to the log, the rest to data."""

from __future__ import annotations

import numpy as np

from ..messages import ProtocolError
from .alike_objects import AlikeObjects
from .framing import read_frames
from .object_reader import ObjectReader
from .reception import Reception
from .subscriber import Batch


class JsonReader:
    """Read batches; what they tell is delivered once at the end of each.

    Args:
        reception: where it goes. only: names of metrics, data streams or kinds to keep; all when empty.
    """

    def __init__(self, reception: Reception, only: tuple[str, ...] = ()) -> None:
        self._reception = reception
        self._alike = AlikeObjects()
        # One value of a data stream for each batch is as much as anybody sees.
        self._objects = ObjectReader(reception, only, newest_only=True)

    def take(self, batch: Batch) -> None:
        """Read a batch of messages."""
        messages = batch.messages
        t = np.linspace(batch.first_t, batch.last_t, len(messages))
        if (alike := self._alike.decode(messages)) is not None:
            self._objects.rows.add_alike(*alike, t)
        else:
            for frames, arrived in zip(messages, t.tolist(), strict=True):
                self._take_one([frames] if isinstance(frames, bytes) else frames, arrived)
        self._objects.deliver()

    def _take_one(self, frames: list[bytes], t: float) -> None:
        try:
            published = read_frames(frames)
            self._objects.take(published, t, sum(map(len, frames)))
        except ProtocolError as error:
            self._reception.bad_message(error)
