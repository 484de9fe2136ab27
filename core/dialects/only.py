"""What a URL narrows itself to, as in ``?only=a,b``: names of streams, metrics or kinds.

A comma that belongs to a name is written %2C.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from urllib.parse import quote, unquote_plus, urlsplit

MOST_OPTIONS = 16


def url_names(url: str) -> tuple[str, ...]:
    """Return the names that a URL asks for with ``only``, none when it asks for all.

    Its dialect decides what else may follow.

    Raises:
        ValueError: its text is no query.
    """
    return _asked(urlsplit(url).query).get("only", ())


def query_names(url: str, options: Collection[str] = ("only",)) -> dict[str, tuple[str, ...]]:
    """Return the names that a URL asks for, by option.

    Raises:
        ValueError: the query asks for something else, or its text is no query.
    """
    asked = _asked(urlsplit(url).query)
    if not set(asked) <= set(options):
        known = " or ".join(f"?{option}=NAME,NAME" for option in options)
        raise ValueError(f"{url[:80]!r}: only {known} can follow a source's address")
    return {option: names for option in options if (names := asked.get(option))}


def query_of(asked: Mapping[str, Iterable[str]]) -> str:
    """Return the query that asks for these names by option, "" for none."""
    options = [
        f"{option}={','.join(quote(name, safe='') for name in names)}" for option, names in asked.items() if names
    ]
    return f"?{'&'.join(options)}" if options else ""


def is_asked_for(name: str, only: Collection[str]) -> bool:
    """Tell whether a dotted name is among those asked for, by itself or by the first of its words."""
    return name in only or any(name[:at] in only for at, sign in enumerate(name) if sign == ".")


def _asked(query: str) -> dict[str, tuple[str, ...]]:
    """Return the names of each option of a query, parted at its commas before anything is decoded."""
    fields = query.split("&", MOST_OPTIONS) if query else []
    if len(fields) > MOST_OPTIONS:
        raise ValueError(f"more than {MOST_OPTIONS} options follow a source's address")
    asked: dict[str, tuple[str, ...]] = {}
    for field in filter(None, fields):
        option, _, names = field.partition("=")
        decoded = tuple(unquote_plus(name) for name in names.split(",") if name)
        asked[unquote_plus(option)] = asked.get(unquote_plus(option), ()) + decoded
    return asked
