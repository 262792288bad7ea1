"""Where reviewers judge what may not leave the house, and what others disagree about."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from answerloop.auditing import Fault, Grounded, Verdict
from answerloop.db import outbox
from answerloop.db.repositories import judging
from answerloop.db.repositories.judging import Audit, Judged, OpenAudit
from answerloop.db.session import Database
from answerloop.errors import NotAllowed
from answerloop.metrics import without_citations
from answerloop.ports import TaskQueue
from review.dashboard.access import Reviewer, Viewer
from review.dashboard.forms import Form, InvalidForm, SentForm
from review.dashboard.render import Renderer

LONGEST_JUDGEMENT = 900.0
MOST_CHARACTERS = 4000


class JudgingPages:
    def __init__(self, database: Database, queue: TaskQueue, renderer: Renderer, all_here: Callable[[], bool]) -> None:
        self._database = database
        self._queue = queue
        self._renderer = renderer
        self._all_here = all_here

    def router(self) -> APIRouter:
        router = APIRouter()
        add = partial(router.add_api_route, response_model=None)
        add("/queue", self.queue)
        add("/audits/{audit_id}", self.audit)
        add("/audits/{audit_id}", self.judge, methods=["POST"])
        add("/audits/{audit_id}/take-back", self.take_back, methods=["POST"])
        return router

    def queue(self, viewer: Reviewer, done: str = "") -> HTMLResponse:
        with self._database.reading() as session:
            found = self._open(session, viewer)
        return self._renderer.page("queue", viewer, {"audits": found, "done": done})

    def audit(self, audit_id: str, viewer: Reviewer) -> HTMLResponse:
        with self._database.reading() as session:
            shown = self._shown(session, audit_id, viewer)
            titles = judging.titles(session, viewer.audience)
            following = self._next(session, viewer, audit_id)
        values = {
            "audit": shown,
            "why_not": judging.may_not(shown.open),
            "titles": sorted(titles),
            "chosen": _chosen(shown, titles),
            "next": following,
            "prefilled": _prefilled(shown),
            "shown_at": f"{time.time():.0f}",
            "verdicts": list(Verdict),
            "levels": list(Grounded),
            "faults": list(Fault),
        }
        return self._renderer.page("audit", viewer, values)

    def judge(self, audit_id: str, viewer: Reviewer, form: SentForm) -> Response:
        """The verdict and the job that follows from it are one transaction."""
        with self._database.writing() as session:
            shown = self._shown(session, audit_id, viewer)
            if why_not := judging.may_not(shown.open):
                raise NotAllowed(why_not)
            me = judging.admit(session, viewer.person)
            others = judging.chosen(judging.titles(session, viewer.audience), form.all("other"))
            following = self._next(session, viewer, audit_id)
            job = judging.give(session, audit_id, me, _judged(form, shown, others))
        outbox.send(self._database, self._queue, [job])
        return RedirectResponse(f"/audits/{following.id}" if following else "/queue?done=1", 303)

    def take_back(self, audit_id: str, viewer: Reviewer) -> Response:
        with self._database.writing() as session:
            self._shown(session, audit_id, viewer)
            job = judging.take_back(session, audit_id, judging.human(session, viewer.person))
        if job is not None:
            outbox.send(self._database, self._queue, [job])
        return RedirectResponse("/queue", 303)

    def _open(self, session: Any, viewer: Viewer) -> list[OpenAudit]:
        me = judging.human(session, viewer.person)
        return judging.open_audits(session, viewer.audience, me, all_here=self._all_here())

    def _shown(self, session: Any, audit_id: str, viewer: Viewer) -> Audit:
        me = judging.human(session, viewer.person)
        return judging.audit(session, audit_id, viewer.audience, me, all_here=self._all_here())

    def _next(self, session: Any, viewer: Viewer, audit_id: str) -> OpenAudit | None:
        """What is to be judged after this one; from the last one it goes on with the first."""
        found = self._open(session, viewer)
        places = [place for place, each in enumerate(found) if each.id == audit_id]
        after = places[0] + 1 if places else 0
        return next((each for each in found[after:] + found[:after] if each.is_for_me and each.id != audit_id), None)


def _judged(form: Form, shown: Audit, others: list[str]) -> Judged:
    correction = form.text("correction")
    if len(correction) > MOST_CHARACTERS:
        raise InvalidForm(f"The better answer is too long: at most {MOST_CHARACTERS:,} characters.")
    changed = " ".join(correction.split()) != " ".join(_prefilled(shown).split())
    numbers = {str(source.number): source.number for source in shown.sources}
    return Judged(
        verdict=form.one_of(Verdict, "verdict", "Is the answer correct? Please choose one."),
        grounded=form.one_of(Grounded, "grounded", "Do the sources carry it? Please choose one."),
        faults=form.some_of(Fault, "fault"),
        correction=correction if correction and (changed or shown.suggestion) else None,
        edited=bool(correction) and changed,
        documents=[*(numbers[each] for each in form.all("document") if each in numbers), *others],
        missing_document=form.text("missing_document")[:300],
        lead_seconds=_lead_seconds(form),
    )


def _prefilled(shown: Audit) -> str:
    """What somebody suggests, or what was answered, without the marks of its sources."""
    return (shown.suggestion or without_citations(shown.text).replace("**", "")).strip()


def _lead_seconds(form: Form) -> float | None:
    shown_at = form.number("shown_at", 0, 1e11, "The page is out of date: please load it again.")
    return None if shown_at is None else min(max(0.0, time.time() - shown_at), LONGEST_JUDGEMENT)


def _chosen(shown: Audit, titles: dict[str, str]) -> list[str]:
    """The titles of the other documents that I have chosen before."""
    by_id = {document_id: title for title, document_id in titles.items()}
    return [by_id[str(each)] for each in (shown.given.documents if shown.given else ()) if str(each) in by_id]
