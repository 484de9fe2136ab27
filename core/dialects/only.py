"""What a URL narrows itself to, with ``?only=a,b``: names of streams, metrics or kinds."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs, quote, urlsplit


def url_names(url: str) -> tuple[str, ...]:
    """Return the names that a URL asks for, none when it asks for all.

    Raises:
        ValueError: the query asks for something else, or its text is no query.
    """
    query = urlsplit(url).query
    asked = parse_qs(query, keep_blank_values=True, max_num_fields=16)
    if query and set(asked) != {"only"}:
        raise ValueError(f"{url[:80]!r}: only ?only=NAME,NAME can follow a source's address")
    return tuple(name for text in asked.get("only", []) for name in text.split(",") if name)


def query_of(names: Iterable[str]) -> str:
    """Return the query that asks for these names, "" for none."""
    asked = ",".join(quote(name, safe="") for name in names)
    return f"?only={asked}" if asked else ""
