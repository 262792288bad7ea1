"""Questions that the documents did not answer well, and the reports about them. Only masked text is read here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from answerloop.db.audit_tables import AuditRow, CorrectionRow, GapReportRow, QuestionVectorRow, VerdictRow
from answerloop.db.repositories import documents
from answerloop.db.tables import AnswerRow, AnswerSourceRow, FeedbackRow, QuestionRow
from answerloop.domain import EVERYONE, PUBLIC, Action, Audience, Confidence, Outcome, QuestionState, Thumb

MOST = 2000
"""Clustering looks at every pair of them."""


class Lack(StrEnum):
    """Why a question is one that a document should answer."""

    MISSING = "missing"  # a reviewer has named the document that should exist
    UNANSWERED = "unanswered"
    THUMB_DOWN = "thumb_down"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Lacking:
    """`missing_documents` are named by reviewers; `nearest` is the title of the best source, where all may read it."""

    question_id: str
    asker: str
    question: str
    lack: Lack
    missing_documents: tuple[str, ...]
    nearest: str
    embedder: str
    vector: bytes | None


def lacking(session: Session, tenant: str, since: datetime, until: datetime) -> list[Lacking]:
    """The latest first. Not what was meant for a person from the start, nor what is corrected by now."""
    disliked = exists().where(FeedbackRow.answer_id == AnswerRow.id, FeedbackRow.thumb == Thumb.DOWN)
    rows = session.execute(
        select(QuestionRow, AnswerRow, QuestionVectorRow, disliked)
        .join(AnswerRow, AnswerRow.question_id == QuestionRow.id)
        .outerjoin(QuestionVectorRow, QuestionVectorRow.question_id == QuestionRow.id)
        .where(QuestionRow.tenant == tenant, QuestionRow.created_at >= since, QuestionRow.created_at < until)
        .where(QuestionRow.state == QuestionState.ANSWERED, AnswerRow.retracted_at.is_(None))
        .where(AnswerRow.masked_question.is_not(None), AnswerRow.correction_id.is_(None))
        .where(AnswerRow.decision["action"].as_string() != Action.REFUSED)
        .order_by(QuestionRow.created_at.desc(), QuestionRow.id)
        .limit(MOST * 10)
    ).all()
    missing = _missing(session, [answer.id for _, answer, _, _ in rows])
    wanted = [
        (question, answer, vector, lack)
        for question, answer, vector, thumb_down in rows
        if (lack := _lack(answer, bool(thumb_down), answer.id in missing)) is not None
    ][:MOST]
    nearest = _nearest(session, tenant, [answer.id for _, answer, _, _ in wanted])
    return [
        Lacking(
            question_id=question.id,
            asker=question.asker,
            question=answer.masked_question or "",
            lack=lack,
            missing_documents=missing.get(answer.id, ()),
            nearest=nearest.get(answer.id, ""),
            embedder=vector.embedder if vector else "",
            vector=vector.vector if vector else None,
        )
        for question, answer, vector, lack in wanted
    ]


def _lack(answer: AnswerRow, thumb_down: bool, missing: bool) -> Lack | None:
    if missing:
        return Lack.MISSING
    if answer.outcome == Outcome.ABSTAINED:
        return Lack.UNANSWERED
    if answer.outcome != Outcome.ANSWERED:
        return None
    if thumb_down:
        return Lack.THUMB_DOWN
    return Lack.UNCERTAIN if answer.confidence == Confidence.UNCERTAIN else None


def _missing(session: Session, answer_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    named = select(AuditRow.answer_id, VerdictRow.missing_document).join(VerdictRow, VerdictRow.audit_id == AuditRow.id)
    corrected = select(CorrectionRow.answer_id, CorrectionRow.missing_document)
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for statement in (
        named.where(AuditRow.answer_id.in_(answer_ids), VerdictRow.withdrawn_at.is_(None)),
        corrected.where(CorrectionRow.answer_id.in_(answer_ids)),
    ):
        for answer_id, name in session.execute(statement):
            if name.strip():
                found[answer_id][" ".join(name.split())] = None
    return {answer_id: tuple(names) for answer_id, names in found.items()}


def _nearest(session: Session, tenant: str, answer_ids: Collection[str]) -> dict[str, str]:
    """Titles are told to a whole room, so only those of documents that everybody may read."""
    rows = session.execute(
        select(AnswerSourceRow.answer_id, AnswerSourceRow.document_id, AnswerSourceRow.title)
        .where(AnswerSourceRow.answer_id.in_(answer_ids))
        .order_by(AnswerSourceRow.answer_id, AnswerSourceRow.number)
    ).all()
    everybody = Audience.of_person(tenant, {EVERYONE, PUBLIC})
    readable = documents.still_readable(session, everybody, {document_id for _, document_id, _ in rows})
    titles: dict[str, str] = {}
    for answer_id, document_id, title in rows:
        if document_id in readable:
            titles.setdefault(answer_id, title)
    return titles


# --- reports ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    id: str
    since: datetime
    until: datetime
    themes: list[Any]


def report(session: Session, tenant: str, since: datetime, until: datetime) -> Report | None:
    row = session.scalar(
        select(GapReportRow).where(
            GapReportRow.tenant == tenant, GapReportRow.since == since, GapReportRow.until == until
        )
    )
    return _report(row) if row else None


def write(session: Session, tenant: str, since: datetime, until: datetime, themes: list[dict[str, Any]]) -> Report:
    """One for each week."""
    found = report(session, tenant, since, until)
    if found is not None:
        return found
    row = GapReportRow(tenant=tenant, since=since, until=until, themes=themes)
    session.add(row)
    session.flush()
    return _report(row)


def reports(session: Session, tenant: str, limit: int = 12) -> list[Report]:
    """The latest first."""
    rows = session.scalars(
        select(GapReportRow).where(GapReportRow.tenant == tenant).order_by(GapReportRow.until.desc()).limit(limit)
    )
    return [_report(row) for row in rows]


def _report(row: GapReportRow) -> Report:
    return Report(row.id, row.since, row.until, row.themes)
