"""Signing in with the token of `ANSWERLOOP_WEB_TOKEN`, and out again."""

from __future__ import annotations

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, ConfigDict

from answerloop.errors import NotAuthenticated
from answerloop.web.assets import SHARED
from answerloop.web.identity import COOKIE, SESSION_SECONDS, Identity

WRONG_TOKEN_SECONDS = 0.5


class TokenBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str


def add_sign_in(app: FastAPI, identity: Identity) -> None:
    @app.get("/login")
    def login_page() -> Response:
        return FileResponse(SHARED / "login.html")

    @app.post("/api/login", status_code=204)
    async def sign_in(body: TokenBody, request: Request) -> Response:
        try:
            session = identity.sign_in(body.token)
        except NotAuthenticated:
            await anyio.sleep(WRONG_TOKEN_SECONDS)
            raise
        response = Response(status_code=204)
        response.set_cookie(
            COOKIE, session, SESSION_SECONDS, httponly=True, samesite="lax", secure=identity.is_https(request)
        )
        return response

    @app.post("/api/logout", status_code=204)
    def sign_out() -> Response:
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return response
