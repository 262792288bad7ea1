"""The nights of training: what was learned, how it did, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from answerloop.db.repositories import documents, training_runs
from answerloop.db.repositories.training_runs import Adapter, Night
from answerloop.db.session import Database
from answerloop.domain import BASE_ADAPTER
from answerloop.errors import NotFound
from review.dashboard import charts, nights, tolerant
from review.dashboard.access import Operator
from review.dashboard.ladder import ladder
from review.dashboard.nights import Difference
from review.dashboard.render import Renderer

MOST_NIGHTS = 60
NOBODY: dict[str, Any] = {}

Serving = Callable[[], Mapping[str, Any]]
"""Which adapters speak: `live`, `canary`, `canary_share`, `previous`, `since`, `number`; empty when nobody can say."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """`live` and `canary` are none where no adapter speaks; without `known` nobody can say."""

    known: bool
    live: str | None
    canary: str | None
    share: float
    since: datetime | None
    answers: Mapping[str, int]
    watch: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    night: Night
    outcome: str
    tone: str
    new_rows: int | None
    gain: Difference | None
    span: charts.Span | None


class TrainingPages:
    def __init__(self, database: Database, serving: Serving, renderer: Renderer) -> None:
        self._database = database
        self._serving = serving
        self._renderer = renderer

    def router(self) -> APIRouter:
        router = APIRouter()
        add = partial(router.add_api_route, response_model=None)
        add("/training", self.training)
        add("/training/{run_id}", self.night)
        return router

    def training(self, viewer: Operator) -> HTMLResponse:
        with self._database.reading() as session:
            found = training_runs.listed(session, MOST_NIGHTS)
            adapters = training_runs.adapters(session)
        speaking = _speaking(self._serving(), adapters)
        shown = _listed(found)
        values = {
            "nights": shown,
            "running": next((each for each in shown if each.outcome == nights.RUNNING), None),
            "outcomes": Counter(each.outcome for each in shown),
            "speaking": speaking,
            "adapters": [(each, _state(each, speaking)) for each in adapters],
            "look": nights,
            "tolerant": tolerant,
        }
        return self._renderer.page("training", viewer, values)

    def night(self, run_id: str, viewer: Operator) -> HTMLResponse:
        with self._database.reading() as session:
            run = training_runs.get(session, run_id)
            if run is None:
                raise NotFound("There was no such night.")
            named = nights.documents_of(run)
            readable = documents.still_readable(session, viewer.audience, named) if named else {}
        night = run.night
        values = {
            "run": run,
            "night": night,
            "outcome": nights.outcome(night),
            "gain": nights.gain(night),
            "differences": nights.differences(night.decision),
            "floors": nights.floors(night.decision),
            "figures": nights.plain_figures(night.decision),
            "dataset": nights.dataset(night.manifest),
            "ladder": ladder(run.ladder),
            "learning": nights.learning(run.record),
            "examples": {which: nights.examples(run, which, readable) for which in nights.EXAMPLES},
            "look": nights,
            "tolerant": tolerant,
        }
        return self._renderer.page("night", viewer, values)


def _listed(found: Sequence[Night]) -> list[Listed]:
    gains = [nights.gain(night) for night in found]
    places = charts.spans([gain.figure.ends if gain else None for gain in gains], zero=True)
    return [
        Listed(night, word := nights.outcome(night), nights.tone(word), nights.new_rows(night), gain, place)
        for night, gain, place in zip(found, gains, places, strict=True)
    ]


def _speaking(pointer: Mapping[str, Any], adapters: Sequence[Adapter]) -> Speaking:
    canary = pointer.get("canary") or None
    live = pointer.get("live")
    return Speaking(
        known=bool(pointer),
        live=None if live in (None, "", BASE_ADAPTER) else str(live),
        canary=str(canary) if canary else None,
        share=tolerant.number(pointer.get("canary_share")) or 0.0,
        since=_moment(pointer.get("since")),
        answers={each.name: each.answers for each in adapters},
        watch=next((each.watch for each in adapters if each.name == canary), NOBODY),
    )


def _state(adapter: Adapter, speaking: Speaking) -> str:
    """Who speaks is said by the pointer; a row that says otherwise is behind or ahead of it."""
    if adapter.name == speaking.live:
        return "live"
    if adapter.name == speaking.canary:
        return "canary"
    return "silent" if adapter.state in ("live", "canary") and speaking.known else adapter.state


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
