"""What the operator wants to reach; the newest objective counts, the others are its history."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from answerloop.db.audit_tables import ObjectiveRow, SampleRow
from answerloop.db.tables import AnswerRow, QuestionRow
from answerloop.value import Objective


def latest(session: Session, tenant: str, limit: int = 1) -> list[Objective]:
    rows = session.scalars(
        select(ObjectiveRow)
        .where(ObjectiveRow.tenant == tenant)
        .order_by(ObjectiveRow.created_at.desc(), ObjectiveRow.id)
        .limit(limit)
    )
    return [
        Objective(row.text, row.resolved_share, row.median_seconds, row.topic, row.set_by, row.created_at)
        for row in rows
    ]


def write(
    session: Session, tenant: str, text: str, resolved_share: float, median_seconds: float | None, topic: str, by: str
) -> None:
    session.add(
        ObjectiveRow(
            tenant=tenant,
            text=text,
            resolved_share=resolved_share,
            median_seconds=median_seconds,
            topic=topic,
            set_by=by,
        )
    )


def topics(session: Session, tenant: str, limit: int = 200) -> list[str]:
    """What people have asked about so far."""
    rows = session.scalars(
        select(SampleRow.topic)
        .join(AnswerRow, AnswerRow.id == SampleRow.answer_id)
        .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
        .where(QuestionRow.tenant == tenant)
        .distinct()
        .order_by(SampleRow.topic)
        .limit(limit)
    )
    return list(rows)
