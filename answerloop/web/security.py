"""What every request must pass before any route sees it, and the headers of every response."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from answerloop.web.failures import error_response

MAX_BODY_BYTES = 64 * 1024
HARMLESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM = "application/x-www-form-urlencoded"
PROBES = frozenset({"/healthz", "/readyz"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """Adds the headers; assets may be kept by the browser if it asks each time, everything else is never stored.

    Pages with forms need the referrer policy `same-origin`: without any referrer a browser does not say where its form
    comes from.
    """

    def __init__(self, app: ASGIApp, *, referrer_policy: str = HEADERS["Referrer-Policy"]) -> None:
        self._app = app
        self._headers = {**HEADERS, "Referrer-Policy": referrer_policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers["Cache-Control"] = "no-cache" if scope["path"].startswith("/static/") else "no-store"
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Guard:
    """Refuses foreign host names (DNS rebinding), requests another site made (CSRF), and large bodies.

    `machine_paths` are the doors of chat platforms, which arrive under any name and prove themselves by a signature;
    the probes of an orchestrator come by address and say nothing about anybody. `forms`: also HTML forms may write,
    if their browser says that they are ours.
    """

    def __init__(
        self, app: ASGIApp, *, allowed_hosts: Collection[str], machine_paths: Collection[str], forms: bool = False
    ) -> None:
        self._app = app
        self._forms = forms
        self._hosts = frozenset(host.strip("[]").lower() for host in allowed_hosts)
        self._machine_paths = frozenset(machine_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._machine_paths:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], scope["path"], headers)
        if refusal is None and scope["method"] not in HARMLESS_METHODS:
            body = await _body(headers, receive)
            if body is None:
                refusal = 413, f"That is too much: at most {MAX_BODY_BYTES // 1024} KB."
            else:
                receive = _replay(body, receive)
        if refusal is not None:
            await error_response(scope, *refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, method: str, path: str, headers: Headers) -> tuple[int, str] | None:
        if path not in PROBES and _host_name(headers.get("host", "")) not in self._hosts:
            return 400, "This host name is not served here (ANSWERLOOP_ALLOWED_HOSTS)."
        if method in HARMLESS_METHODS:
            return None
        if not _from_our_own_page(headers):
            return 403, "This request came from another site."
        sent = headers.get("content-type", "").partition(";")[0].strip().lower()
        if sent == FORM and self._forms:
            return None if {"sec-fetch-site", "origin"} & set(headers) else (403, "This form does not say whose it is.")
        if sent != "application/json":
            return 415, "Send JSON, with the header Content-Type: application/json."
        return None


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _from_our_own_page(headers: Headers) -> bool:
    """Whether a page of ours made the request, or no page at all: every browser says where its POST comes from."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


async def _body(headers: Headers, receive: Receive) -> bytes | None:
    """The whole body, or None as soon as it is too large."""
    announced = headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > MAX_BODY_BYTES:
        return None
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES or message["type"] == "http.disconnect":
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed
