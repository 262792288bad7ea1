"""The figures of the overview, read at most every half minute however many people look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from answerloop.auditing import Verdict
from answerloop.db.repositories import figures, objectives, processes, samples, verdicts
from answerloop.db.repositories.processes import ProcessView
from answerloop.db.session import Database
from answerloop.estimates import ShareCorrect, share_correct
from answerloop.settings import Settings
from answerloop.timed_cache import TimedCache
from answerloop.value import (
    Asked,
    Assumptions,
    Kind,
    Objective,
    Standing,
    Step,
    Value,
    asked_again,
    by,
    by_day,
    standing,
    steps,
    thumbs_by_day,
    value,
)
from review.dashboard import charts
from review.verdicts import AgreementReport, Rating, agreement

PERIODS = (7, 30, 90)
KEPT_SECONDS = 30.0
WEEKS = 8
WEEK, DAY = timedelta(days=7), timedelta(days=1)
RATED = timedelta(days=90)
ALARMS_KEPT = timedelta(days=7)
MOST_NAMES = 6
REST = "others"


@dataclass(frozen=True, slots=True)
class Week:
    label: str
    value: Value
    correct: ShareCorrect | None
    grounded: ShareCorrect | None


@dataclass(frozen=True, slots=True)
class Overview:
    """`before` is the same span of time before this one."""

    days: int
    value: Value
    before: Value
    volume: charts.Bars
    channels: dict[str, Counter[Kind]]
    topics: dict[str, Counter[Kind]]
    thumbs: charts.Bars
    ups: int
    downs: int
    weeks: list[Week]
    correct: ShareCorrect | None
    grounded: ShareCorrect | None
    correctness: charts.Line
    groundedness: charts.Line
    steps: list[Step]
    queue: figures.Queue
    agreement: AgreementReport
    corrections: figures.Corrections
    adapters: dict[str, int]
    alarms: list[figures.Alarm]
    processes: list[ProcessView]
    objective: Objective | None
    standing: Standing | None
    assumptions: Assumptions
    read_at: datetime


class Figures:
    def __init__(
        self, database: Database, settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._tenant = settings.tenant
        self._clock = clock
        self._kept: TimedCache[int, Overview] = TimedCache(KEPT_SECONDS)
        self.assumptions = Assumptions(
            settings.human_minutes, settings.human_answer_hours, settings.cost_per_hour, settings.currency
        )

    def overview(self, days: int) -> Overview:
        return self._kept.get(days, lambda: self._read(days))

    def changed(self) -> None:
        """Somebody has changed what is shown: the next one who looks sees it."""
        for days in PERIODS:
            self._kept.forget(days)

    def _read(self, days: int) -> Overview:
        now = self._clock()
        period = timedelta(days=days)
        with self._database.reading() as session:
            first = figures.first_question(session, self._tenant) or now
            everything = figures.asked(session, self._tenant, now - max(2 * period, WEEKS * WEEK), now)
            again = asked_again(figures.said(session, self._tenant, now - max(2 * period, WEEKS * WEEK), now))

            def worth(since: datetime, until: datetime, topic: str = "") -> Value:
                asked = [each for each in _within(everything, since, until) if not topic or each.topic == topic]
                running = max(timedelta(0), until - max(since, first))
                spent = 0.0 if topic else figures.review_seconds(session, since, until)
                models = 0.0 if topic else figures.model_cost(session, self._tenant, since, until)
                return value(asked, again, spent, running, self.assumptions, models)

            def judged(since: datetime, until: datetime) -> tuple[ShareCorrect | None, ShareCorrect | None]:
                return (
                    share_correct(*samples.looked_at(session, self._tenant, since, until)),
                    share_correct(*figures.groundedness(session, self._tenant, since, until)),
                )

            spans = [(now - (ago + 1) * WEEK, now - ago * WEEK) for ago in reversed(range(WEEKS))]
            weeks = [Week(day(until.date()), worth(since, until), *judged(since, until)) for since, until in spans]
            current = _within(everything, now - period, now)
            correct, grounded = judged(now - period, now)
            objective = next(iter(objectives.latest(session, self._tenant)), None)
            reached = standing(objective, worth(now - period, now, objective.topic)) if objective else None
            shown = [now.date() - (days - 1 - ago) * DAY for ago in range(days)]
            thumbs = thumbs_by_day(current, shown)
            return Overview(
                days=days,
                value=worth(now - period, now),
                before=worth(now - 2 * period, now - period),
                volume=_volume(current, shown),
                channels=_named(by(current, lambda each: each.channel)),
                topics=_named(by(current, lambda each: each.topic)),
                thumbs=charts.stacked(
                    [day(each) for each in shown],
                    [{"helpful": up, "not helpful": down} for up, down in thumbs],
                    ("helpful", "not helpful"),
                ),
                ups=sum(up for up, _ in thumbs),
                downs=sum(down for _, down in thumbs),
                weeks=weeks,
                correct=correct,
                grounded=grounded,
                correctness=_judged_line([(week.label, week.correct) for week in weeks]),
                groundedness=_judged_line([(week.label, week.grounded) for week in weeks]),
                steps=steps(figures.timings(session, self._tenant, now - period, now)),
                queue=figures.queue(session, self._tenant),
                agreement=agreement(
                    Rating(each.audit_id, each.reviewer, each.topic, Verdict(each.verdict))
                    for each in verdicts.ratings(session, now - RATED)
                ),
                corrections=figures.corrections(session, self._tenant),
                adapters=figures.adapters(session, self._tenant, now - period, now),
                alarms=[each for each in figures.alarms(session, ALARMS_KEPT, now) if each.cleared_at is None],
                processes=processes.alive(session),
                objective=objective,
                standing=reached,
                assumptions=self.assumptions,
                read_at=now,
            )


def _within(asked: Sequence[Asked], since: datetime, until: datetime) -> list[Asked]:
    return [each for each in asked if since <= each.asked_at < until]


def _volume(asked: Sequence[Asked], days: Sequence[date]) -> charts.Bars:
    return charts.stacked([day(each) for each in days], by_day(asked, days), tuple(Kind))


def _judged_line(weeks: Sequence[tuple[str, ShareCorrect | None]]) -> charts.Line:
    return charts.shares(
        [
            charts.Point(label, None)
            if share is None
            else charts.Point(
                label, share.estimate.value, share.estimate.low, share.estimate.high, f"{share.estimate.n} judged"
            )
            for label, share in weeks
        ]
    )


def _named(counts: dict[str, Counter[Kind]]) -> dict[str, Counter[Kind]]:
    """The most frequent ones; the others together."""
    if len(counts) <= MOST_NAMES:
        return counts
    names = list(counts)
    rest = sum((counts[name] for name in names[MOST_NAMES - 1 :]), Counter[Kind]())
    return {**{name: counts[name] for name in names[: MOST_NAMES - 1]}, REST: rest}


def day(moment: date) -> str:
    return f"{moment.day} {moment:%b}"
