"""One clear message for each thing that goes wrong, however often it does."""

from __future__ import annotations

from collections.abc import Callable

EVERY_S = 5.0
LONGEST = 140
_MOST_CAUSES = 1000


class Problems:
    """Let one sentence through per producer, cause and 5 s, with the number of those held back before.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._causes: dict[tuple[str, str], tuple[float, int]] = {}  # when last shown, how many since

    def sentence(self, producer: str, cause: str, sentence: str) -> str | None:
        """Return the sentence to show, one line of at most 140 characters, or None to hold it back.

        Args:
            producer: key. cause: what kind of problem, in a few words. sentence: what, where, what to do.
        """
        now = self._clock()
        shown, repeats = self._causes.get((producer, cause), (None, 0))
        if shown is not None and 0.0 <= now - shown < EVERY_S:
            self._causes[producer, cause] = shown, repeats + 1
            return None
        if len(self._causes) >= _MOST_CAUSES:
            self._causes.clear()  # causes are few; this many are somebody's text, and starting anew costs one row each
        self._causes[producer, cause] = now, 0
        tail = f" ({repeats} more before)" if repeats else ""
        return one_line(sentence, LONGEST - len(tail)) + tail

    def forget(self, producer: str) -> None:
        """Forget the causes of a producer."""
        self._causes = {key: value for key, value in self._causes.items() if key[0] != producer}


def one_line(text: str, length: int = LONGEST) -> str:
    """Return text without line breaks and control characters, cut to a length."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * length]).split())
    return plain if len(plain) <= length else plain[: length - 1] + "…"
