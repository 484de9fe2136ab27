"""What goes wrong with a device of a bench; the texts are sentences for a person."""

from __future__ import annotations


class InstrumentError(Exception):
    """What was asked of a device did not come about."""


class UnfitError(InstrumentError):
    """The device is wrong as it is described: no repetition helps."""


class EndedError(InstrumentError):
    """The stream has ended by itself.

    Args:
        sentence: why. is_logged: the device has said so in the log.
    """

    def __init__(self, sentence: str, is_logged: bool) -> None:
        super().__init__(sentence)
        self.is_logged = is_logged
