"""The way back of a correction: the answer that was wrong becomes the right one, and what it was is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from answerloop.auditing import CorrectionState, Withdrawal
from answerloop.db.audit_tables import CorrectionRow, CuratedRow, ReplacedAnswerRow
from answerloop.db.repositories import answers, deliveries
from answerloop.db.tables import AnswerRow, AnswerSourceRow, DeliveryRow, now
from answerloop.domain import Action, CitedSource, Confidence, Outcome, QuestionState, Stage

RULE = "corrected"
_TAKEN_BACK = (Withdrawal.TAKEN_BACK, Withdrawal.REJECTED)
SHOWN_SINCE = timedelta(days=30)
MOST_SHOWN = 200
"""Other answers that lose their mark when a correction is taken back: the latest, as many as a platform can bear."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An answer and what is approved instead of it. `documents` are those of the approved text, with their hashes.
    `taken_back`: it is a correction that people do not stand by any more."""

    question_id: str
    tenant: str
    channel: str
    asker: str
    room: str | None
    address: Mapping[str, Any]
    correction_id: str | None
    approved: str | None
    text: str
    documents: Mapping[str, str]
    taken_back: bool


def standing(session: Session, answer_id: str) -> Standing | None:
    """None where nothing is to be put right: no answer was given, or it is not wanted any more."""
    answer = session.scalar(
        select(AnswerRow).where(AnswerRow.id == answer_id).options(selectinload(AnswerRow.question))
    )
    if answer is None or answer.retracted_at is not None or answer.question.state != QuestionState.ANSWERED:
        return None
    found = session.execute(
        select(CorrectionRow.id, CuratedRow.text, CuratedRow.documents)
        .join(CuratedRow, CuratedRow.correction_id == CorrectionRow.id)
        .where(CorrectionRow.answer_id == answer_id, CorrectionRow.state == CorrectionState.APPROVED)
        .where(CuratedRow.withdrawn_at.is_(None))
        .order_by(CorrectionRow.approved_at.desc())
        .limit(1)
    ).first()
    current = session.get(CorrectionRow, answer.correction_id) if answer.correction_id else None
    question = answer.question
    return Standing(
        question_id=question.id,
        tenant=question.tenant,
        channel=question.channel,
        asker=question.asker,
        room=question.room,
        address=deliveries.address_of(session, question.id),
        correction_id=answer.correction_id,
        approved=found.id if found else None,
        text=found.text if found else "",
        documents=dict(found.documents) if found else {},
        taken_back=current is not None and current.withdrawn_because in _TAKEN_BACK,
    )


def not_in_line(session: Session, limit: int = 200) -> list[str]:
    """Answers that are not yet what was approved or taken back within the last hour: their job was lost, or not
    everybody there may read it."""
    window = (now() - timedelta(hours=1), now() - timedelta(minutes=2))
    approved = (
        select(AnswerRow.id)
        .join(CorrectionRow, CorrectionRow.answer_id == AnswerRow.id)
        .join(CuratedRow, CuratedRow.correction_id == CorrectionRow.id)
        .where(CorrectionRow.state == CorrectionState.APPROVED, CuratedRow.withdrawn_at.is_(None))
        .where(CuratedRow.in_force_at.between(*window), AnswerRow.retracted_at.is_(None))
        .where(AnswerRow.correction_id.is_(None) | (AnswerRow.correction_id != CorrectionRow.id))
    )
    taken_back = (
        select(CorrectionRow.answer_id)
        .join(AnswerRow, AnswerRow.correction_id == CorrectionRow.id)
        .where(CorrectionRow.withdrawn_because.in_(_TAKEN_BACK), CorrectionRow.updated_at.between(*window))
    )
    return list(session.scalars(approved.union(taken_back).limit(limit)))


def correct(
    session: Session, answer_id: str, correction_id: str, text: str, sources: Sequence[CitedSource]
) -> None:  # fmt: skip
    """Make the answer what was approved. What it was stays beside it; the masked text stays what was judged."""
    answer = _answer(session, answer_id)
    if session.get(ReplacedAnswerRow, answer_id) is None:
        session.add(_replaced(answer))
    answer.text, answer.outcome, answer.confidence = text, Outcome.ANSWERED, Confidence.SURE
    answer.decision = {"action": Action.ANSWERED, "rule": RULE, "notes": ["corrected by a colleague"]}
    answer.correction_id = correction_id
    _shown_anew(session, answer, [answers.source_row(source) for source in sources])


def restore(session: Session, answer_id: str) -> bool:
    """Make the answer what it was before it was corrected; False when it never was."""
    replaced = session.get(ReplacedAnswerRow, answer_id)
    if replaced is None:
        return False
    answer = _answer(session, answer_id)
    answer.text, answer.outcome, answer.confidence = replaced.text, replaced.outcome, replaced.confidence
    answer.decision, answer.correction_id = replaced.decision, None
    session.delete(replaced)
    _shown_anew(session, answer, [AnswerSourceRow(**_from_json(row)) for row in replaced.sources])
    return True


def lose_mark(session: Session, answer_id: str) -> list[str]:
    """Questions of others that were given a correction of this answer which people do not stand by any more: what is
    shown for them loses its mark."""
    rows = session.scalars(
        select(AnswerRow)
        .join(CorrectionRow, CorrectionRow.id == AnswerRow.correction_id)
        .where(CorrectionRow.answer_id == answer_id, CorrectionRow.withdrawn_because.in_(_TAKEN_BACK))
        .where(AnswerRow.id != answer_id, AnswerRow.retracted_at.is_(None))
        .where(AnswerRow.finished_at > now() - SHOWN_SINCE)
        .order_by(AnswerRow.finished_at.desc())
        .limit(MOST_SHOWN)
    ).all()
    for answer in rows:
        answer.correction_id, answer.revision = None, answer.revision + 1
        deliveries.redo(session, answer.question_id)
    return [answer.question_id for answer in rows]


def can_be_told(session: Session, question_id: str) -> bool:
    """Whether its asker was reached where they asked; a page shows by itself what has changed."""
    row = session.get(DeliveryRow, question_id)
    return row is not None and row.channel != "web" and row.failure is None and row.delivered_at is not None


def judged_sources(session: Session, answer: AnswerRow) -> tuple[AnswerSourceRow, ...]:
    """Those that people judge it by, also when it has been corrected since."""
    replaced = session.get(ReplacedAnswerRow, answer.id)
    if replaced is None:
        return tuple(answer.sources)
    return tuple(AnswerSourceRow(**_from_json(row)) for row in replaced.sources)


def _answer(session: Session, answer_id: str) -> AnswerRow:
    return session.scalars(
        select(AnswerRow)
        .where(AnswerRow.id == answer_id)
        .options(selectinload(AnswerRow.sources), selectinload(AnswerRow.question))
    ).one()


def _shown_anew(session: Session, answer: AnswerRow, sources: list[AnswerSourceRow]) -> None:
    answer.sources = []
    session.flush()
    answer.sources, answer.stage, answer.revision = sources, Stage.DONE, answer.revision + 1
    session.flush()
    deliveries.redo(session, answer.question_id)


def _replaced(answer: AnswerRow) -> ReplacedAnswerRow:
    return ReplacedAnswerRow(
        answer_id=answer.id,
        text=answer.text,
        outcome=answer.outcome,
        confidence=answer.confidence,
        decision=answer.decision,
        sources=[_as_json(row) for row in answer.sources],
    )


def _as_json(row: AnswerSourceRow) -> dict[str, Any]:
    names = (column.key for column in AnswerSourceRow.__table__.columns)
    values = {name: getattr(row, name) for name in names if name != "answer_id"}
    return {**values, "modified_at": row.modified_at.isoformat() if row.modified_at else None}


def _from_json(values: Mapping[str, Any]) -> dict[str, Any]:
    modified = values["modified_at"]
    return {**values, "modified_at": datetime.fromisoformat(modified) if modified else None}
