"""Who may use the device server: whoever has the token; without one this machine's programs, and no site's pages.

A browser can be made to send requests to a server on its user's machine by any page it shows. It names the page's site
in ``Origin``, and in ``Sec-Fetch-Site`` whether that is another one. A page whose name was rebound to 127.0.0.1 passes
as the same site, but its name stands in ``Host``.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.access import is_loopback
from .server_errors import RequestError
from .server_requests import refused

SAFE_METHODS = frozenset({"GET", "HEAD"})
OWN_SITE = frozenset({"same-origin", "none"})
STREAMS = "/stream/"  # to open one starts a device


class ServerAccess:
    """Decide about requests.

    Args:
        host: that is bound. token: that requests have to carry, "" for none.
        insecure: let other machines in without a token.

    Raises:
        ValueError: other machines could reach it, and neither of the two is given; or the token cannot be sent.
    """

    def __init__(self, host: str, *, token: str = "", insecure: bool = False) -> None:
        self.is_local = is_loopback(host)
        if not self.is_local and not token and not insecure:
            raise ValueError(
                f"{host} can be reached by other machines, and anyone there could use the devices: bind 127.0.0.1 and "
                "use an SSH tunnel, give a token, or pass --insecure (insecure=True) to accept it"
            )
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("the token must be printable ASCII characters without spaces")
        self._host, self._token = host.lower(), token

    @property
    def is_open(self) -> bool:
        """Tell whether anyone on other machines gets in."""
        return not self.is_local and not self._token

    def check(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Let a request pass.

        Args:
            method, path: of the request. headers: by name in lower case.

        Raises:
            RequestError: it may not.
        """
        host = headers.get("host", "")
        if self.is_local and host and not self._is_ours(host):
            raise RequestError(403, "Forbidden", "this server answers under the names of this machine's loopback only")
        if self._token:
            self._check_token(headers.get("authorization", ""))
        elif method not in SAFE_METHODS or path.startswith(STREAMS):
            _check_site(host, headers)

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name == self._host or is_loopback(name.rstrip("."))

    def _check_token(self, told: str) -> None:
        scheme, _, token = told.partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._token.encode()):
            raise RequestError(
                401,
                "Unauthorized",
                "this server needs its token: Authorization: Bearer TOKEN",
                headers={"www-authenticate": "Bearer"},
            )


class Gate:
    """Let only those requests through to an application that may pass (ASGI).

    Args:
        app: the application. access: decides.
    """

    def __init__(self, app: ASGIApp, access: ServerAccess) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            self._access.check(scope["method"], scope["path"], Headers(scope=scope))
        except RequestError as refusal:
            await refused(refusal)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _check_site(host: str, headers: Mapping[str, str]) -> None:
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if site not in OWN_SITE or (origin is not None and not _is_same(origin, host)):
        raise RequestError(403, "Forbidden", "pages of other sites may not use this server")


def _is_same(origin: str, host: str) -> bool:
    scheme, _, place = origin.partition("://")
    return scheme in ("http", "https") and place.lower() == host.lower()
