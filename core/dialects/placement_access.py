"""Who may connect to a stream server: programs, its own viewer page, and pages that it was told of.

A browser names the site of the page in ``Origin``; without a look at it any web page could watch and stop a run on its
visitor's machine. Programs send no Origin. A page in a file has none that could be trusted, as browsers call it
``null``, which every sandboxed frame is too; so the generated page carries a key.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from urllib.parse import parse_qs, urlsplit

KEY = "key"


class StreamAccess:
    """Decide by origin and key.

    Args:
        allowed_origins: sites whose pages may connect, such as "http://localhost:8000".
        key: of the viewer page; a new one when not given.
    """

    def __init__(self, allowed_origins: Collection[str] = (), key: str = "") -> None:
        self._origins = frozenset(origin.rstrip("/").lower() for origin in allowed_origins)
        self.key = key or secrets.token_urlsafe(16)

    def allows(self, origin: str | None, target: str) -> bool:
        """Tell whether a viewer may connect.

        Args:
            origin: of its page, None for a program. target: path and query that it asks for.
        """
        if origin is None or origin.lower() in self._origins:
            return True
        return secrets.compare_digest(key_of(target).encode(), self.key.encode())


def key_of(url: str) -> str:
    """Return the key in a URL, "" when it has none."""
    try:
        return parse_qs(urlsplit(url).query).get(KEY, [""])[0]
    except ValueError:
        return ""
