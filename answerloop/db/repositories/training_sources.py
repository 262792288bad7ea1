"""What people have approved or found right: what adapters are trained on and judged by. Masked text only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, or_, select
from sqlalchemy.orm import Session, selectinload, undefer

from answerloop.auditing import AuditState, CorrectionState, Verdict, Withdrawal
from answerloop.db.audit_tables import AuditRow, CorrectionRow, CuratedRow, ReplacedAnswerRow
from answerloop.db.repositories import verdicts
from answerloop.db.repositories.corrections import after_others
from answerloop.db.repositories.curated import content_hash
from answerloop.db.repositories.emptied import ERASED
from answerloop.db.tables import AnswerRow, DocumentRow, FeedbackRow, QuestionRow
from answerloop.domain import EVERYONE, PUBLIC, Action, Outcome
from answerloop.followups import leans

NOT_BY_ITSELF = "the question needs those before it, or holds personal data"
NARROW = "it was asked where not everything was looked at"
AUTHOR_ERASED = "whoever wrote it was erased"
NOT_MASKED = "the question was not masked"
CHANGED = "a document of it has changed since it was approved"
NEVER_THE_DOCUMENTS = frozenset({"language"})
"""Rules of abstentions that say nothing about what the documents hold."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document as it stands right now. `open`: the whole tenant may read it, and only the company writes it."""

    id: str
    key: str
    open: bool
    content_hash: str


@dataclass(frozen=True, slots=True)
class ApprovedCorrection:
    """In force, or so until its time was over. `problem`: why it is no material, nothing where it is."""

    id: str
    answer_id: str
    question: str
    text: str
    topic: str
    documents: tuple[str, ...]
    author: str
    approvers: tuple[str, ...]
    in_burst: bool
    at: datetime
    problem: str


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """An answer of ours that people found right; of an abstention `text` is empty. `documents` are those it cites."""

    answer_id: str
    question: str
    text: str
    documents: tuple[str, ...]
    judges: tuple[str, ...]
    at: datetime
    problem: str


@dataclass(frozen=True, slots=True)
class Material:
    """Everything in the order of its time. `unanswered`: people agree that the documents do not answer it."""

    corrections: tuple[ApprovedCorrection, ...]
    confirmed: tuple[JudgedAnswer, ...]
    unanswered: tuple[JudgedAnswer, ...]
    sources: Mapping[str, Source]

    @property
    def names(self) -> frozenset[str]:
        """Of the answers that it comes from."""
        corrections = {each.answer_id for each in self.corrections}
        return frozenset(corrections | {each.answer_id for each in (*self.confirmed, *self.unanswered)})


def material(session: Session, tenant: str) -> Material:
    """Of this tenant alone: an adapter has no list of readers, so it learns of one company at most."""
    people = _People(session)
    rows = _corrections(session, tenant)
    judged = _judged(session, tenant)
    wanted = {document for row in rows for document in row.CorrectionRow.documents}
    wanted |= {source.document_id for row in judged for source in row.AnswerRow.sources if source.cited}
    sources = _sources(session, tenant, wanted)
    bursts = _bursts(session)
    corrections = [_correction(row, people, sources, bursts) for row in rows if not row.CorrectionRow.missing_document]
    missing = [_missing(row, people) for row in rows if row.CorrectionRow.missing_document]
    answers = [_answer(session, row, people) for row in judged]
    return Material(
        corrections=_in_order(corrections),
        confirmed=_in_order(each for each in answers if each.text),
        unanswered=_in_order([*missing, *(each for each in answers if not each.text)]),
        sources=sources,
    )


class _People:
    """One name for all the names of the same human."""

    def __init__(self, session: Session) -> None:
        known = verdicts.reviewers(session)
        self._names = {name.casefold(): each.id for each in known for name in (*each.people, each.id)}
        self._active = {each.id for each in known if each.active}

    def name(self, person: str) -> str:
        return self._names.get(person.casefold(), person.casefold())

    def names(self, *people: str | None) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.name(person) for person in people if person))

    def known(self, person: str) -> bool:
        return self.name(person) in self._active


# --- corrections -----------------------------------------------------------------------------------------------------


def _corrections(session: Session, tenant: str) -> list[Row[CorrectionRow, CuratedRow]]:
    in_force = and_(CorrectionRow.state == CorrectionState.APPROVED, CuratedRow.withdrawn_at.is_(None))
    without_document = and_(CorrectionRow.state == CorrectionState.APPROVED, CorrectionRow.missing_document != "")
    only_expired = and_(
        CorrectionRow.state == CorrectionState.WITHDRAWN, CorrectionRow.withdrawn_because == Withdrawal.EXPIRED
    )
    return list(
        session.execute(
            select(CorrectionRow, CuratedRow)
            .outerjoin(CuratedRow, CuratedRow.correction_id == CorrectionRow.id)
            .where(CorrectionRow.tenant == tenant, or_(in_force, without_document, only_expired))
        )
    )


def _correction(
    row: Row[CorrectionRow, CuratedRow],
    people: _People,
    sources: Mapping[str, Source],
    bursts: Collection[tuple[str, str]],
) -> ApprovedCorrection:
    correction, curated = row
    hashes: Mapping[str, Any] = curated.documents if curated is not None else {}
    unchanged = all(
        document in sources and sources[document].content_hash == hashes.get(document)
        for document in correction.documents
    )
    return ApprovedCorrection(
        id=correction.id,
        answer_id=correction.answer_id,
        question=correction.question,
        text=correction.text,
        topic=correction.topic,
        documents=tuple(sorted(correction.documents)),
        author=people.name(correction.suggested_by),
        approvers=people.names(correction.approved_by, correction.second_by),
        in_burst=(correction.answer_id, people.name(correction.suggested_by)) in bursts
        or (correction.answer_id, correction.suggested_by) in bursts,
        at=correction.created_at,
        problem=_problem(correction, asked_by_itself=curated is not None and bool(curated.question))
        or ("" if unchanged else CHANGED),
    )


def _problem(correction: CorrectionRow, *, asked_by_itself: bool) -> str:
    if correction.suggested_by == ERASED:
        return AUTHOR_ERASED
    return "" if asked_by_itself else NOT_BY_ITSELF


def _missing(row: Row[CorrectionRow, CuratedRow], people: _People) -> JudgedAnswer:
    """People say which document is missing: so the others do not answer it."""
    correction = row.CorrectionRow
    return JudgedAnswer(
        answer_id=correction.answer_id,
        question=correction.question,
        text="",
        documents=(),
        judges=people.names(correction.approved_by, correction.second_by),
        at=correction.created_at,
        problem=_problem(correction, asked_by_itself=not leans(correction.question)),
    )


def _bursts(session: Session) -> frozenset[tuple[str, str]]:
    """Answers, and who wrote a better one for them that is one of many which say nearly the same."""
    rows = session.execute(select(FeedbackRow.answer_id, FeedbackRow.person).where(FeedbackRow.burst.is_not(None)))
    return frozenset((answer_id, person) for answer_id, person in rows)


# --- answers of ours -------------------------------------------------------------------------------------------------


def _judged(session: Session, tenant: str) -> list[Row[AnswerRow, QuestionRow, AuditRow]]:
    """Found correct by people, and still what they judged."""
    return list(
        session.execute(
            select(AnswerRow, QuestionRow, AuditRow)
            .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
            .join(AuditRow, AuditRow.answer_id == AnswerRow.id)
            .outerjoin(ReplacedAnswerRow, ReplacedAnswerRow.answer_id == AnswerRow.id)
            .where(
                QuestionRow.tenant == tenant,
                AuditRow.state == AuditState.JUDGED,
                AuditRow.verdict == Verdict.CORRECT,
                AnswerRow.masked_question.is_not(None),
                AnswerRow.masked_text.is_not(None),
                AnswerRow.retracted_at.is_(None),
                AnswerRow.correction_id.is_(None),
                ReplacedAnswerRow.answer_id.is_(None),
                AnswerRow.outcome.in_((Outcome.ANSWERED, Outcome.ABSTAINED)),
            )
            .options(selectinload(AnswerRow.sources))
        )
    )


def _answer(session: Session, row: Row[AnswerRow, QuestionRow, AuditRow], people: _People) -> JudgedAnswer:
    answer, question, audit = row
    answered = answer.outcome == Outcome.ANSWERED
    alone = not (leans(question.text) and after_others(session, question))
    narrow = not answered and (question.room is not None or bool(question.sources))
    return JudgedAnswer(
        answer_id=answer.id,
        question=answer.masked_question or "",
        text=(answer.masked_text or "") if answered else "",
        documents=tuple(sorted({source.document_id for source in answer.sources if source.cited})) if answered else (),
        judges=_judges(session, audit, people),
        at=answer.created_at,
        problem=("" if alone else NOT_BY_ITSELF)
        or (NARROW if narrow else "")
        or ("" if answered else _says_nothing_of_the_documents(answer)),
    )


def _says_nothing_of_the_documents(answer: AnswerRow) -> str:
    action, rule = answer.decision.get("action"), answer.decision.get("rule")
    looked = action == Action.ABSTAINED and rule not in NEVER_THE_DOCUMENTS
    return "" if looked else "it was not the documents that lacked the answer"


def _judges(session: Session, audit: AuditRow, people: _People) -> tuple[str, ...]:
    given = [each.reviewer for each in verdicts.current(session, audit.id) if each.verdict == Verdict.CORRECT]
    return people.names(*(reviewer for reviewer in given if people.known(reviewer) or reviewer == ERASED))


# --- documents -------------------------------------------------------------------------------------------------------


def _sources(session: Session, tenant: str, document_ids: Collection[str]) -> dict[str, Source]:
    """Those that are there and current."""
    rows = session.scalars(
        select(DocumentRow)
        .where(DocumentRow.id.in_(document_ids), DocumentRow.tenant == tenant, DocumentRow.superseded.is_(False))
        .options(undefer(DocumentRow.text))
    )
    return {row.id: _source(row) for row in rows}


def _source(row: DocumentRow) -> Source:
    all_read = not {EVERYONE, PUBLIC}.isdisjoint(row.reader_set.groups)
    return Source(row.id, row.key, all_read and row.trusted, content_hash(row.title, row.text))


def keys(session: Session, tenant: str) -> dict[str, str]:
    """Of the tenant's current documents: what they are called in their source, to their id; of two the older one."""
    rows = session.execute(
        select(DocumentRow.key, DocumentRow.id)
        .where(DocumentRow.tenant == tenant, DocumentRow.superseded.is_(False))
        .order_by(DocumentRow.indexed_at.desc(), DocumentRow.id)
    )
    return {key: document_id for key, document_id in rows}  # noqa: C416 - rows are no pairs to mypy


def asked_lately(session: Session, tenant: str, limit: int = 5000) -> tuple[tuple[str, str], ...]:
    """How people ask here, masked, and who; the latest."""
    people = _People(session)
    rows = session.execute(
        select(AnswerRow.masked_question, QuestionRow.asker)
        .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
        .where(QuestionRow.tenant == tenant, AnswerRow.masked_question.is_not(None))
        .order_by(QuestionRow.created_at.desc(), QuestionRow.id)
        .limit(limit)
    )
    return tuple((str(question), people.name(asker)) for question, asker in rows)


def _in_order(found: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(found, key=lambda each: (each.at, each.answer_id)))
