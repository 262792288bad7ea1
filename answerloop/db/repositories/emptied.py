"""Rows without their words: questions, answers, and what people made of them. What counts for statistics stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from answerloop.auditing import AuditState, CorrectionState
from answerloop.db.audit_tables import (
    AuditRow,
    CorrectionRow,
    CuratedRow,
    GapReportRow,
    QuestionVectorRow,
    ReplacedAnswerRow,
    VerdictRow,
)
from answerloop.db.tables import (
    AnswerRow,
    AnswerSourceRow,
    ConversationRow,
    DeliveryRow,
    EscalationRow,
    FeedbackRow,
    InboundKeyRow,
    NoticeRow,
    QuestionRow,
    now,
)
from answerloop.domain import NoticeKind, QuestionState

T = TypeVar("T")
ERASED = "erased"
AT_ONCE = 500
SHOWED_ERASED = "showed_erased"
"""In the decision of an answer that is left as it was but for a document beside it."""
OPEN = (AuditState.WAITING, AuditState.OUT, AuditState.CONFLICT)


@dataclass(slots=True)
class Erased:
    """What was found. `marks` are ids and names that lines of logs may carry; `questions` have messages in chats;
    `answers` lost words that adapters may have learned, and `datasets` are files that hold some."""

    counts: Counter[str] = field(default_factory=Counter)
    questions: set[str] = field(default_factory=set)
    tasks: set[tuple[str, str]] = field(default_factory=set)
    documents: set[tuple[str, str]] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)
    answers: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return any(self.counts.values())


def questions(session: Session, question_ids: Sequence[str], found: Erased, *, of_person: bool) -> None:
    """Without words and without an asker. Of a person's wish also what people made of them goes: messages, and
    corrections with the question in them; with age alone what was approved stays until it expires."""
    for chunk in chunks(question_ids):
        rows = session.execute(
            select(QuestionRow, AnswerRow)
            .join(AnswerRow, AnswerRow.question_id == QuestionRow.id)
            .where(QuestionRow.id.in_(chunk))
        ).all()
        answer_ids = [answer.id for _, answer in rows]
        texts = {text for question, answer in rows for text in (question.text, answer.masked_question) if text}
        _forget_in_reports(session, texts)
        about = CorrectionRow.answer_id.in_(answer_ids)
        unapproved = CorrectionRow.state.not_in((CorrectionState.APPROVED, CorrectionState.WITHDRAWN))
        wanted = select(CorrectionRow.id).where(about)
        corrections(session, list(session.scalars(wanted if of_person else wanted.where(unapproved))), found)
        empty_answers(session, [answer for _, answer in rows], "", found, retract=of_person)
        for question, answer in rows:
            question.conversation_id = _nowhere(session, question.channel, question.tenant)
            question.text, question.asker, question.room, question.sources = "", ERASED, None, []
            answer.masked_question = None
            if question.state in (QuestionState.PENDING, QuestionState.ANSWERING):
                question.state, question.worker, question.lease_until = QuestionState.CANCELLED, None, None
        session.execute(delete(InboundKeyRow).where(InboundKeyRow.question_id.in_(chunk)))
        session.execute(delete(QuestionVectorRow).where(QuestionVectorRow.question_id.in_(chunk)))
        session.execute(delete(EscalationRow).where(EscalationRow.question_id.in_(chunk)))
        about_them = NoticeRow.question_id.in_(chunk)
        if of_person:  # whoever takes messages away needs the rows of answers, and of calls for help that quote them
            session.execute(delete(NoticeRow).where(about_them, NoticeRow.kind != NoticeKind.ESCALATION))
            session.execute(update(NoticeRow).where(about_them).values(text="", people=[]))
        else:
            session.execute(delete(NoticeRow).where(about_them))
            session.execute(delete(DeliveryRow).where(DeliveryRow.question_id.in_(chunk)))
        found.counts["questions"] += len(rows)
        found.questions |= set(chunk)
        found.marks |= {*chunk, *answer_ids}
        session.flush()
        session.expire_all()


def empty_answers(session: Session, answers: Sequence[AnswerRow], text: str, found: Erased, *, retract: bool) -> None:
    """Their figures stay. Whoever judged them counts on; whoever has not need not any more."""
    ids = [answer.id for answer in answers]
    for answer in answers:
        answer.text, answer.hint, answer.reason, answer.masked_text, answer.decision = text, "", "", None, {}
        answer.revision += 1
        if retract:
            answer.retracted_at = answer.retracted_at or now()
    session.execute(delete(AnswerSourceRow).where(AnswerSourceRow.answer_id.in_(ids)))
    session.execute(delete(ReplacedAnswerRow).where(ReplacedAnswerRow.answer_id.in_(ids)))
    said = select(FeedbackRow.id).where(FeedbackRow.answer_id.in_(ids))
    delete_rows(session, FeedbackRow, list(session.scalars(said)), found)
    for audit in session.scalars(select(AuditRow).where(AuditRow.answer_id.in_(ids))):
        _close(session, audit, found)
    found.counts["answers"] += len(ids)
    found.answers |= set(ids)


def corrections(session: Session, correction_ids: Sequence[str], found: Erased) -> None:
    """With the curated answers that they became."""
    for chunk in chunks(correction_ids):
        found.answers |= set(session.scalars(select(CorrectionRow.answer_id).where(CorrectionRow.id.in_(chunk))))
        served = session.execute(delete(CuratedRow).where(CuratedRow.correction_id.in_(chunk)))
        found.counts["curated_answers"] += served.rowcount  # type: ignore[attr-defined]
        session.execute(update(AnswerRow).where(AnswerRow.correction_id.in_(chunk)).values(correction_id=None))
        delete_rows(session, CorrectionRow, chunk, found)


def _close(session: Session, audit: AuditRow, found: Erased) -> None:
    _take_task(audit, found)
    audit.failure = ""
    if audit.state in OPEN:
        audit.state = AuditState.CLOSED
    verdicts = session.scalars(select(VerdictRow).where(VerdictRow.audit_id == audit.id)).all()
    for verdict in verdicts:
        without_words(verdict)
    found.counts["verdicts_without_words"] += len(verdicts)
    found.marks.add(audit.id)


def show_anew(session: Session, answer_ids: Collection[str], found: Erased) -> None:
    """Reviewers have been shown something of it: the task goes, and whoever has not judged gets another."""
    for audit in session.scalars(select(AuditRow).where(AuditRow.answer_id.in_(answer_ids))):
        _take_task(audit, found)
        if audit.state == AuditState.OUT:
            audit.state = AuditState.WAITING


def _take_task(audit: AuditRow, found: Erased) -> None:
    if audit.project is not None and audit.task is not None:
        found.tasks.add((audit.project, audit.task))
    audit.project = audit.task = audit.pushed_at = None


def without_words(verdict: VerdictRow) -> None:
    verdict.correction, verdict.missing_document, verdict.documents = None, "", []


def _nowhere(session: Session, channel: str, tenant: str) -> str:
    """The conversation of what has none any more."""
    key = f"{ERASED}:{tenant}"
    row = session.scalar(select(ConversationRow).where(ConversationRow.channel == channel, ConversationRow.key == key))
    if row is None:
        row = ConversationRow(channel=channel, key=key, tenant=tenant, owner="", title="")
        session.add(row)
        session.flush()
    return row.id


def forget_empty_conversations(session: Session) -> None:
    asked = select(QuestionRow.id).where(QuestionRow.conversation_id == ConversationRow.id)
    session.execute(delete(ConversationRow).where(~asked.exists(), ConversationRow.key.not_like(f"{ERASED}:%")))


def _forget_in_reports(session: Session, texts: Collection[str]) -> None:
    for report in session.scalars(select(GapReportRow)):
        themes = _scrubbed(report.themes, texts)
        if themes != report.themes:
            report.themes = themes


def _scrubbed(value: Any, texts: Collection[str]) -> Any:
    if isinstance(value, str):
        return without(value, texts)
    if isinstance(value, list):
        return [_scrubbed(item, texts) for item in value]
    if isinstance(value, dict):
        return {key: _scrubbed(item, texts) for key, item in value.items()}
    return value


def without(text: str, parts: Collection[str]) -> str:
    for part in parts:
        text = text.replace(part, f"[{ERASED}]")
    return text


def delete_rows(session: Session, table: Any, keys: Sequence[str], found: Erased) -> None:
    [column] = table.__table__.primary_key.columns
    for chunk in chunks(keys):
        gone = session.execute(delete(table).where(column.in_(chunk)))
        found.counts[table.__tablename__] += gone.rowcount  # type: ignore[attr-defined]


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
