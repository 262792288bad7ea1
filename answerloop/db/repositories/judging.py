"""The judging on our own page: which answers somebody may judge there, and what they say of them.

Whoever judges may read every source of the answer right now; a source that is gone may be read by nobody.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, literal, or_, select
from sqlalchemy.orm import Session

from answerloop.auditing import AuditState, Fault, Grounded, Origin, Verdict
from answerloop.db import outbox
from answerloop.db.audit_tables import AuditRow, ReplacedAnswerRow, ReviewerRow, SampleRow, VerdictRow
from answerloop.db.repositories import corrections, documents, verdicts
from answerloop.db.repositories.audits import OPEN, URGENCY
from answerloop.db.tables import AnswerRow, AnswerSourceRow, FeedbackRow, OutboxRow, QuestionRow, now
from answerloop.domain import Audience, Person
from answerloop.errors import NotAllowed, NotFound
from answerloop.tasks import judge_audit

MOST = 500
NOTHING_HERE = "There is nothing to judge here (any more), or it is not for you to read."
NOT_A_REVIEWER = "You are not a reviewer any more."


# --- who judges ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Human:
    """A reviewer with all the names under which we know them, in lower case."""

    id: str
    names: frozenset[str]

    def is_one_of(self, *people: str | None) -> bool:
        return any(person is not None and person.casefold() in self.names for person in people)


def human(session: Session, person: Person) -> Human:
    """The same human has one name as a reviewer: by it they are recognised when they came in another way."""
    row = _row_of(session, person)
    names = {person.id, *([person.email] if person.email else []), *([row.id, *row.people] if row else [])}
    return Human(row.id if row else person.email or person.id, frozenset(str(name).casefold() for name in names))


def admit(session: Session, person: Person) -> Human:
    """Their group lets them judge, so they are a reviewer that we know from now on. Raises NotAllowed for one who was
    sent away."""
    row = _row_of(session, person)
    if row is None:
        row = ReviewerRow(id=person.email or person.id, people=[], invited_by="directory")
        session.add(row)
    elif not row.active:
        raise NotAllowed(NOT_A_REVIEWER)
    if person.id.casefold() not in {row.id.casefold(), *(str(each).casefold() for each in row.people)}:
        row.people = [*row.people, person.id]
    session.flush()
    return human(session, person)


def _row_of(session: Session, person: Person) -> ReviewerRow | None:
    wanted = {person.id.casefold(), *([person.email.casefold()] if person.email else [])}
    rows = session.scalars(select(ReviewerRow).order_by(ReviewerRow.id)).all()
    return next((row for row in rows if wanted & {row.id.casefold(), *(str(p).casefold() for p in row.people)}), None)


# --- what is to be judged --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenAudit:
    """`question` is masked where it could be. `mine`: I have judged it; `asked_by_me`: then somebody else has to."""

    id: str
    state: AuditState
    priority: str
    question: str
    topic: str
    channel: str
    flags: tuple[str, ...]
    created_at: datetime
    mine: bool
    asked_by_me: bool

    @property
    def is_for_me(self) -> bool:
        return not self.mine and not self.asked_by_me


def open_audits(session: Session, audience: Audience, me: Human, *, all_here: bool) -> list[OpenAudit]:
    """What is judged on our page and may be read by me, the most urgent first. Disagreements are always decided here;
    `all_here`: there is no other place to judge."""
    place = or_(AuditRow.in_house, AuditRow.state == AuditState.CONFLICT, literal(all_here))
    rows = session.execute(
        _AUDITS.where(QuestionRow.tenant == audience.tenant, AuditRow.state.in_(OPEN), place)
        .order_by(AuditRow.created_at, AuditRow.id)
        .limit(MOST)
    ).all()
    unreadable = _unreadable(session, audience, [row.AnswerRow.id for row in rows])
    found = [_open(session, row, me) for row in rows if row.AnswerRow.id not in unreadable]
    return sorted(found, key=lambda audit: (URGENCY.get(audit.priority, len(URGENCY)), audit.created_at))  # type: ignore[call-overload]


_AUDITS = (
    select(AuditRow, AnswerRow, QuestionRow, SampleRow)
    .join(AnswerRow, AnswerRow.id == AuditRow.answer_id)
    .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
    .outerjoin(SampleRow, SampleRow.answer_id == AnswerRow.id)
)


def _unreadable(session: Session, audience: Audience, answer_ids: Collection[str]) -> frozenset[str]:
    """Those of the answers that have a source which this audience may not read."""
    rows = session.execute(
        select(AnswerSourceRow.answer_id, AnswerSourceRow.document_id).where(AnswerSourceRow.answer_id.in_(answer_ids))
    )
    needed: defaultdict[str, set[str]] = defaultdict(set)
    for answer_id, document_id in rows:
        needed[answer_id].add(document_id)
    readable = documents.still_readable(session, audience, {each for wanted in needed.values() for each in wanted})
    return frozenset(answer_id for answer_id, wanted in needed.items() if not wanted <= readable.keys())


def _open(session: Session, row: Row[AuditRow, AnswerRow, QuestionRow, SampleRow], me: Human) -> OpenAudit:
    audit, answer, question, sample = row
    return OpenAudit(
        id=audit.id,
        state=AuditState(audit.state),
        priority=audit.priority,
        question=answer.masked_question or question.text,
        topic=sample.topic if sample else "",
        channel=question.channel,
        flags=tuple(sample.flags) if sample else (),
        created_at=audit.created_at,
        mine=any(me.is_one_of(given.reviewer) for given in verdicts.current(session, audit.id)),
        asked_by_me=me.is_one_of(question.asker),
    )


# --- one of them -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    number: int
    cited: bool
    document_id: str
    title: str
    headings: list[str]
    text: str
    start: int
    end: int
    url: str | None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody has said of the answer, by its name alone."""

    thumb: str | None
    reason: str | None
    suggested: bool


@dataclass(frozen=True, slots=True)
class MyVerdict:
    """What I have said before."""

    verdict: Verdict
    grounded: Grounded
    faults: tuple[Fault, ...]
    correction: str
    documents: tuple[int | str, ...]
    missing_document: str


@dataclass(frozen=True, slots=True)
class Audit:
    """An answer as it is judged: `masked` tells whether question and text are."""

    open: OpenAudit
    answer_id: str
    text: str
    masked: bool
    outcome: str
    confidence: str
    answered_at: datetime
    model: str
    adapter: str
    sources: tuple[Source, ...]
    opinions: tuple[Opinion, ...]
    suggestion: str
    others: int
    """People who have judged it besides me."""
    given: MyVerdict | None


def audit(session: Session, audit_id: str, audience: Audience, me: Human, *, all_here: bool) -> Audit:
    """Raises NotFound: also where somebody may not know that it is there."""
    place = or_(AuditRow.in_house, AuditRow.state == AuditState.CONFLICT, literal(all_here))
    row = session.execute(
        _AUDITS.where(AuditRow.id == audit_id, QuestionRow.tenant == audience.tenant, AuditRow.state.in_(OPEN), place)
    ).one_or_none()
    if row is None or _unreadable(session, audience, [row.AnswerRow.id]):
        raise NotFound(NOTHING_HERE)
    answer, question = row.AnswerRow, row.QuestionRow
    sources = _sources(session, answer)
    shown = {source.document_id for source in sources}
    if not shown <= documents.still_readable(session, audience, shown).keys():
        raise NotFound(NOTHING_HERE)
    given = verdicts.current(session, audit_id)
    mine = next((each for each in given if me.is_one_of(each.reviewer)), None)
    return Audit(
        open=_open(session, row, me),
        answer_id=answer.id,
        text=answer.text if answer.masked_text is None else answer.masked_text,
        masked=answer.masked_text is not None and answer.masked_question is not None,
        outcome=answer.outcome or "",
        confidence=answer.confidence or "",
        answered_at=answer.finished_at or question.created_at,
        model=answer.model,
        adapter=answer.adapter,
        sources=sources,
        opinions=_opinions(session, answer.id),
        suggestion=corrections.suggestion_for(session, answer.id),
        others=len({each.reviewer.casefold() for each in given} - me.names),
        given=_mine(mine) if mine else None,
    )


def _sources(session: Session, answer: AnswerRow) -> tuple[Source, ...]:
    """Those that were judged, also when the answer has been corrected since."""
    before = session.get(ReplacedAnswerRow, answer.id)
    rows = before.sources if before else [{name: getattr(row, name) for name in _COLUMNS} for row in answer.sources]
    return tuple(Source(**{name: row[name] for name in _COLUMNS}) for row in rows)


_COLUMNS = tuple(Source.__dataclass_fields__)


def _opinions(session: Session, answer_id: str) -> tuple[Opinion, ...]:
    rows = session.scalars(
        select(FeedbackRow).where(FeedbackRow.answer_id == answer_id).order_by(FeedbackRow.created_at, FeedbackRow.id)
    )
    return tuple(Opinion(row.thumb, row.reason, row.correction is not None) for row in rows)


def _mine(given: verdicts.GivenVerdict) -> MyVerdict:
    return MyVerdict(
        Verdict(given.verdict),
        Grounded(given.grounded),
        tuple(map(Fault, given.faults)),
        given.correction,
        given.documents,
        given.missing_document,
    )


# --- judging ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """What somebody says of an answer. `documents` are numbers of its sources, or ids of other documents."""

    verdict: Verdict
    grounded: Grounded
    faults: Sequence[Fault]
    correction: str | None
    edited: bool
    documents: Sequence[int | str]
    missing_document: str
    lead_seconds: float | None


def give(session: Session, audit_id: str, me: Human, judged: Judged) -> OutboxRow:
    """With the job that brings everything in line with it. A second time it replaces what I said before."""
    row = _verdict(session, audit_id, me)
    if row is None:
        row = VerdictRow(
            audit_id=audit_id, reviewer=me.id, origin=Origin.PAGE, external_id=_name(audit_id, me), submitted_at=now()
        )
        session.add(row)
    row.verdict, row.grounded, row.faults = judged.verdict, judged.grounded, list(judged.faults)
    row.correction, row.edited, row.documents = judged.correction, judged.edited, list(judged.documents)
    row.missing_document, row.lead_seconds = judged.missing_document, judged.lead_seconds
    if row.withdrawn_at is not None:
        row.submitted_at, row.withdrawn_at = now(), None
    row.updated_at = row.taken_at = now()
    return outbox.write(session, judge_audit(audit_id))


def take_back(session: Session, audit_id: str, me: Human) -> OutboxRow | None:
    row = _verdict(session, audit_id, me)
    if row is None or row.withdrawn_at is not None:
        return None
    row.withdrawn_at = row.updated_at = now()
    return outbox.write(session, judge_audit(audit_id))


def _verdict(session: Session, audit_id: str, me: Human) -> VerdictRow | None:
    session.get(AuditRow, audit_id, with_for_update=True)
    return session.scalar(
        select(VerdictRow).where(VerdictRow.origin == Origin.PAGE, VerdictRow.external_id == _name(audit_id, me))
    )


def _name(audit_id: str, me: Human) -> str:
    return f"{audit_id}:{hashlib.sha256(me.id.casefold().encode()).hexdigest()[:32]}"


def titles(session: Session, audience: Audience, limit: int = 1000) -> dict[str, str]:
    """Documents that I may read: title to id, for whoever knows a better one than those beside the answer."""
    return documents.titles(session, audience, limit)


def may_not(audit: OpenAudit) -> str:
    """Why I may not judge it; nothing where I may."""
    if audit.asked_by_me:
        return "You asked this yourself: somebody else has to judge it."
    if audit.mine and audit.state is AuditState.CONFLICT:
        return "You have judged it, and others disagree: somebody else decides."
    return ""


def chosen(documents_by_title: dict[str, str], titles: Iterable[str]) -> list[str]:
    """The ids of the documents of these titles. Raises NotFound."""
    unknown = [title for title in titles if title not in documents_by_title]
    if unknown:
        raise NotFound(f"There is no document “{unknown[0]}”, or it is not for you to read.")
    return [documents_by_title[title] for title in titles]
