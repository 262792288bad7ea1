"""Answers: written step by step by the worker that holds the claim, read by whoever shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from answerloop.auditing import CorrectionState
from answerloop.db.audit_tables import CorrectionRow
from answerloop.db.repositories import curated, feedback, posts, questions
from answerloop.db.tables import (
    AnswerRow,
    AnswerSourceRow,
    ConversationRow,
    DeliveryRow,
    QuestionRow,
    now,
)
from answerloop.domain import (
    AnswerDraft,
    CitedSource,
    Confidence,
    Opinion,
    Outcome,
    Passage,
    QuestionState,
    Stage,
)


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One answer as it may be shown right now."""

    question_id: str
    answer_id: str
    conversation_id: str
    channel: str
    tenant: str
    asker: str
    question: str
    asked_at: datetime
    stage: Stage
    revision: int
    text: str
    outcome: Outcome | None
    confidence: Confidence | None
    reason: str
    decision: dict[str, Any]
    sources: tuple[CitedSource, ...]
    model: str
    adapter: str
    index_version: str
    timings_ms: dict[str, Any]
    room: str | None = None
    hint: str = ""
    retracted: bool = False
    thumb: str | None = None
    opinion: Opinion | None = None
    """The asker's own."""
    verified: bool = False
    """It is a correction that stands approved."""


class LeaseLost(Exception):
    """Another worker has taken the question over; this one must stop writing."""


def progress(
    session: Session,
    claim: questions.Claim,
    lease: timedelta,
    *,
    stage: Stage,
    text: str = "",
    sources: Sequence[CitedSource] | None = None,
) -> None:
    """Show a step. Only text that has passed the guard may be given. Raises LeaseLost."""
    answer = _answer_of(session, claim, lease)
    answer.stage, answer.text, answer.revision = stage, text, answer.revision + 1
    if sources is not None:
        answer.sources = [source_row(source) for source in sources]


def finish(session: Session, claim: questions.Claim, lease: timedelta, draft: AnswerDraft) -> None:
    """Write the final answer and close its question. Raises LeaseLost; CuratedWithdrawn for an approved answer that is
    out of force by now."""
    answer = _answer_of(session, claim, lease)
    answer.stage, answer.revision = Stage.DONE, answer.revision + 1
    answer.text, answer.hint = draft.text, draft.hint
    answer.outcome, answer.confidence = draft.outcome, draft.confidence
    answer.reason, answer.model, answer.adapter = draft.reason, draft.model, draft.usage.adapter
    answer.index_version = draft.index_version
    answer.prompt_tokens, answer.completion_tokens = draft.usage.prompt_tokens, draft.usage.completion_tokens
    answer.cost = draft.usage.cost
    answer.timings_ms, answer.scores = draft.timings_ms, draft.scores
    answer.decision = asdict(draft.decision)
    answer.correction_id = draft.correction_id
    if draft.correction_id:
        curated.count_served(session, draft.correction_id)
    answer.sources = [source_row(source) for source in draft.sources]
    answer.finished_at = now()
    question = session.get_one(QuestionRow, claim.question_id)
    question.state, question.lease_until = QuestionState.ANSWERED, None
    session.get_one(DeliveryRow, claim.question_id).due_at = now() + posts.DONE_WITHIN


def store_masked(session: Session, question_id: str, question: str, text: str) -> None:
    """What of a finished answer and its question may leave the house."""
    answer = session.scalars(select(AnswerRow).where(AnswerRow.question_id == question_id)).one()
    answer.masked_question, answer.masked_text = question, text


def _answer_of(session: Session, claim: questions.Claim, lease: timedelta) -> AnswerRow:
    if not questions.renew(session, claim, lease):
        raise LeaseLost(claim.question_id)
    return session.scalars(
        select(AnswerRow).where(AnswerRow.question_id == claim.question_id).options(selectinload(AnswerRow.sources))
    ).one()


def source_row(source: CitedSource) -> AnswerSourceRow:
    passage = source.passage
    return AnswerSourceRow(
        number=source.number,
        cited=source.cited,
        document_id=passage.document_id,
        chunk_id=passage.chunk_id,
        title=passage.title,
        headings=list(passage.headings),
        text=passage.text,
        excerpt=passage.excerpt,
        start=passage.start,
        end=passage.end,
        url=passage.url,
        modified_at=passage.modified_at,
        score=passage.score,
        bm25=passage.bm25,
        cosine=passage.cosine,
    )


def retract(session: Session, answer_id: str) -> str | None:
    """Take an answer back; the id of its question, or None when it was not there to take."""
    answer = session.get(AnswerRow, answer_id)
    if answer is None or answer.retracted_at is not None:
        return None
    answer.retracted_at, answer.revision = now(), answer.revision + 1
    return answer.question_id


# --- reading ---------------------------------------------------------------------------------------------------------


def revisions(session: Session, question_ids: Sequence[str]) -> dict[str, int]:
    """The current revision of each answer: cheap enough to ask ten times a second."""
    rows = session.execute(
        select(AnswerRow.question_id, AnswerRow.revision).where(AnswerRow.question_id.in_(question_ids))
    ).all()
    return {row.question_id: row.revision for row in rows}


def view(session: Session, question_id: str) -> AnswerView | None:
    found = _views(session, select(QuestionRow).where(QuestionRow.id == question_id))
    return found[0] if found else None


def view_of_answer(session: Session, answer_id: str) -> AnswerView | None:
    found = _views(session, select(QuestionRow).join(AnswerRow).where(AnswerRow.id == answer_id))
    return found[0] if found else None


def of_conversation(session: Session, conversation_id: str, limit: int = 100) -> list[AnswerView]:
    """The last questions of a conversation, the oldest of them first."""
    statement = select(QuestionRow).where(QuestionRow.conversation_id == conversation_id)
    return _views(session, statement.order_by(QuestionRow.created_at.desc()).limit(limit))[::-1]


def _views(session: Session, statement: Any) -> list[AnswerView]:
    rows = session.scalars(statement.options(selectinload(QuestionRow.answer).selectinload(AnswerRow.sources))).all()
    answers = {row.id: row.answer for row in rows if row.answer is not None}
    given = feedback.of_answers(session, [answer.id for answer in answers.values()])
    corrections = {answer.correction_id for answer in answers.values() if answer.correction_id}
    approved = _approved(session, corrections) if corrections else frozenset()
    return [
        _view(row, answers[row.id], given.get((answers[row.id].id, row.asker)), approved)
        for row in rows
        if row.id in answers
    ]


def _approved(session: Session, corrections: set[str]) -> frozenset[str]:
    standing = select(CorrectionRow.id).where(CorrectionRow.state == CorrectionState.APPROVED)
    return frozenset(session.scalars(standing.where(CorrectionRow.id.in_(corrections))))


def _view(row: QuestionRow, answer: AnswerRow, opinion: Opinion | None, approved: frozenset[str]) -> AnswerView:
    return AnswerView(
        question_id=row.id,
        answer_id=answer.id,
        conversation_id=row.conversation_id,
        channel=row.channel,
        tenant=row.tenant,
        asker=row.asker,
        question=row.text,
        asked_at=row.created_at,
        stage=Stage(answer.stage),
        revision=answer.revision,
        text=answer.text,
        outcome=Outcome(answer.outcome) if answer.outcome else None,
        confidence=Confidence(answer.confidence) if answer.confidence else None,
        reason=answer.reason,
        decision=answer.decision,
        sources=tuple(_source(source) for source in answer.sources),
        model=answer.model,
        adapter=answer.adapter,
        index_version=answer.index_version,
        timings_ms=answer.timings_ms,
        room=row.room,
        hint=answer.hint,
        retracted=answer.retracted_at is not None or row.state == QuestionState.CANCELLED,
        thumb=opinion.thumb if opinion else None,
        opinion=opinion,
        verified=answer.correction_id in approved,
    )


def _source(row: AnswerSourceRow) -> CitedSource:
    passage = Passage(
        document_id=row.document_id,
        chunk_id=row.chunk_id,
        title=row.title,
        headings=tuple(row.headings),
        text=row.text,
        excerpt=row.excerpt,
        start=row.start,
        end=row.end,
        url=row.url,
        modified_at=row.modified_at,
        score=row.score,
        bm25=row.bm25,
        cosine=row.cosine,
    )
    return CitedSource(number=row.number, passage=passage, cited=row.cited)


@dataclass(frozen=True, slots=True)
class ConversationView:
    id: str
    key: str
    tenant: str
    owner: str
    title: str
    updated_at: datetime


def conversations_of(
    session: Session, channel: str, tenant: str, owner: str, limit: int = 50
) -> list[ConversationView]:
    """A person's own conversations, the latest first."""
    rows = session.scalars(
        select(ConversationRow)
        .where(ConversationRow.channel == channel, ConversationRow.tenant == tenant, ConversationRow.owner == owner)
        .order_by(ConversationRow.updated_at.desc())
        .limit(limit)
    )
    return [_conversation(row) for row in rows]


def conversation(session: Session, conversation_id: str) -> ConversationView | None:
    row = session.get(ConversationRow, conversation_id)
    return _conversation(row) if row else None


def _conversation(row: ConversationRow) -> ConversationView:
    return ConversationView(row.id, row.key, row.tenant, row.owner, row.title, row.updated_at)


def outcomes(session: Session) -> dict[str, int]:
    """How many answers, by outcome."""
    rows = session.execute(
        select(AnswerRow.outcome, func.count()).where(AnswerRow.outcome.is_not(None)).group_by(AnswerRow.outcome)
    ).all()
    return {str(outcome): count for outcome, count in rows}


def last_of(session: Session, channel: str, asker: str, limit: int) -> list[AnswerView]:
    """What a person asked last, the latest first; not what was taken back."""
    statement = (
        select(QuestionRow)
        .join(AnswerRow)
        .where(QuestionRow.channel == channel, QuestionRow.asker == asker)
        .where(QuestionRow.state != QuestionState.CANCELLED, AnswerRow.retracted_at.is_(None))
    )
    return _views(session, statement.order_by(QuestionRow.created_at.desc()).limit(limit))
