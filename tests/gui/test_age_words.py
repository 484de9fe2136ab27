"""Words for how long ago something was."""

from __future__ import annotations

import pytest

from dockscope.gui.age_words import age_words


@pytest.mark.parametrize(
    ("age_s", "words"),
    [
        (0.0, "0 s ago"),
        (59.4, "59 s ago"),
        (61.0, "1 min ago"),
        (7_200.0, "2 h ago"),
        (172_800.0, "2 d ago"),
        (91_530_580.0, "1,059 d ago"),
    ],
)
def test_an_age_is_told_in_the_unit_that_fits_it(age_s: float, words: str) -> None:
    """Data of a recording that is years old are not so many million seconds old."""
    assert age_words(age_s) == words
