"""Which answers are looked at by people: what is known of those that wait for the draw, and what was drawn before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from answerloop.auditing import AuditState, Flag, Priority, Verdict
from answerloop.db.audit_tables import AuditRow, CorrectionRow, QuestionVectorRow, SampleRow
from answerloop.db.tables import (
    AnswerRow,
    AnswerSourceRow,
    DocumentRow,
    EscalationRow,
    FeedbackRow,
    QuestionRow,
)
from answerloop.domain import QuestionState, Thumb
from answerloop.estimates import LookedAt

UNSAFE = "unsafe"
"""How the rules of decisions begin that are unsafe."""
GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer that waits for the draw. `documents` are those of all its sources; `vector` is of its masked question:
    float32, a unit row, by `embedder`."""

    answer_id: str
    tenant: str
    channel: str
    topic: str
    confidence: str
    adapter: str
    scores: Mapping[str, Any]
    flags: tuple[Flag, ...]
    documents: frozenset[str]
    masked: bool
    embedder: str = ""
    vector: bytes | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """What was decided of an answer, and from what (see `SampleRow`)."""

    answer_id: str
    probability: float
    draw: float
    chosen: bool
    priority: Priority
    topic: str
    stratum: str
    wanted: float
    flags: tuple[Flag, ...]
    uncertainty: float
    novelty: float
    created_at: datetime


def finished(session: Session, since: datetime, waited_until: datetime, limit: int) -> list[Finished]:
    """Answers since then that have no sample, the earliest first. Until `waited_until` one had time to be masked and to
    get its vector; later ones are given when they have both."""
    rows = session.execute(
        select(AnswerRow, QuestionRow, QuestionVectorRow)
        .join(QuestionRow, AnswerRow.question_id == QuestionRow.id)
        .outerjoin(QuestionVectorRow, QuestionVectorRow.question_id == QuestionRow.id)
        .outerjoin(SampleRow, SampleRow.answer_id == AnswerRow.id)
        .where(SampleRow.answer_id.is_(None), AnswerRow.finished_at >= since, AnswerRow.retracted_at.is_(None))
        .where(QuestionRow.state == QuestionState.ANSWERED)
        .where(
            or_(
                AnswerRow.finished_at < waited_until,
                and_(AnswerRow.masked_text.is_not(None), QuestionVectorRow.question_id.is_not(None)),
            )
        )
        .order_by(AnswerRow.finished_at, AnswerRow.id)
        .limit(limit)
    ).all()
    ids = [answer.id for answer, _, _ in rows]
    flags, topics, documents = flags_of(session, ids), _topics(session, ids), _documents(session, ids)
    return [
        Finished(
            answer_id=answer.id,
            tenant=question.tenant,
            channel=question.channel,
            topic=topics.get(answer.id, GENERAL),
            confidence=answer.confidence or "",
            adapter=answer.adapter,
            scores=answer.scores,
            flags=flags.get(answer.id, ()),
            documents=documents.get(answer.id, frozenset()),
            masked=answer.masked_text is not None and answer.masked_question is not None,
            embedder=vector.embedder if vector else "",
            vector=vector.vector if vector else None,
        )
        for answer, question, vector in rows
    ]


def flags_of(session: Session, answer_ids: Collection[str]) -> dict[str, tuple[Flag, ...]]:
    """Why these answers must be looked at; one without a reason is absent."""
    found: defaultdict[str, set[Flag]] = defaultdict(set)
    rows = session.execute(
        select(AnswerRow.id, AnswerRow.decision, EscalationRow.question_id)
        .outerjoin(EscalationRow, EscalationRow.question_id == AnswerRow.question_id)
        .where(AnswerRow.id.in_(answer_ids))
    )
    for answer_id, decision, escalated in rows:
        if str(decision.get("rule", "")).startswith(UNSAFE):
            found[answer_id].add(Flag.UNSAFE)
        if escalated is not None:
            found[answer_id].add(Flag.HUMAN)
    said = session.execute(
        select(FeedbackRow.answer_id, FeedbackRow.thumb, FeedbackRow.correction.is_not(None)).where(
            FeedbackRow.answer_id.in_(answer_ids)
        )
    )
    for answer_id, thumb, suggested in said:
        found[answer_id] |= {Flag.THUMB_DOWN} if thumb == Thumb.DOWN else set()
        found[answer_id] |= {Flag.SUGGESTION} if suggested else set()
    return {answer_id: tuple(flag for flag in Flag if flag in flags) for answer_id, flags in found.items() if flags}


def flagged_since(session: Session, since: datetime) -> dict[str, tuple[Flag, ...]]:
    """Answers that were drawn, and flagged since then: all their flags now. Not those whose text was corrected before:
    what people say of it then is of another text."""
    spoken = select(FeedbackRow.answer_id).where(
        FeedbackRow.updated_at >= since, or_(FeedbackRow.thumb == Thumb.DOWN, FeedbackRow.correction.is_not(None))
    )
    asked = (
        select(AnswerRow.id)
        .join(EscalationRow, EscalationRow.question_id == AnswerRow.question_id)
        .where(EscalationRow.asked_at >= since)
    )
    corrected = exists().where(CorrectionRow.id == AnswerRow.correction_id, CorrectionRow.answer_id == AnswerRow.id)
    drawn = session.execute(
        select(SampleRow.answer_id, SampleRow.flags)
        .join(AnswerRow, AnswerRow.id == SampleRow.answer_id)
        .where(or_(SampleRow.answer_id.in_(spoken), SampleRow.answer_id.in_(asked)))
        .where(AnswerRow.retracted_at.is_(None), ~corrected)
    )
    known = {answer_id: flags for answer_id, flags in drawn}  # noqa: C416 - rows are no pairs to the type checker
    now_flagged = flags_of(session, known.keys())
    together = {
        answer_id: tuple(flag for flag in Flag if flag in known[answer_id] or flag in flags)
        for answer_id, flags in now_flagged.items()
    }
    return {answer_id: flags for answer_id, flags in together.items() if list(flags) != known[answer_id]}


def write(session: Session, drawn: Sequence[Sample]) -> None:
    """Each answer has one; a second one fails on its key."""
    session.add_all(SampleRow(**{**asdict(sample), "flags": list(sample.flags)}) for sample in drawn)
    session.flush()


def flag(session: Session, answer_id: str, flags: Sequence[Flag], priority: Priority) -> None:
    """Whatever was drawn: it is looked at."""
    row = session.get_one(SampleRow, answer_id)
    row.flags, row.priority = list(flags), priority
    row.probability, row.wanted, row.chosen = 1.0, 1.0, True


def looked_at(session: Session, tenant: str, since: datetime, until: datetime) -> tuple[list[LookedAt], dict[str, int]]:
    """Of the answers that were finished in that time: the chosen ones, judged or not, and how many there are of each
    priority. What `share_correct` estimates from. Those that were taken back, or that nobody is to judge any more, are
    no part of what is estimated."""
    rows = session.execute(
        select(SampleRow.chosen, SampleRow.probability, SampleRow.priority, AuditRow.verdict)
        .join(AnswerRow, AnswerRow.id == SampleRow.answer_id)
        .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
        .outerjoin(AuditRow, AuditRow.answer_id == SampleRow.answer_id)
        .where(QuestionRow.tenant == tenant, AnswerRow.finished_at >= since, AnswerRow.finished_at < until)
        .where(AnswerRow.retracted_at.is_(None), QuestionRow.state == QuestionState.ANSWERED)
        .where(or_(AuditRow.state.is_(None), AuditRow.state != AuditState.CLOSED))
    ).all()
    chosen = [
        LookedAt(probability, priority, None if verdict is None else float(verdict == Verdict.CORRECT))
        for is_chosen, probability, priority, verdict in rows
        if is_chosen
    ]
    return chosen, dict(Counter(priority for _, _, priority, _ in rows))


def _topics(session: Session, answer_ids: Collection[str]) -> dict[str, str]:
    """The first folder of the best source: of the cited ones the first, else of the near ones."""
    rows = session.execute(
        select(AnswerSourceRow.answer_id, DocumentRow.key)
        .join(DocumentRow, DocumentRow.id == AnswerSourceRow.document_id)
        .where(AnswerSourceRow.answer_id.in_(answer_ids))
        .order_by(AnswerSourceRow.cited.desc(), AnswerSourceRow.number)
    )
    topics: dict[str, str] = {}
    for answer_id, key in rows:
        folder, slash, _ = key.partition("/")
        topics.setdefault(answer_id, folder[:80] if slash and folder else GENERAL)
    return topics


def _documents(session: Session, answer_ids: Collection[str]) -> dict[str, frozenset[str]]:
    rows = session.execute(
        select(AnswerSourceRow.answer_id, AnswerSourceRow.document_id).where(AnswerSourceRow.answer_id.in_(answer_ids))
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    for answer_id, document_id in rows:
        found[answer_id].add(document_id)
    return {answer_id: frozenset(documents) for answer_id, documents in found.items()}
