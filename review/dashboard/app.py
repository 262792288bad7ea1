"""Puts the dashboard together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from answerloop.db.session import Database
from answerloop.errors import NotAuthenticated
from answerloop.ports import Directory, TaskQueue
from answerloop.settings import Settings
from answerloop.web import failures
from answerloop.web.assets import Assets
from answerloop.web.identity import Identity
from answerloop.web.security import Guard, SecurityHeaders
from answerloop.web.sign_in import add_sign_in
from review import webhook
from review.dashboard.access import Access
from review.dashboard.judging import JudgingPages
from review.dashboard.operating import OperatingPages
from review.dashboard.overview import Figures
from review.dashboard.render import Renderer
from review.dashboard.second_clicks import CorrectionPages, SecondClicks
from review.dashboard.training import Serving, TrainingPages
from review.gaps import Gaps
from review.webhook import HintDoor

STATIC = Path(__file__).parent / "static"

Metrics = Callable[[], tuple[bytes, str]]
"""The figures for machines and their content type."""


def create_app(
    settings: Settings,
    database: Database,
    queue: TaskQueue,
    directory: Directory,
    corrections: SecondClicks,
    gaps: Gaps,
    metrics: Metrics,
    *,
    all_here: Callable[[], bool] = lambda: False,
    serving: Serving = lambda: {},
    hints: HintDoor | None = None,
) -> FastAPI:
    """`all_here`: there is no other place where people judge, right now; `serving`: which adapters
    speak, right now. Raises ConfigurationError."""
    app = FastAPI(title="answerloop review", docs_url=None, redoc_url=None, openapi_url=None)
    identity = Identity(settings)
    app.state.identity = identity
    app.state.access = Access(identity, directory, settings)
    renderer = Renderer(assistant_url(settings))
    figures = Figures(database, settings)
    failures.register(app)
    if identity.takes_token:
        app.add_exception_handler(NotAuthenticated, _to_the_sign_in)
    add_sign_in(app, identity)
    app.include_router(OperatingPages(settings, database, figures, gaps, renderer).router())
    app.include_router(TrainingPages(database, serving, renderer).router())
    app.include_router(JudgingPages(database, queue, renderer, all_here).router())
    app.include_router(CorrectionPages(database, corrections, figures, renderer).router())
    if hints is not None:
        app.include_router(webhook.routes(hints))
    _add_probes(app, metrics)
    app.mount("/static", Assets(STATIC), name="static")
    app.add_middleware(Guard, allowed_hosts=settings.allowed_hosts, machine_paths={webhook.PATH}, forms=True)
    app.add_middleware(failures.LastResort)
    app.add_middleware(SecurityHeaders, referrer_policy="same-origin")
    return app


def assistant_url(settings: Settings) -> str:
    """Where the documents behind the passages are, which ask by themselves who may read them."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    return f"http://127.0.0.1:{settings.port}" if settings.listens_on_loopback else ""


def _to_the_sign_in(request: Request, error: Exception) -> Response:
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse("/login", 303)
    return failures.error_response(request.scope, 401, str(error))


def _add_probes(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/healthz")
    def alive() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/metrics")
    def figures() -> Response:
        content, media_type = metrics()
        return Response(content, media_type=media_type)
