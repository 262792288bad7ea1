"""Errors as people see them: a sentence written for them, or an apology with a reference; never a trace."""

from __future__ import annotations

import logging
import secrets
from html import escape
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from answerloop.errors import (
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Retryable,
    TooManyQuestions,
    TooMuchFeedback,
    UserFault,
)
from answerloop.web.pages import page

log = logging.getLogger(__name__)

APOLOGY = "Something went wrong on our side."
BUSY = "We cannot do this right now. Please try again in a moment."
STATUS: dict[type[Exception], int] = {
    NotAuthenticated: 401,
    NotAllowed: 403,
    NotFound: 404,
    TooManyQuestions: 429,
    TooMuchFeedback: 429,
}


def error_response(scope: Scope, status: int, message: str, reference: str | None = None) -> Response:
    """JSON, or a plain page for somebody who followed a link."""
    if not scope["path"].startswith("/api/") and "text/html" in Headers(scope=scope).get("accept", ""):
        named = f"<p>Reference: <code>{escape(reference)}</code></p>" if reference else ""
        content = (
            f"<main class='sheet'><h1>{escape(message)}</h1>{named}<p><a href='/'>To the first page</a></p></main>"
        )
        return HTMLResponse(page(message, content), status)
    return JSONResponse({"error": message} | ({"reference": reference} if reference else {}), status)


def register(app: FastAPI) -> None:
    app.add_exception_handler(UserFault, _user_fault)
    app.add_exception_handler(Retryable, _retryable)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)


class LastResort:
    """Turns whatever nobody expected into an apology, and logs it under the reference that the person is told."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception:
            if scope["type"] != "http":
                raise
            reference = _reference()
            log.exception("request failed", extra={"reference": reference, "path": scope["path"]})
            if started:
                raise
            await error_response(scope, 500, APOLOGY, reference)(scope, receive, send)


def _user_fault(request: Request, error: Exception) -> Response:
    return error_response(request.scope, STATUS.get(type(error), 422), str(error))


def _retryable(request: Request, error: Exception) -> Response:
    reference = _reference()
    log.warning("request refused for now", extra={"reference": reference, "error": str(error)})
    response = error_response(request.scope, 503, BUSY, reference)
    response.headers["Retry-After"] = "2"
    return response


def _malformed(request: Request, error: Exception) -> Response:
    found = cast(RequestValidationError, error).errors()
    problems = (f"{'.'.join(str(part) for part in e['loc'][1:]) or 'body'}: {e['msg']}" for e in found)
    return error_response(request.scope, 422, "We do not understand this request. " + "; ".join(problems))


def _http(request: Request, error: Exception) -> Response:
    refused = cast(HTTPException, error)
    message = "There is no such page." if refused.status_code == HTTPStatus.NOT_FOUND else refused.detail
    response = error_response(request.scope, refused.status_code, message)
    response.headers.update(refused.headers or {})
    return response


def _reference() -> str:
    return secrets.token_hex(4)
