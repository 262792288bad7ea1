"""Corrections: what waits for another person, what is in force, and the clicks that decide."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from answerloop.auditing import CorrectionState
from answerloop.db.repositories import correction_list, judging
from answerloop.db.session import Database
from answerloop.errors import NotFound
from review.dashboard.access import Reviewer, Viewer
from review.dashboard.forms import SentForm
from review.dashboard.overview import Figures
from review.dashboard.render import Renderer

MOST_REASON = 500


class SecondClicks(Protocol):
    """What a click does. Both raise NotFound, and NotAllowed with the reason for people."""

    def confirm(self, correction_id: str, person: str) -> None: ...

    def reject(self, correction_id: str, person: str, reason: str) -> None: ...


class CorrectionPages:
    def __init__(self, database: Database, clicks: SecondClicks, figures: Figures, renderer: Renderer) -> None:
        self._database = database
        self._clicks = clicks
        self._figures = figures
        self._renderer = renderer

    def router(self) -> APIRouter:
        router = APIRouter()
        add = partial(router.add_api_route, response_model=None)
        add("/corrections", self.corrections)
        add("/corrections/{correction_id}/confirm", self.confirm, methods=["POST"])
        add("/corrections/{correction_id}/reject", self.reject, methods=["POST"])
        return router

    def corrections(self, viewer: Reviewer) -> HTMLResponse:
        with self._database.reading() as session:
            me = judging.human(session, viewer.person)
            found = correction_list.listed(session, viewer.audience, me, tuple(CorrectionState))
        of = {state: [each for each in found if each.state is state] for state in CorrectionState}
        values = {
            "waiting": of[CorrectionState.NEEDS_SECOND],
            "proposed": of[CorrectionState.PROPOSED],
            "approved": of[CorrectionState.APPROVED],
            "gone": [*of[CorrectionState.REJECTED], *of[CorrectionState.WITHDRAWN]],
        }
        return self._renderer.page("corrections", viewer, values)

    def confirm(self, correction_id: str, viewer: Reviewer) -> Response:
        self._clicks.confirm(correction_id, self._reviewer(correction_id, viewer))
        self._figures.changed()
        return RedirectResponse("/corrections", 303)

    def reject(self, correction_id: str, viewer: Reviewer, form: SentForm) -> Response:
        self._clicks.reject(correction_id, self._reviewer(correction_id, viewer), form.text("reason")[:MOST_REASON])
        self._figures.changed()
        return RedirectResponse("/corrections", 303)

    def _reviewer(self, correction_id: str, viewer: Viewer) -> str:
        """Who clicks, as a reviewer that we know. What somebody may not read they may not decide."""
        with self._database.writing() as session:
            if not correction_list.may_see(session, correction_id, viewer.audience):
                raise NotFound("There is no such correction, or it is not for you to read.")
            return judging.admit(session, viewer.person).id
