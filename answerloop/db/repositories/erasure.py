"""What is known of a person, of a document, or from long ago, taken out of every table.

Rows that count for statistics stay as skeletons: without words, without names, without a way back to who it was. What
stands in chats and review queues is taken away by jobs; until then the rows that lead there stay.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, undefer

from answerloop.auditing import CorrectionState
from answerloop.db.audit_tables import (
    AlarmRow,
    CorrectionRow,
    GapReportRow,
    ObjectiveRow,
    ReceiptRow,
    ReplacedAnswerRow,
    ReviewerRow,
    VerdictRow,
)
from answerloop.db.repositories import notices, taint
from answerloop.db.repositories.emptied import (
    ERASED,
    SHOWED_ERASED,
    Erased,
    chunks,
    corrections,
    delete_rows,
    empty_answers,
    forget_empty_conversations,
    questions,
    show_anew,
    without,
    without_words,
)
from answerloop.db.tables import (
    AnswerRow,
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
from answerloop.domain import NoticeKind

GONE = "This answer was erased together with the document it stood on."


# --- a person


def person(session: Session, person_id: str) -> Erased:
    """Everything they asked, said and were told, under each of their names; what others approved of theirs stays
    without the name."""
    found, names = Erased(), _names_of(session, person_id)
    asked = list(session.scalars(select(QuestionRow.id).where(QuestionRow.asker.in_(names))))
    questions(session, asked, found, of_person=True)
    _said(session, names, found)
    _written(session, names, found)
    _judged(session, names, found)
    for conversation in session.scalars(select(ConversationRow).where(ConversationRow.owner.in_(names))):
        conversation.owner, conversation.title = "", ""
    _told(session, names, found)
    for table, column in (
        (EscalationRow, EscalationRow.asked_by),
        (EscalationRow, EscalationRow.resolved_by),
        (RoomRow, RoomRow.updated_by),
        (InstallationRow, InstallationRow.installed_by),
        (ObjectiveRow, ObjectiveRow.set_by),
        (ReceiptRow, ReceiptRow.asked_by),
        (AlarmRow, AlarmRow.cleared_by),
    ):
        changed = session.execute(update(table).where(column.in_(names)).values({column: ERASED}))
        found.counts["names"] += changed.rowcount  # type: ignore[attr-defined]
    for alarm in session.scalars(select(AlarmRow)):
        alarm.text = without(alarm.text, names)
    forget_empty_conversations(session)
    taint.person(session, names, found)
    found.marks |= names
    return found


def _names_of(session: Session, person_id: str) -> frozenset[str]:
    """A reviewer is the same human as the people of the chats that are noted with them."""
    names = {person_id}
    for row in session.scalars(select(ReviewerRow)):
        if person_id == row.id or person_id in row.people:
            names |= {row.id, *map(str, row.people)}
    return frozenset(names)


def _said(session: Session, names: Collection[str], found: Erased) -> None:
    """What they thought of other people's answers. Tasks of reviewers may quote it, so those go out anew."""
    rows = session.scalars(select(FeedbackRow).where(FeedbackRow.person.in_(names))).all()
    for chunk in chunks([row.answer_id for row in rows]):
        show_anew(session, chunk, found)
    delete_rows(session, FeedbackRow, [row.id for row in rows], found)


def _written(session: Session, names: Collection[str], found: Erased) -> None:
    approved = (CorrectionState.APPROVED, CorrectionState.WITHDRAWN)
    theirs = session.scalars(select(CorrectionRow).where(CorrectionRow.suggested_by.in_(names))).all()
    stays = {row.id for row in theirs if row.state in approved and row.approved_by and row.approved_by not in names}
    corrections(session, [row.id for row in theirs if row.id not in stays], found)
    for column in (CorrectionRow.suggested_by, CorrectionRow.approved_by, CorrectionRow.second_by):
        session.execute(update(CorrectionRow).where(column.in_(names)).values({column: ERASED}))
    found.answers |= {row.answer_id for row in theirs}  # it is learned no more
    found.counts["corrections_kept_without_name"] += len(stays)


def _judged(session: Session, names: Collection[str], found: Erased) -> None:
    """Their verdicts count on, as those of nobody in particular."""
    verdicts = session.scalars(select(VerdictRow).where(VerdictRow.reviewer.in_(names))).all()
    for verdict in verdicts:
        without_words(verdict)
        verdict.reviewer = ERASED
        if any(name in verdict.external_id for name in names):
            verdict.external_id = f"{ERASED}:{verdict.id}"
    found.counts["verdicts_without_words"] += len(verdicts)
    reviewers = [row.id for row in session.scalars(select(ReviewerRow)) if row.id in names]
    delete_rows(session, ReviewerRow, reviewers, found)


def _told(session: Session, names: Collection[str], found: Erased) -> None:
    """What was told them alone goes, with what they wrote; a call for help goes on without them."""
    gone = []
    reminders = tuple(map(notices.reminders_of, names))
    for row in session.scalars(select(NoticeRow)):
        named = set(row.people) & set(names)
        theirs = row.key.startswith(reminders) or any(f":{name}:" in f"{row.key}:" for name in names)
        if theirs or (named and row.kind == NoticeKind.SUGGESTION):
            gone.append(row.id)
        elif named:
            row.people = [each for each in row.people if each not in named]
    delete_rows(session, NoticeRow, gone, found)


# --- a document


def document(session: Session, document_id: str) -> Erased:
    """What was said from it goes with it; a question stays its asker's. A job takes its chunks from the index."""
    found = Erased()
    row = session.get(DocumentRow, document_id, options=[undefer(DocumentRow.text)])
    stood = select(AnswerSourceRow.answer_id).where(AnswerSourceRow.document_id == document_id)
    cited = session.scalars(select(AnswerRow).where(AnswerRow.id.in_(stood.where(AnswerSourceRow.cited)))).all()
    near = [each for each in session.scalars(stood) if each not in {answer.id for answer in cited}]
    made = [each.id for each in session.scalars(select(CorrectionRow)) if document_id in each.documents]
    corrections(session, made, found)
    question_ids = {answer.question_id for answer in cited}
    empty_answers(session, cited, GONE, found, retract=True)
    for chunk in chunks(sorted(question_ids)):
        replies = NoticeRow.kind == NoticeKind.SUGGESTION
        session.execute(delete(NoticeRow).where(NoticeRow.question_id.in_(chunk), replies))
    for chunk in chunks(near):
        show_anew(session, chunk, found)
        for answer in session.scalars(select(AnswerRow).where(AnswerRow.id.in_(chunk))):
            answer.decision = {**answer.decision, SHOWED_ERASED: True}
    _replaced(session, document_id)
    removed = session.execute(delete(AnswerSourceRow).where(AnswerSourceRow.document_id == document_id))
    found.counts["sources"] += removed.rowcount  # type: ignore[attr-defined]
    if row is not None:
        found.documents.add((row.tenant, row.id))
        found.counts["documents"] += 1
        found.marks.add(row.key)
        session.delete(row)
    taint.document(session, document_id, found)
    found.questions |= question_ids
    found.marks.add(document_id)
    return found


def _replaced(session: Session, document_id: str) -> None:
    """What an answer was before it was corrected: its first text goes, and with it what it stood on."""
    for first in session.scalars(select(ReplacedAnswerRow)):
        if any(row["document_id"] == document_id for row in first.sources):
            first.text, first.decision, first.sources = GONE, {}, []


# --- what is old


def older_than(session: Session, before: datetime, limit: int) -> Erased:
    """The earliest first. Messages in chats are left to the platforms' own retention."""
    found = Erased()
    old = select(QuestionRow.id).where(QuestionRow.created_at < before, QuestionRow.asker != ERASED)
    questions(session, list(session.scalars(old.order_by(QuestionRow.created_at).limit(limit))), found, of_person=False)
    found.questions.clear()
    taint.of_old(session, found)
    notices = select(NoticeRow.id).where(NoticeRow.created_at < before, NoticeRow.question_id.is_(None)).limit(limit)
    delete_rows(session, NoticeRow, list(session.scalars(notices)), found)
    reports = select(GapReportRow.id).where(GapReportRow.created_at < before).limit(limit)
    delete_rows(session, GapReportRow, list(session.scalars(reports)), found)
    alarms = select(AlarmRow.key).where(AlarmRow.seen_at < before, AlarmRow.cleared_at.is_not(None)).limit(limit)
    delete_rows(session, AlarmRow, list(session.scalars(alarms)), found)
    for verdict in session.scalars(
        select(VerdictRow).where(VerdictRow.updated_at < before, VerdictRow.correction.is_not(None)).limit(limit)
    ):
        without_words(verdict)
        found.counts["verdicts_without_words"] += 1
    forget_empty_conversations(session)
    return found
