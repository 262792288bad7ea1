"""Audits on their way to the review queue and back. A task belongs to one audit, an audit has at most one task."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, or_, select
from sqlalchemy.orm import Session, selectinload

from answerloop.auditing import AuditState, Flag, Priority
from answerloop.db.audit_tables import AuditRow, SampleRow
from answerloop.db.repositories import corrected, corrections, documents, feedback, judgements
from answerloop.db.tables import AnswerRow, AnswerSourceRow, DocumentRow, FeedbackRow, QuestionRow, now
from answerloop.domain import EVERYONE, PUBLIC, Audience, Outcome, QuestionState, Thumb

ATTEMPTS = 3
"""So often the review queue may refuse a task before the answer is judged on our own page."""
ONE_OF_MANY = "(one of many that say nearly the same: be careful)"
URGENCY = {priority.value: place for place, priority in enumerate(Priority)}


@dataclass(frozen=True, slots=True)
class Said:
    """What one person said of an answer, unmasked. One of a `burst` of nearly the same is not to be trusted unread."""

    thumb: str | None
    reason: str | None
    comment: str
    correction: str
    source: str
    burst: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """An audit without a task. `question`, `text` and `better` are unmasked; what may be shown is beside them.
    `proposed` is a better answer that is a correction already, and masked; `better` is the latest that somebody has
    written, other than in a burst."""

    audit_id: str
    answer_id: str
    priority: Priority
    question: str
    text: str
    masked_question: str | None
    masked_text: str | None
    abstained: bool
    sources: tuple[AnswerSourceRow, ...]
    channel: str
    model: str
    adapter: str
    confidence: str
    answered_at: datetime
    flags: tuple[Flag, ...]
    said: tuple[Said, ...]
    proposed: str
    better: str
    withdrawn: bool
    readable: bool


# --- out -------------------------------------------------------------------------------------------------------------


def waiting(session: Session, limit: int, group: str, but_not: Collection[str] = ()) -> list[Waiting]:
    """The most urgent first. `readable` says whether the reviewers' group may read every source at this moment."""
    urgency = case(URGENCY, value=AuditRow.priority, else_=len(URGENCY))
    rows = session.execute(
        select(AuditRow, AnswerRow, QuestionRow)
        .join(AnswerRow, AnswerRow.id == AuditRow.answer_id)
        .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
        .where(_wants_task(), AuditRow.in_house.is_(False), AuditRow.id.not_in(but_not))
        .order_by(urgency, AuditRow.created_at, AuditRow.id)
        .limit(limit)
        .options(selectinload(AnswerRow.sources))
    ).all()
    return [_waiting(session, audit, answer, question, group) for audit, answer, question in rows]


def anything_waits(session: Session) -> bool:
    wanted = select(AuditRow.id).where(_wants_task(), AuditRow.in_house.is_(False))
    return session.scalar(wanted.limit(1)) is not None


def _wants_task() -> ColumnElement[bool]:
    """What reviewers disagreed on stays in conflict, also while its lost task is made anew."""
    return or_(
        AuditRow.state == AuditState.WAITING, and_(AuditRow.state == AuditState.CONFLICT, AuditRow.task.is_(None))
    )


def _waiting(session: Session, audit: AuditRow, answer: AnswerRow, question: QuestionRow, group: str) -> Waiting:
    sample = session.get(SampleRow, answer.id)
    return Waiting(
        audit_id=audit.id,
        answer_id=answer.id,
        priority=Priority(audit.priority),
        question=question.text,
        text=answer.text,
        masked_question=answer.masked_question,
        masked_text=answer.masked_text,
        abstained=answer.outcome == Outcome.ABSTAINED,
        sources=corrected.judged_sources(session, answer),
        channel=question.channel,
        model=answer.model,
        adapter=answer.adapter,
        confidence=answer.confidence or "",
        answered_at=answer.finished_at or answer.created_at,
        flags=tuple(Flag(flag) for flag in (sample.flags if sample else ())),
        said=_said(session, answer.id),
        proposed=corrections.suggestion_for(session, answer.id),
        better=next((each.text for each in feedback.suggestions(session, answer.id) if each.burst is None), ""),
        withdrawn=_is_withdrawn(answer, question),
        readable=_readable(session, answer, question, group),
    )


def _said(session: Session, answer_id: str) -> tuple[Said, ...]:
    rows = session.scalars(
        select(FeedbackRow).where(FeedbackRow.answer_id == answer_id).order_by(FeedbackRow.updated_at, FeedbackRow.id)
    )
    return tuple(
        Said(row.thumb, row.reason, row.comment or "", row.correction or "", row.source or "", row.burst is not None)
        for row in rows
    )


def _is_withdrawn(answer: AnswerRow, question: QuestionRow) -> bool:
    return answer.retracted_at is not None or question.state == QuestionState.CANCELLED


def _readable(session: Session, answer: AnswerRow, question: QuestionRow, group: str) -> bool:
    wanted = {source.document_id for source in corrected.judged_sources(session, answer)}
    audience = Audience.of_person(question.tenant, {EVERYONE, PUBLIC, group})
    return wanted <= documents.still_readable(session, audience, wanted).keys()


def pushed(session: Session, project: str, tasks: Mapping[str, str]) -> list[str]:
    """These stand in the review queue now. Returns the tasks of audits that want none any more."""
    _forget_other_claims(session, project, tasks)
    unwanted = []
    for audit_id, task in tasks.items():
        row = session.get(AuditRow, audit_id, with_for_update=True)
        if row is None or row.in_house or row.state not in (AuditState.WAITING, AuditState.CONFLICT):
            unwanted.append(task)
            continue
        row.project, row.task, row.pushed_at, row.failure = project, task, now(), ""
        if row.state == AuditState.WAITING:
            row.state = AuditState.OUT
    return unwanted


def _forget_other_claims(session: Session, project: str, tasks: Mapping[str, str]) -> None:
    """A restored queue gives the same number to another task."""
    rows = session.scalars(
        select(AuditRow.id).where(
            AuditRow.project == project, AuditRow.task.in_(tasks.values()), AuditRow.id.not_in(tasks.keys())
        )
    ).all()
    recall(session, rows)


def keep_in_house(session: Session, audit_id: str, why: str) -> None:
    """It is judged on our own page alone."""
    row = session.get(AuditRow, audit_id, with_for_update=True)
    if row is not None:
        row.in_house, row.failure, row.project, row.task = True, why, None, None
        if row.state == AuditState.OUT:
            row.state = AuditState.WAITING
        judgements.lose(session, audit_id)


def close(session: Session, audit_id: str) -> None:
    row = session.get(AuditRow, audit_id, with_for_update=True)
    if row is not None:
        row.state = AuditState.CLOSED


def refused(session: Session, audit_id: str, why: str) -> bool:
    """Whether it was given up, and is judged on our own page from now on."""
    row = session.get_one(AuditRow, audit_id, with_for_update=True)
    row.attempts, row.failure = row.attempts + 1, why
    if row.attempts >= ATTEMPTS:
        row.in_house = True
    return row.in_house


# --- back ------------------------------------------------------------------------------------------------------------


def recall(session: Session, audit_ids: Iterable[str]) -> int:
    """Their tasks are gone. What is not judged yet waits to be pushed again; what was said stands."""
    again = 0
    for audit_id in audit_ids:
        row = session.get(AuditRow, audit_id, with_for_update=True)
        if row is None:
            continue
        row.project, row.task = None, None
        if row.state == AuditState.OUT:
            row.state = AuditState.WAITING
        again += row.state in (AuditState.WAITING, AuditState.CONFLICT)
        judgements.lose(session, audit_id)
    return again


def elsewhere(session: Session, project: str) -> list[str]:
    """Audits with a task in another project than this one."""
    return list(session.scalars(select(AuditRow.id).where(AuditRow.project.is_not(None), AuditRow.project != project)))


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at everything has shown: what to do about it. `twins` and `unwanted` are tasks to be withdrawn."""

    gone: tuple[str, ...]
    unwanted: tuple[str, ...]
    closed_to_reviewers: tuple[str, ...]
    unknown: int


def compare(session: Session, project: str, seen: Mapping[str, Collection[str]], group: str) -> Found:
    """`seen`: audit id → its tasks in this project, the first one first. Takes over a task that we have lost sight of,
    and closes what was taken back by its asker."""
    _close_withdrawn(session, project)
    audits = {row.id: row for row in session.execute(select(*_STANDING)).all()}
    gone = tuple(row.id for row in audits.values() if row.project == project and row.id not in seen)
    unwanted: list[str] = []
    for audit_id in seen.keys() & audits.keys():
        row = audits[audit_id]
        taken_away = row.project is None and (row.in_house or row.state == AuditState.JUDGED)
        if row.state == AuditState.CLOSED or taken_away:
            unwanted += seen[audit_id]
        elif row.project == project and row.task not in seen[audit_id]:
            task = next(iter(seen[audit_id]))
            session.get_one(AuditRow, audit_id).task = task
            judgements.lose(session, audit_id, keep_task=task)
    session.flush()
    return Found(
        gone=gone,
        unwanted=tuple(unwanted),
        closed_to_reviewers=_closed_to(session, project, group),
        unknown=len(seen.keys() - audits.keys()),
    )


def claimed(session: Session, project: str, tasks: Collection[str]) -> set[str]:
    """Those that belong to an audit right now."""
    rows = session.scalars(select(AuditRow.task).where(AuditRow.project == project, AuditRow.task.in_(tasks)))
    return {str(task) for task in rows}


_STANDING = (AuditRow.id, AuditRow.state, AuditRow.in_house, AuditRow.project, AuditRow.task)


def _close_withdrawn(session: Session, project: str) -> None:
    rows = session.scalars(
        select(AuditRow)
        .join(AnswerRow, AnswerRow.id == AuditRow.answer_id)
        .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
        .where(AuditRow.project == project, AuditRow.state.in_((AuditState.OUT, AuditState.CONFLICT)))
        .where(or_(AnswerRow.retracted_at.is_not(None), QuestionRow.state == QuestionState.CANCELLED))
    )
    for row in rows:
        row.state = AuditState.CLOSED
    session.flush()


def _closed_to(session: Session, project: str, group: str) -> tuple[str, ...]:
    """Audits that stand in the queue, judged or not, though the group may no longer read one of their sources."""
    found: list[str] = []
    there = (
        select(AuditRow.id)
        .join(AnswerRow, AnswerRow.id == AuditRow.answer_id)
        .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
        .where(AuditRow.project == project)
    )
    for tenant in session.scalars(there.with_only_columns(QuestionRow.tenant).distinct()).all():
        sets = documents.readable_sets(session, Audience.of_person(tenant, {EVERYONE, PUBLIC, group}))
        readable = select(DocumentRow.id).where(DocumentRow.tenant == tenant, DocumentRow.reader_set_id.in_(sets))
        closed = there.join(AnswerSourceRow, AnswerSourceRow.answer_id == AnswerRow.id).where(
            QuestionRow.tenant == tenant, AnswerSourceRow.document_id.not_in(readable)
        )
        found += session.scalars(closed.distinct())
    return tuple(found)


def describe(said: Said) -> str:
    """In one line what somebody said, unmasked; nothing for a bare thumb."""
    thumb = {Thumb.UP: "Thumb up", Thumb.DOWN: "Thumb down"}.get(Thumb(said.thumb)) if said.thumb else None
    reason = (said.reason or "").replace("_", " ")
    parts = [": ".join(part for part in (thumb, reason) if part)]
    parts += [f"“{said.comment}”"] if said.comment else []
    parts += [f"Better: {said.correction}"] if said.correction else []
    parts += [ONE_OF_MANY] if said.burst else []
    parts += [f"Source: {said.source}"] if said.source else []
    return " — ".join(part for part in parts if part)
