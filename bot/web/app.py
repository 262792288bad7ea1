"""Puts the web chat together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from answerloop.db.session import Database
from answerloop.errors import NotAuthenticated
from answerloop.ports import Directory
from answerloop.settings import Settings
from answerloop.web import failures
from answerloop.web.assets import Assets
from answerloop.web.identity import Identity, is_on_this_machine
from answerloop.web.security import Guard, SecurityHeaders
from answerloop.web.sign_in import add_sign_in
from bot.feedback import FeedbackBox
from bot.intake import Intake
from bot.web.chat import ChatApi
from bot.web.documents import DocumentPages
from bot.web.events import AnswerStream, RevisionWatch
from bot.web.readiness import Health, Readiness, is_ready, without_details
from bot.web.snapshots import Snapshots

Metrics = Callable[[], tuple[bytes, str]]
"""The figures and their content type."""

STATIC = Path(__file__).parent / "static"
PLATFORM_PATHS = frozenset({"/slack/events", "/api/messages"})


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
    add_sign_in(app, app.state.identity)
    _add_probes(app, Readiness(health), metrics)
    app.mount("/static", Assets(STATIC), name="static")
    app.add_middleware(Guard, allowed_hosts=settings.allowed_hosts, machine_paths=machine_paths)
    app.add_middleware(failures.LastResort)
    app.add_middleware(SecurityHeaders)
    return app


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
