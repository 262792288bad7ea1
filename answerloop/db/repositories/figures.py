"""What the dashboard shows, asked of the tables. Everything is of one tenant; times are when something was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from answerloop.auditing import AuditState, CorrectionState, Grounded
from answerloop.db.audit_tables import AlarmRow, AuditRow, CorrectionRow, CuratedRow, QuestionVectorRow, SampleRow
from answerloop.db.audit_tables import VerdictRow as Verdicts
from answerloop.db.repositories.samples import GENERAL
from answerloop.db.tables import AnswerRow, EscalationRow, FeedbackRow, QuestionRow
from answerloop.domain import QuestionState, Thumb
from answerloop.estimates import LookedAt
from answerloop.value import Asked, Said

OPEN = (AuditState.WAITING, AuditState.OUT, AuditState.CONFLICT)
LONGEST_JUDGEMENT = 900.0
"""Seconds: whoever leaves the page open for an hour has not judged for an hour."""
MOST_TIMINGS = 5000


def _answers(*columns: Any, tenant: str, since: datetime, until: datetime) -> Select[Any]:
    """Finished answers to questions of that time that were not taken back."""
    return (
        select(*columns)
        .select_from(QuestionRow)
        .join(AnswerRow, AnswerRow.question_id == QuestionRow.id)
        .where(QuestionRow.tenant == tenant, QuestionRow.created_at >= since, QuestionRow.created_at < until)
        .where(QuestionRow.state == QuestionState.ANSWERED, AnswerRow.retracted_at.is_(None))
        .where(AnswerRow.outcome.is_not(None), AnswerRow.finished_at.is_not(None))
    )


def asked(session: Session, tenant: str, since: datetime, until: datetime) -> list[Asked]:
    """The earliest first."""
    thumbs = (
        select(
            FeedbackRow.answer_id,
            func.count().filter(FeedbackRow.thumb == Thumb.UP).label("ups"),
            func.count().filter(FeedbackRow.thumb == Thumb.DOWN).label("downs"),
        )
        .group_by(FeedbackRow.answer_id)
        .subquery()
    )
    served = and_(CorrectionRow.id == AnswerRow.correction_id, CorrectionRow.answer_id != AnswerRow.id)
    rows = session.execute(
        _answers(
            QuestionRow.id,
            QuestionRow.created_at,
            AnswerRow.finished_at,
            QuestionRow.channel,
            func.coalesce(SampleRow.topic, GENERAL),
            AnswerRow.outcome,
            CorrectionRow.id,
            func.coalesce(thumbs.c.ups, 0),
            func.coalesce(thumbs.c.downs, 0),
            EscalationRow.question_id,
            tenant=tenant,
            since=since,
            until=until,
        )
        .outerjoin(SampleRow, SampleRow.answer_id == AnswerRow.id)
        .outerjoin(CorrectionRow, served)
        .outerjoin(thumbs, thumbs.c.answer_id == AnswerRow.id)
        .outerjoin(EscalationRow, EscalationRow.question_id == QuestionRow.id)
        .order_by(QuestionRow.created_at, QuestionRow.id)
    )
    return [
        Asked(
            question_id=question_id,
            asked_at=asked_at,
            seconds=max(0.0, (finished_at - asked_at).total_seconds()),
            channel=channel,
            topic=topic,
            outcome=outcome,
            curated=correction is not None,
            ups=ups,
            downs=downs,
            human=escalated is not None,
        )
        for question_id, asked_at, finished_at, channel, topic, outcome, correction, ups, downs, escalated in rows
    ]


def said(session: Session, tenant: str, since: datetime, until: datetime) -> list[Said]:
    """The questions of people who asked more than one in that time, for `value.asked_again`."""
    several = (
        select(QuestionRow.asker)
        .where(QuestionRow.tenant == tenant, QuestionRow.created_at >= since, QuestionRow.created_at < until)
        .group_by(QuestionRow.asker)
        .having(func.count() > 1)
    )
    rows = session.execute(
        select(
            QuestionRow.id,
            QuestionRow.asker,
            QuestionRow.created_at,
            QuestionVectorRow.embedder,
            QuestionVectorRow.vector,
        )
        .join(QuestionVectorRow, QuestionVectorRow.question_id == QuestionRow.id)
        .where(QuestionRow.tenant == tenant, QuestionRow.created_at >= since, QuestionRow.created_at < until)
        .where(QuestionRow.state != QuestionState.CANCELLED, QuestionRow.asker.in_(several))
    )
    return [Said(*row) for row in rows]


def first_question(session: Session, tenant: str) -> datetime | None:
    return session.scalar(
        select(QuestionRow.created_at).where(QuestionRow.tenant == tenant).order_by(QuestionRow.created_at).limit(1)
    )


def timings(session: Session, tenant: str, since: datetime, until: datetime) -> list[Mapping[str, float]]:
    """Milliseconds of each step, of the latest answers of that time."""
    latest = _answers(AnswerRow.timings_ms, tenant=tenant, since=since, until=until)
    return list(session.scalars(latest.order_by(AnswerRow.finished_at.desc()).limit(MOST_TIMINGS)))


def model_cost(session: Session, tenant: str, since: datetime, until: datetime) -> float:
    """What models behind endpoints cost for questions of that time, also for answers that were taken back."""
    costs = (
        select(func.coalesce(func.sum(AnswerRow.cost), 0.0))
        .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
        .where(QuestionRow.tenant == tenant, QuestionRow.created_at >= since, QuestionRow.created_at < until)
    )
    return session.scalar(costs) or 0.0


def adapters(session: Session, tenant: str, since: datetime, until: datetime) -> dict[str, int]:
    """Answers by the adapter that spoke, the most frequent one first."""
    counted = _answers(AnswerRow.adapter, func.count(), tenant=tenant, since=since, until=until)
    rows = session.execute(counted.where(AnswerRow.adapter != "").group_by(AnswerRow.adapter)).all()
    return dict(sorted(((name, count) for name, count in rows), key=lambda row: (-row[1], row[0])))


# --- what people judge -----------------------------------------------------------------------------------------------


def groundedness(
    session: Session, tenant: str, since: datetime, until: datetime
) -> tuple[list[LookedAt], dict[str, int]]:
    """As `samples.looked_at`, for whether the sources carry all of the answer."""
    rows = session.execute(
        select(SampleRow.chosen, SampleRow.probability, SampleRow.priority, AuditRow.grounded)
        .join(AnswerRow, AnswerRow.id == SampleRow.answer_id)
        .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
        .outerjoin(AuditRow, AuditRow.answer_id == SampleRow.answer_id)
        .where(QuestionRow.tenant == tenant, AnswerRow.finished_at >= since, AnswerRow.finished_at < until)
        .where(AnswerRow.retracted_at.is_(None), QuestionRow.state == QuestionState.ANSWERED)
        .where(or_(AuditRow.state.is_(None), AuditRow.state != AuditState.CLOSED))
    ).all()
    chosen = [
        LookedAt(probability, priority, None if grounded is None else float(grounded == Grounded.GROUNDED))
        for is_chosen, probability, priority, grounded in rows
        if is_chosen
    ]
    return chosen, dict(Counter(priority for _, _, priority, _ in rows))


@dataclass(frozen=True, slots=True)
class Queue:
    """What reviewers have before them. `oldest`: since when the oldest open one waits; `failures` could not be handed
    to where people judge."""

    states: Mapping[str, int]
    in_house: int
    urgent: int
    oldest: datetime | None
    failures: int

    @property
    def open(self) -> int:
        return sum(self.states.get(state, 0) for state in OPEN)


def queue(session: Session, tenant: str) -> Queue:
    rows = session.execute(
        select(
            AuditRow.state,
            func.count(),
            func.count().filter(AuditRow.in_house),
            func.count().filter(AuditRow.priority == "urgent"),
            func.min(AuditRow.created_at),
            func.count().filter(AuditRow.failure != ""),
        )
        .join(AnswerRow, AnswerRow.id == AuditRow.answer_id)
        .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
        .where(QuestionRow.tenant == tenant)
        .group_by(AuditRow.state)
    ).all()
    waiting = [row for row in rows if row[0] in OPEN]
    return Queue(
        states={row[0]: row[1] for row in rows},
        in_house=sum(row[2] for row in waiting),
        urgent=sum(row[3] for row in waiting),
        oldest=min((row[4] for row in waiting), default=None),
        failures=sum(row[5] for row in waiting),
    )


def review_seconds(session: Session, since: datetime, until: datetime) -> float:
    """What people spent on judging in that time, as far as it was measured."""
    spent = session.scalars(
        select(Verdicts.lead_seconds).where(
            Verdicts.lead_seconds.is_not(None), Verdicts.submitted_at >= since, Verdicts.submitted_at < until
        )
    )
    return sum(min(seconds or 0.0, LONGEST_JUDGEMENT) for seconds in spent)


@dataclass(frozen=True, slots=True)
class Corrections:
    """How many corrections there are in each state, how many are in force, and how often those were given."""

    states: Mapping[str, int]
    in_force: int
    served: int


def corrections(session: Session, tenant: str) -> Corrections:
    states = session.execute(
        select(CorrectionRow.state, func.count()).where(CorrectionRow.tenant == tenant).group_by(CorrectionRow.state)
    ).all()
    served, in_force = session.execute(
        select(
            func.coalesce(func.sum(CuratedRow.served), 0),
            func.count().filter(CuratedRow.withdrawn_at.is_(None)),
        ).where(CuratedRow.tenant == tenant)
    ).one()
    counts = {str(state): count for state, count in states}
    return Corrections({state: counts.get(state, 0) for state in CorrectionState}, in_force, int(served))


# --- what somebody should look at -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alarm:
    key: str
    kind: str
    text: str
    raised_at: datetime
    seen_at: datetime
    cleared_at: datetime | None
    cleared_by: str


def alarms(session: Session, kept: timedelta, now: datetime) -> list[Alarm]:
    """Those that ring, the latest first, then those that were cleared within `kept`."""
    rows = session.scalars(
        select(AlarmRow).where(or_(AlarmRow.cleared_at.is_(None), AlarmRow.cleared_at > now - kept))
    ).all()
    ordered = sorted(rows, key=lambda row: (row.cleared_at is not None, -row.seen_at.timestamp(), row.key))
    return [
        Alarm(row.key, row.kind, row.text, row.raised_at, row.seen_at, row.cleared_at, row.cleared_by)
        for row in ordered
    ]
