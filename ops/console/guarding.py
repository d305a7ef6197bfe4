"""Who may see the page, and who may act: this machine's browser, and whoever has the start's token.

A page elsewhere can make a browser send requests here, under a name of its own that it has pointed
at 127.0.0.1 (DNS rebinding), or as a form (CSRF). The Host header gives away the first, the token
the second.
"""

import secrets
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK: Final = ("127.0.0.1", "localhost")
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Without a referrer, a browser calls the origin of our own forms "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Strict:
    """Every answer gets HEADERS."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, strictly)


class Key:
    """The token of one start. Without `allowed` nobody may act, whatever they bring."""

    def __init__(self, allowed: bool) -> None:
        self.allowed = allowed
        self.token = secrets.token_urlsafe(32)

    def cookie(self, request: Request) -> str:
        """The cookie's name; ports share cookies, so each has its own."""
        return f"rollout-console-{request.url.port or 80}"

    def fits(self, token: str) -> bool:
        """Whether this is the token, compared in constant time."""
        return self.allowed and secrets.compare_digest(token.encode(), self.token.encode())

    def held(self, request: Request) -> bool:
        """Whether this browser was given the token: it opened the address that was printed."""
        return self.fits(request.cookies.get(self.cookie(request), ""))

    def may_act(self, request: Request, token: str) -> bool:
        """Whether a form may be obeyed: token in the form and in the cookie, sent by our page."""
        return self.held(request) and self.fits(token) and same_site(request.headers)


def same_site(headers: Headers) -> bool:
    """Whether a browser says that the request comes from a page of this server, or says nothing."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return False
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
