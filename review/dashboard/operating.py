"""What operators see: the overview, the gaps, the objective and the alarms."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from answerloop.auditing import CorrectionState
from answerloop.db.repositories import alarms, correction_list, figures, gaps, judging, objectives
from answerloop.db.session import Database
from answerloop.domain import BASE_ADAPTER
from answerloop.errors import NotFound
from answerloop.settings import Settings
from answerloop.timed_cache import TimedCache
from review.dashboard import charts
from review.dashboard.access import AnyViewer, Operator
from review.dashboard.forms import InvalidForm, SentForm
from review.dashboard.overview import ALARMS_KEPT, PERIODS, Figures, Overview
from review.dashboard.render import Renderer
from review.gaps import Gaps, as_csv
from review.themes import Theme

LATEST = "latest"
MOST_SERVED = 5
GAPS_KEPT_SECONDS = 300.0
LONGEST_TIME = 86_400.0
SHARE = "How many percent should be resolved? A number from 1 to 100."
TIME = "The time is a number of seconds from 1 to 86400, or nothing."


class OperatingPages:
    def __init__(
        self, settings: Settings, database: Database, figures: Figures, found: Gaps, renderer: Renderer
    ) -> None:
        self._tenant = settings.tenant
        self._database = database
        self._figures = figures
        self._found = found
        self._last_days: TimedCache[str, list[Theme]] = TimedCache(GAPS_KEPT_SECONDS)
        self._renderer = renderer

    def router(self) -> APIRouter:
        router = APIRouter()
        add = partial(router.add_api_route, response_model=None)
        add("/", self.overview)
        add("/gaps", self.gaps)
        add("/gaps/{report_id}.csv", self.gaps_csv)
        add("/objective", self.objective)
        add("/objective", self.set_objective, methods=["POST"])
        add("/alarms", self.alarms)
        add("/alarms", self.clear_alarm, methods=["POST"])
        return router

    def overview(self, viewer: AnyViewer, days: int = PERIODS[1]) -> Response:
        if not viewer.operates:
            return RedirectResponse("/queue", 303)
        shown = self._figures.overview(days if days in PERIODS else PERIODS[1])
        values = {
            "o": shown,
            "periods": PERIODS,
            "gaps": self._lately(),
            "sparks": _sparks(shown),
            "served": self._served(viewer),
            "trained": any(name != BASE_ADAPTER for name in shown.adapters),
        }
        return self._page("overview", viewer, values)

    def gaps(self, viewer: Operator) -> HTMLResponse:
        with self._database.reading() as session:
            reports = gaps.reports(session, self._tenant)
        return self._page("gaps", viewer, {"themes": self._lately(), "reports": reports})

    def gaps_csv(self, report_id: str, viewer: Operator) -> Response:
        if report_id == LATEST:
            themes = [theme.as_json() for theme in self._lately()]
        else:
            with self._database.reading() as session:
                found = [report for report in gaps.reports(session, self._tenant) if report.id == report_id]
            if not found:
                raise NotFound("There is no such report.")
            themes = found[0].themes
        return Response(
            "\ufeff" + as_csv(themes),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="gaps.csv"'},
        )

    def objective(self, viewer: Operator) -> HTMLResponse:
        with self._database.reading() as session:
            history = objectives.latest(session, self._tenant, 10)
            topics = objectives.topics(session, self._tenant)
        shown = self._figures.overview(PERIODS[1])
        return self._page("objective", viewer, {"o": shown, "history": history, "topics": topics})

    def set_objective(self, viewer: Operator, form: SentForm) -> Response:
        text = form.text("text", required="Say in a sentence what you want to reach.")
        share = form.number("resolved_share", 1, 100, SHARE)
        if share is None:
            raise InvalidForm(SHARE)
        seconds = form.number("median_seconds", 1, LONGEST_TIME, TIME)
        topic = form.text("topic")
        with self._database.writing() as session:
            if topic and topic not in objectives.topics(session, self._tenant):
                raise InvalidForm("Nobody has asked about this topic yet.")
            objectives.write(session, self._tenant, text[:500], share / 100, seconds, topic, viewer.person.id)
        self._figures.changed()
        return RedirectResponse("/objective", 303)

    def alarms(self, viewer: Operator) -> HTMLResponse:
        with self._database.reading() as session:
            found = figures.alarms(session, ALARMS_KEPT, datetime.now(UTC))
        return self._page("alarms", viewer, {"alarms": found})

    def clear_alarm(self, viewer: Operator, form: SentForm) -> Response:
        with self._database.writing() as session:
            alarms.clear(session, form.text("key", required="Which alarm?"), viewer.person.id)
        self._figures.changed()
        return RedirectResponse("/alarms", 303)

    def _served(self, viewer: AnyViewer) -> list[correction_list.Listed]:
        """The corrections that were served most, of those that this person may read."""
        with self._database.reading() as session:
            me = judging.human(session, viewer.person)
            found = correction_list.listed(session, viewer.audience, me, (CorrectionState.APPROVED,))
        return sorted((each for each in found if each.served), key=lambda each: -each.served)[:MOST_SERVED]

    def _lately(self) -> list[Theme]:
        return self._last_days.get(LATEST, self._found.last_days)

    def _page(self, name: str, viewer: AnyViewer, values: dict[str, object]) -> HTMLResponse:
        return self._renderer.page(name, viewer, values)


def _sparks(shown: Overview) -> dict[str, charts.Spark]:
    """How the key figures went, week by week."""
    values = [week.value for week in shown.weeks]
    return {
        "questions": charts.spark([float(value.questions) for value in values]),
        "share": charts.spark([value.share for value in values]),
        "correct": charts.spark([week.correct.estimate.value if week.correct else None for week in shown.weeks]),
        "seconds": charts.spark([value.median_seconds for value in values]),
        "saved": charts.spark([value.minutes_saved for value in values]),
        "cost": charts.spark([value.cost_per_answer for value in values]),
    }
