"""How long ago something was, in as many words as fit a row."""

from __future__ import annotations


def age_words(age_s: float) -> str:
    """Return "12 s ago", and minutes, hours or days for what is older."""
    for unit, unit_s, until_s in (("s", 1, 60), ("min", 60, 5400), ("h", 3600, 172_800)):
        if age_s < until_s:
            return f"{age_s / unit_s:.0f} {unit} ago"
    return f"{age_s / 86_400:,.0f} d ago"
