"""Adapters as rows: where they come from, what became of them, and how the conversations of a canary fared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from answerloop.auditing import Verdict
from answerloop.db.audit_tables import AuditRow, SampleRow
from answerloop.db.tables import AnswerRow, FeedbackRow, QuestionRow
from answerloop.db.training_tables import AdapterRow, TrainingRunRow
from answerloop.domain import QuestionState, Serving, Thumb
from answerloop.errors import NotFound

NOBODY = ("", "none", "curated")
"""Models of answers for which nobody was asked to speak."""
_BADNESS = {Verdict.CORRECT: 0.0, Verdict.PARTIAL: 0.5, Verdict.WRONG: 1.0, Verdict.UNSAFE: 1.0}


class AdapterState(StrEnum):
    CANDIDATE = "candidate"
    CANARY = "canary"
    LIVE = "live"
    REPLACED = "replaced"  # by the next one
    ROLLED_BACK = "rolled back"
    RETIRED = "retired"  # its files are gone, or go


SPEAKS = (AdapterState.CANARY, AdapterState.LIVE)
OVER = (AdapterState.REPLACED, AdapterState.ROLLED_BACK, AdapterState.RETIRED)


@dataclass(frozen=True, slots=True)
class Adapter:
    """`watch` is what is known of it as a canary: since when, and its figures."""

    name: str
    run: str
    dataset: str
    base_model: str
    state: AdapterState
    tainted_because: str
    tainted_at: datetime | None
    watch: Mapping[str, Any]
    created_at: datetime
    changed_at: datetime


def register(session: Session, name: str, *, run: str, dataset: str, base_model: str) -> Adapter:
    """A second time changes nothing."""
    row = session.get(AdapterRow, name)
    if row is None:
        row = AdapterRow(name=name, run_id=run, dataset=dataset, base_model=base_model, state=AdapterState.CANDIDATE)
        session.add(row)
        session.flush()
    return _view(row)


def get(session: Session, name: str) -> Adapter | None:
    row = session.get(AdapterRow, name)
    return _view(row) if row else None


def everyone(session: Session) -> list[Adapter]:
    """The latest first."""
    rows = session.scalars(select(AdapterRow).order_by(AdapterRow.created_at.desc(), AdapterRow.name))
    return [_view(row) for row in rows]


def left_behind(session: Session) -> list[str]:
    """Candidates of nights that are over: nobody will judge them any more."""
    found = (
        select(AdapterRow.name)
        .join(TrainingRunRow, TrainingRunRow.id == AdapterRow.run_id)
        .where(AdapterRow.state == AdapterState.CANDIDATE, TrainingRunRow.finished_at.is_not(None))
    )
    return list(session.scalars(found.order_by(AdapterRow.name)))


def mark(session: Session, name: str, state: AdapterState) -> None:
    """Raises NotFound."""
    row = session.get(AdapterRow, name, with_for_update=True)
    if row is None:
        raise NotFound(f"There is no adapter {name}.")
    if row.state != state:
        row.state = state


def settle(session: Session, serving: Serving) -> None:
    """Make the rows say what the pointer says: who speaks, and that who did no longer does. Whatever was interrupted
    between the two is put right by this."""
    for name, state in ((serving.live, AdapterState.LIVE), (serving.canary, AdapterState.CANARY)):
        row = session.get(AdapterRow, name) if name else None
        if row is not None and row.state != state:
            row.state = state
            if state is AdapterState.CANARY and serving.since is not None:
                row.watch = {"since": serving.since.isoformat()}
    spoke = select(AdapterRow).where(AdapterRow.state.in_(SPEAKS), AdapterRow.name.not_in(serving.adapters))
    for row in session.scalars(spoke).all():
        row.state = AdapterState.REPLACED if row.name == serving.previous else AdapterState.ROLLED_BACK
    session.flush()


def note(session: Session, name: str, **figures: Any) -> None:
    """Write down how a canary fares."""
    row = session.get_one(AdapterRow, name)
    if any(row.watch.get(key) != value for key, value in figures.items()):
        row.watch = {**row.watch, **figures}


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that became known of an answer, at a time: by `signal` (thumbs, verdicts, groundedness, lateness), how
    bad, in [0, 1]."""

    conversation: str
    signal: str
    at: datetime
    bad: float


def heard(session: Session, since: datetime, late_seconds: float) -> list[Heard]:
    """Of answers for which somebody had to speak, to questions asked since then. Verdicts count where the answer was
    drawn by lot: others are there because somebody complained, which is counted by itself."""
    answers = session.execute(
        select(QuestionRow.conversation_id, AnswerRow.id, AnswerRow.finished_at, AnswerRow.scores, AnswerRow.timings_ms)
        .join(AnswerRow, AnswerRow.question_id == QuestionRow.id)
        .where(QuestionRow.created_at >= since, QuestionRow.state == QuestionState.ANSWERED)
        .where(AnswerRow.model.not_in(NOBODY), AnswerRow.finished_at.is_not(None), AnswerRow.retracted_at.is_(None))
    ).all()
    of = {answer: conversation for conversation, answer, *_ in answers}
    found = []
    for conversation, _, at, scores, timings in answers:
        found.append(Heard(conversation, "lateness", at, float(timings.get("total", 0.0) > 1000 * late_seconds)))
        if "grounded" in scores:
            found.append(Heard(conversation, "groundedness", at, min(1.0, max(0.0, 1 - float(scores["grounded"])))))
    thumbs = session.execute(
        select(FeedbackRow.answer_id, FeedbackRow.thumb, FeedbackRow.created_at)
        .join(AnswerRow, AnswerRow.id == FeedbackRow.answer_id)
        .where(FeedbackRow.thumb.is_not(None), AnswerRow.finished_at >= since)
    ).all()
    found += [
        Heard(of[answer], "thumbs", at, float(thumb == Thumb.DOWN)) for answer, thumb, at in thumbs if answer in of
    ]
    verdicts = session.execute(
        select(AuditRow.answer_id, AuditRow.verdict, AuditRow.judged_at, SampleRow.flags)
        .join(SampleRow, SampleRow.answer_id == AuditRow.answer_id)
        .where(AuditRow.verdict.is_not(None), AuditRow.judged_at >= since)
    ).all()
    found += [
        Heard(of[answer], "verdicts", at, _BADNESS[Verdict(verdict)])
        for answer, verdict, at, flags in verdicts
        if answer in of and not flags
    ]
    return sorted(found, key=lambda each: (each.at, each.conversation, each.signal))


def answers_of(session: Session, name: str, since: datetime) -> int:
    """How many answers this adapter has given since then."""
    counted = select(func.count(AnswerRow.id)).where(AnswerRow.adapter == name, AnswerRow.finished_at >= since)
    return session.scalar(counted) or 0


def _view(row: AdapterRow) -> Adapter:
    return Adapter(
        name=row.name,
        run=row.run_id,
        dataset=row.dataset,
        base_model=row.base_model,
        state=AdapterState(row.state),
        tainted_because=row.tainted_because,
        tainted_at=row.tainted_at,
        watch=dict(row.watch),
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
