"""What was drawn before: what the next probability depends on, besides the answer itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from answerloop.db.audit_tables import AuditRow, QuestionVectorRow, SampleRow
from answerloop.db.tables import (
    AnswerRow,
)

DAYS = 7
WINDOW = timedelta(days=DAYS)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LONGEST_PACE = 8
"""A burst of the last hour goes on for so many hours at most: a working day."""
RECENT = 500
"""Questions that a new one is compared with: those that were chosen last."""


@dataclass(slots=True)
class Past:
    """What was drawn before; the sampler counts on while it draws."""

    answers: dict[str, int]
    """Of the last days, by stratum."""
    teaching: float | None
    """Mean of uncertainty and novelty in the last days."""
    spent: int
    """Answers that reviewers were given today."""
    flagged_ahead: float
    """Flagged answers, and what else is wanted, that the rest of the day will probably bring."""
    wanted_ahead: float
    judged: dict[str, int]
    """Judged answers, by adapter."""
    questions: list[tuple[str, bytes]] = field(default_factory=list)
    """The vectors of the questions chosen last, with their embedder, the latest first."""


def past(session: Session, now: datetime) -> Past:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    flagged, wanted = _ahead(session, now, today)
    teaching = session.scalar(
        select(func.avg((SampleRow.uncertainty + SampleRow.novelty) / 2)).where(SampleRow.created_at > now - WINDOW)
    )
    strata = session.execute(
        select(SampleRow.stratum, func.count()).where(SampleRow.created_at > now - WINDOW).group_by(SampleRow.stratum)
    ).all()
    judged = session.execute(
        select(AnswerRow.adapter, func.count())
        .join(AuditRow, AuditRow.answer_id == AnswerRow.id)
        .where(AuditRow.judged_at.is_not(None))
        .group_by(AnswerRow.adapter)
    ).all()
    chosen = session.execute(
        select(QuestionVectorRow.embedder, QuestionVectorRow.vector)
        .join(AnswerRow, AnswerRow.question_id == QuestionVectorRow.question_id)
        .join(SampleRow, SampleRow.answer_id == AnswerRow.id)
        .where(SampleRow.chosen)
        .order_by(SampleRow.created_at.desc())
        .limit(RECENT)
    ).all()
    return Past(
        answers={stratum: count for stratum, count in strata},  # noqa: C416
        teaching=teaching,
        spent=session.scalar(select(func.count(AuditRow.id)).where(AuditRow.created_at >= today)) or 0,
        flagged_ahead=flagged,
        wanted_ahead=wanted,
        judged={adapter: count for adapter, count in judged},  # noqa: C416
        questions=[(embedder, vector) for embedder, vector in chosen],
    )


def _ahead(session: Session, now: datetime, today: datetime) -> tuple[float, float]:
    """How many flagged answers the rest of the day will bring, and how many others would be wanted: as the last seven
    days did from this hour on (their median), or as the last hour did, if that was more."""
    rests = [_demand(session, now - number * DAY, today - (number - 1) * DAY) for number in range(1, DAYS + 1)]
    hours = min((today + DAY - now) / HOUR, LONGEST_PACE)
    pace = _demand(session, now - HOUR, now)
    flagged, wanted = (max(median(rest[kind] for rest in rests), pace[kind] * hours) for kind in (0, 1))
    return flagged, wanted


def _demand(session: Session, since: datetime, until: datetime) -> tuple[float, float]:
    flagged = SampleRow.probability == 1.0
    found = session.execute(
        select(
            func.sum(SampleRow.wanted).filter(flagged),
            func.sum(SampleRow.wanted).filter(~flagged),
        ).where(SampleRow.created_at >= since, SampleRow.created_at < until)
    ).one()
    return float(found[0] or 0), float(found[1] or 0)
