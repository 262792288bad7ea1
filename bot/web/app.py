"""Puts the web chat together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict

from answerloop.db.session import Database
from answerloop.errors import NotAuthenticated
from answerloop.ports import Directory
from answerloop.settings import Settings
from bot.feedback import FeedbackBox
from bot.intake import Intake
from bot.web import failures
from bot.web.chat import ChatApi
from bot.web.documents import DocumentPages
from bot.web.events import AnswerStream, RevisionWatch
from bot.web.identity import COOKIE, SESSION_SECONDS, Identity, is_on_this_machine
from bot.web.pages import STATIC
from bot.web.readiness import Health, Readiness, is_ready, without_details
from bot.web.security import Guard, SecurityHeaders
from bot.web.snapshots import Snapshots

Metrics = Callable[[], tuple[bytes, str]]
"""The figures and their content type."""

PLATFORM_PATHS = frozenset({"/slack/events", "/api/messages"})
WRONG_TOKEN_SECONDS = 0.5


def create_app(
    settings: Settings,
    database: Database,
    intake: Intake,
    feedback: FeedbackBox,
    directory: Directory,
    health: Health,
    metrics: Metrics,
    machine_paths: Collection[str] = PLATFORM_PATHS,
) -> FastAPI:
    """Raises ConfigurationError. Other channels may add their routes; theirs are in `machine_paths`."""
    snapshots = Snapshots(settings, database, directory)
    watch = RevisionWatch(snapshots.revisions)
    stream = AnswerStream(watch, snapshots.of_question)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        watch.close()

    app = FastAPI(title="answerloop", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.identity = Identity(settings)
    app.state.watch = watch
    failures.register(app)
    app.include_router(ChatApi(settings, intake, feedback, directory, snapshots, stream).router())
    app.include_router(DocumentPages(database, directory, settings.tenant).router())
    _add_pages(app)
    _add_probes(app, Readiness(health), metrics)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Guard, allowed_hosts=settings.allowed_hosts, machine_paths=machine_paths)
    app.add_middleware(failures.LastResort)
    app.add_middleware(SecurityHeaders)
    return app


class TokenBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str


def _add_pages(app: FastAPI) -> None:
    identity: Identity = app.state.identity

    @app.get("/")
    def chat_page(request: Request) -> Response:
        try:
            identity.asker(request)
        except NotAuthenticated:
            if identity.takes_token:
                return RedirectResponse("/login", 303)
            raise
        return FileResponse(STATIC / "index.html")

    @app.get("/login")
    def login_page() -> Response:
        return FileResponse(STATIC / "login.html")

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


def _add_probes(app: FastAPI, readiness: Readiness, metrics: Metrics) -> None:
    @app.get("/healthz")
    def alive() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/readyz")
    def ready(request: Request) -> JSONResponse:
        checks = readiness.checks()
        shown = checks if is_on_this_machine(request) else without_details(checks)
        return JSONResponse({"checks": shown}, 200 if is_ready(checks) else 503)

    @app.get("/metrics")
    def figures() -> Response:
        content, media_type = metrics()
        return Response(content, media_type=media_type)
