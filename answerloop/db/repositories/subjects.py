"""Everybody and every document that rows tell of: what an erasure may be about."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from answerloop.db.audit_tables import AlarmRow, CorrectionRow, ObjectiveRow, ReceiptRow, ReviewerRow, VerdictRow
from answerloop.db.tables import (
    AnswerSourceRow,
    ConversationRow,
    DocumentRow,
    EscalationRow,
    FeedbackRow,
    InstallationRow,
    NoticeRow,
    QuestionRow,
    RoomRow,
)
from answerloop.db.training_tables import DatasetSourceRow

PEOPLE = (
    QuestionRow.asker, ConversationRow.owner, FeedbackRow.person, ReviewerRow.id, VerdictRow.reviewer,
    CorrectionRow.suggested_by, CorrectionRow.approved_by, CorrectionRow.second_by,
    EscalationRow.asked_by, EscalationRow.resolved_by, RoomRow.updated_by, InstallationRow.installed_by,
    ObjectiveRow.set_by, ReceiptRow.asked_by, AlarmRow.cleared_by,
)  # fmt: skip
LISTS_OF_PEOPLE = (ReviewerRow.people, NoticeRow.people)
DOCUMENTS = (DocumentRow.id, AnswerSourceRow.document_id)


def people(session: Session) -> Iterator[str]:
    for column in PEOPLE:
        yield from filter(None, session.scalars(select(column).distinct()))
    for several in LISTS_OF_PEOPLE:
        for names in session.scalars(select(several)):
            yield from map(str, names)
    yield from session.scalars(select(DatasetSourceRow.ref).where(DatasetSourceRow.kind == "person"))


def documents(session: Session) -> Iterator[str]:
    for column in DOCUMENTS:
        yield from session.scalars(select(column).distinct())
    for several in session.scalars(select(CorrectionRow.documents)):
        yield from map(str, several)
    yield from session.scalars(select(DatasetSourceRow.ref).where(DatasetSourceRow.kind == "document"))
