"""What can go wrong on the way to an instrument, each error a sentence for a person."""

from __future__ import annotations

from ..core.link_address import LinkError


class NoAnswerError(LinkError):
    """No whole answer came within the time allowed."""


class LinkLostError(LinkError):
    """The way to the instrument cannot be opened or is gone."""


class AnswerError(LinkError):
    """What came is not an answer to what was asked."""


class StuckError(LinkError):
    """A call to the instrument does not return."""
