"""Corrections as the page lists them: for whoever may read every document that they stand on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from answerloop.auditing import CorrectionState
from answerloop.db.audit_tables import CorrectionRow, CuratedRow
from answerloop.db.repositories import documents
from answerloop.db.repositories.judging import Human
from answerloop.db.tables import AnswerRow, DocumentRow, QuestionRow
from answerloop.domain import Audience

MOST = 300
SUGGESTED, ASKED, APPROVED = (
    "You wrote it: somebody else has to approve it.",
    "You asked the question: somebody else has to approve it.",
    "You have approved it already: a second person has to confirm it.",
)
WAITING = (CorrectionState.PROPOSED, CorrectionState.NEEDS_SECOND)


@dataclass(frozen=True, slots=True)
class Ground:
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Listed:
    """`why_not` says why I may not confirm it. `in_force`: it is given to others who ask the same."""

    id: str
    question: str
    original: str
    text: str
    documents: tuple[Ground, ...]
    missing_document: str
    state: CorrectionState
    reason: str
    topic: str
    suggested_by: str
    approved_by: str | None
    second_by: str | None
    updated_at: datetime
    in_force: bool
    served: int
    expires_at: datetime | None
    why_not: str


def listed(session: Session, audience: Audience, me: Human, states: Collection[CorrectionState]) -> list[Listed]:
    """Those that wait for somebody first, then the latest."""
    rows = session.execute(
        select(CorrectionRow, AnswerRow, QuestionRow, CuratedRow)
        .join(AnswerRow, AnswerRow.id == CorrectionRow.answer_id)
        .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
        .outerjoin(CuratedRow, CuratedRow.correction_id == CorrectionRow.id)
        .where(CorrectionRow.tenant == audience.tenant, CorrectionRow.state.in_(states))
        .order_by(CorrectionRow.updated_at.desc(), CorrectionRow.id)
        .limit(MOST)
        .options(selectinload(AnswerRow.sources))
    ).all()
    needed = {row.CorrectionRow.id: _needed(row.CorrectionRow, row.AnswerRow) for row in rows}
    everything = {each for wanted in needed.values() for each in wanted}
    readable = documents.still_readable(session, audience, everything).keys()
    titles = _titles(session, everything)
    return [
        _listed(row.CorrectionRow, row.AnswerRow, row.QuestionRow, row.CuratedRow, me, titles)
        for row in rows
        if needed[row.CorrectionRow.id] <= readable
    ]


def may_see(session: Session, correction_id: str, audience: Audience) -> bool:
    row = session.get(CorrectionRow, correction_id)
    if row is None or row.tenant != audience.tenant:
        return False
    wanted = _needed(row, session.get_one(AnswerRow, row.answer_id))
    return wanted <= documents.still_readable(session, audience, wanted).keys()


def _needed(correction: CorrectionRow, answer: AnswerRow) -> set[str]:
    return {*correction.documents, *(source.document_id for source in answer.sources)}


def _titles(session: Session, document_ids: Collection[str]) -> dict[str, str]:
    rows = session.execute(select(DocumentRow.id, DocumentRow.title).where(DocumentRow.id.in_(document_ids))).all()
    return {document_id: title for document_id, title in rows}  # noqa: C416 - rows are no pairs to mypy


def _listed(
    row: CorrectionRow,
    answer: AnswerRow,
    question: QuestionRow,
    curated: CuratedRow | None,
    me: Human,
    titles: dict[str, str],
) -> Listed:
    return Listed(
        id=row.id,
        question=row.question or answer.masked_question or question.text,
        original=answer.masked_text if answer.masked_text is not None else answer.text,
        text=row.text,
        documents=tuple(Ground(each, titles.get(each, "?")) for each in row.documents),
        missing_document=row.missing_document,
        state=CorrectionState(row.state),
        reason=row.reason,
        topic=row.topic,
        suggested_by=row.suggested_by,
        approved_by=row.approved_by,
        second_by=row.second_by,
        updated_at=row.updated_at,
        in_force=curated is not None and curated.withdrawn_at is None,
        served=curated.served if curated else 0,
        expires_at=curated.expires_at if curated else None,
        why_not=_why_not(row, question, me),
    )


def _why_not(row: CorrectionRow, question: QuestionRow, me: Human) -> str:
    if me.is_one_of(question.asker):
        return ASKED
    if row.state == CorrectionState.NEEDS_SECOND and me.is_one_of(row.approved_by):
        return APPROVED
    return SUGGESTED if me.is_one_of(row.suggested_by) else ""
