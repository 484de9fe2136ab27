"""What a URL narrows itself to, as in ``?only=a,b``: names of streams, metrics or kinds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from urllib.parse import parse_qs, quote, urlsplit

MOST_OPTIONS = 16


def url_names(url: str) -> tuple[str, ...]:
    """Return the names that a URL asks for with ``only``, none when it asks for all.

    Its dialect decides what else may follow.

    Raises:
        ValueError: its text is no query.
    """
    asked = parse_qs(urlsplit(url).query, keep_blank_values=True, max_num_fields=MOST_OPTIONS)
    return _names(asked.get("only", []))


def query_names(url: str, options: Collection[str] = ("only",)) -> dict[str, tuple[str, ...]]:
    """Return the names that a URL asks for, by option.

    Raises:
        ValueError: the query asks for something else, or its text is no query.
    """
    query = urlsplit(url).query
    asked = parse_qs(query, keep_blank_values=True, max_num_fields=MOST_OPTIONS)
    if query and (not asked or not set(asked) <= set(options)):
        known = " or ".join(f"?{option}=NAME,NAME" for option in options)
        raise ValueError(f"{url[:80]!r}: only {known} can follow a source's address")
    return {option: names for option in options if (names := _names(asked.get(option, [])))}


def query_of(asked: Mapping[str, Iterable[str]]) -> str:
    """Return the query that asks for these names by option, "" for none."""
    options = [
        f"{option}={','.join(quote(name, safe='') for name in names)}" for option, names in asked.items() if names
    ]
    return f"?{'&'.join(options)}" if options else ""


def _names(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for text in texts for name in text.split(",") if name)
