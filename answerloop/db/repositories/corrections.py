"""Better answers on their way: everything that decides about them, and what becomes of that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from answerloop.auditing import AuditState, CorrectionState, Withdrawal
from answerloop.db.audit_tables import AuditRow, BookmarkRow, CorrectionRow, ReplacedAnswerRow, SampleRow, VerdictRow
from answerloop.db.repositories import curated, verdicts
from answerloop.db.repositories.curated import Ground
from answerloop.db.repositories.verdicts import GivenVerdict, KnownReviewer
from answerloop.db.tables import AnswerRow, DocumentRow, FeedbackRow, QuestionRow, new_id, now

BOOKMARK = "suggestions"
LOST_FOR = timedelta(days=1)
LATE = timedelta(minutes=2)
"""A row may become visible this long after the time in it."""

# --- everything that decides ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NumberedSource:
    number: int
    document_id: str
    cited: bool


@dataclass(frozen=True, slots=True)
class AuditView:
    id: str
    state: str
    overlap: int
    verdict: str | None
    pushed: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A better answer as somebody wrote it in a chat; it may hold personal data."""

    person: str
    text: str
    via: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CorrectionView:
    id: str
    answer_id: str
    text: str
    documents: tuple[str, ...]
    missing_document: str
    state: CorrectionState
    reason: str
    withdrawn_because: str
    suggested_by: str
    approved_by: str | None
    approved_via: str
    second_by: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """An answer with everything that decides what becomes of it. `sources` and `original` are those that were judged,
    also when the answer has been corrected since. `grounds` are the documents that anybody names."""

    answer_id: str
    tenant: str
    asker: str
    asked: str
    question: str | None
    original: str
    after_others: bool
    """Earlier questions of the same person stand in its conversation."""
    topic: str
    sources: tuple[NumberedSource, ...]
    audit: AuditView | None
    verdicts: tuple[GivenVerdict, ...]
    reviewers: tuple[KnownReviewer, ...]
    suggestions: tuple[Suggestion, ...]
    corrections: tuple[CorrectionView, ...]
    grounds: tuple[Ground, ...]
    topics: tuple[tuple[str, str], ...]
    """Of the grounds, in the same order: the document and its topic."""


def case(session: Session, answer_id: str, *, lock: bool = False) -> Case | None:
    """`lock`: nobody else decides about it until the end of this transaction."""
    wanted = (
        select(AnswerRow)
        .where(AnswerRow.id == answer_id)
        .options(selectinload(AnswerRow.sources), selectinload(AnswerRow.question))
    )
    answer = session.scalar(wanted.with_for_update(of=AnswerRow) if lock else wanted)
    if answer is None:
        return None
    question = answer.question
    audit = session.scalar(select(AuditRow).where(AuditRow.answer_id == answer_id))
    given = verdicts.current(session, audit.id) if audit else ()
    rows = session.scalars(
        select(CorrectionRow).where(CorrectionRow.answer_id == answer_id).order_by(CorrectionRow.created_at)
    ).all()
    corrections = tuple(_view(row) for row in rows)
    sources = _judged_sources(session, answer)
    grounds = _grounds(session, question.tenant, sources, given, corrections)
    return Case(
        answer_id=answer_id,
        tenant=question.tenant,
        asker=question.asker,
        asked=question.text,
        question=answer.masked_question,
        original=answer.masked_text or "",
        after_others=after_others(session, question),
        topic=session.scalar(select(SampleRow.topic).where(SampleRow.answer_id == answer_id)) or "",
        sources=sources,
        audit=AuditView(audit.id, audit.state, audit.overlap, audit.verdict, audit.task is not None) if audit else None,
        verdicts=given,
        reviewers=verdicts.reviewers(session),
        suggestions=_suggestions(session, answer_id),
        corrections=corrections,
        grounds=grounds,
        topics=_topics(session, grounds),
    )


def _judged_sources(session: Session, answer: AnswerRow) -> tuple[NumberedSource, ...]:
    replaced = session.get(ReplacedAnswerRow, answer.id)
    if replaced is None:
        return tuple(NumberedSource(row.number, row.document_id, row.cited) for row in answer.sources)
    return tuple(NumberedSource(row["number"], row["document_id"], row["cited"]) for row in replaced.sources)


def _grounds(
    session: Session,
    tenant: str,
    sources: Iterable[NumberedSource],
    given: Iterable[GivenVerdict],
    corrections: Iterable[CorrectionView],
) -> tuple[Ground, ...]:
    named = [source.document_id for source in sources]
    named += [document for each in given for document in each.documents if isinstance(document, str)]
    named += [document for each in corrections for document in each.documents]
    return curated.grounds(session, tenant, list(dict.fromkeys(named)))


def _topics(session: Session, grounds: Collection[Ground]) -> tuple[tuple[str, str], ...]:
    wanted = select(DocumentRow.id, DocumentRow.key).where(DocumentRow.id.in_([each.document_id for each in grounds]))
    keys = {row.id: row.key for row in session.execute(wanted)}
    return tuple((each.document_id, topic_of(keys[each.document_id])) for each in grounds)


def topic_of(key: str) -> str:
    """The first folder of a document's path in its source; none for a file that is in no folder."""
    folder, slash, _ = key.replace("\\", "/").lstrip("/").partition("/")
    return folder if slash else ""


def after_others(session: Session, question: QuestionRow) -> bool:
    earlier = select(QuestionRow.id).where(
        QuestionRow.conversation_id == question.conversation_id,
        QuestionRow.asker == question.asker,
        QuestionRow.created_at < question.created_at,
    )
    return session.scalar(earlier.limit(1)) is not None


def _suggestions(session: Session, answer_id: str) -> tuple[Suggestion, ...]:
    rows = session.scalars(
        select(FeedbackRow)
        .where(FeedbackRow.answer_id == answer_id, FeedbackRow.correction.is_not(None))
        .order_by(FeedbackRow.created_at, FeedbackRow.id)
    )
    return tuple(Suggestion(row.person, row.correction or "", row.via, row.updated_at) for row in rows)


def _view(row: CorrectionRow) -> CorrectionView:
    return CorrectionView(
        id=row.id,
        answer_id=row.answer_id,
        text=row.text,
        documents=tuple(row.documents),
        missing_document=row.missing_document,
        state=CorrectionState(row.state),
        reason=row.reason,
        withdrawn_because=row.withdrawn_because,
        suggested_by=row.suggested_by,
        approved_by=row.approved_by,
        approved_via=row.approved_via,
        second_by=row.second_by,
        updated_at=row.updated_at,
    )


def view(session: Session, correction_id: str) -> CorrectionView | None:
    row = session.get(CorrectionRow, correction_id)
    return _view(row) if row else None


def answer_of_audit(session: Session, audit_id: str) -> str | None:
    return session.scalar(select(AuditRow.answer_id).where(AuditRow.id == audit_id))


def suggestion_for(session: Session, answer_id: str) -> str:
    """What somebody in a chat would have answered, masked, to pre-fill the correction; the latest that is open. What is
    one of many that say nearly the same is filled in for nobody."""
    rows = select(CorrectionRow.text).where(
        CorrectionRow.answer_id == answer_id,
        CorrectionRow.state == CorrectionState.PROPOSED,
        CorrectionRow.suggested_by.in_(
            select(FeedbackRow.person).where(FeedbackRow.answer_id == answer_id, FeedbackRow.burst.is_(None))
        ),
    )
    return session.scalar(rows.order_by(CorrectionRow.created_at.desc()).limit(1)) or ""


def suggested_lately(session: Session, limit: int = 1000) -> tuple[list[str], datetime | None]:
    """Answers for which somebody has written a better one since the bookmark, and how far that has been read."""
    bookmark = session.get(BookmarkRow, BOOKMARK)
    wanted = select(FeedbackRow.answer_id, FeedbackRow.updated_at).where(FeedbackRow.correction.is_not(None))
    if bookmark is not None and bookmark.position:
        wanted = wanted.where(FeedbackRow.updated_at > datetime.fromisoformat(bookmark.position) - LATE)
    rows = session.execute(wanted.order_by(FeedbackRow.updated_at).limit(limit)).all()
    return list(dict.fromkeys(row.answer_id for row in rows)), rows[-1].updated_at if rows else None


def left_unjudged(session: Session, limit: int = 200) -> list[str]:
    """Answers whose verdicts of the last day say something else than their audit: their job was lost, or the reviewer
    has become known since."""
    window = (now() - LOST_FOR, now() - LATE)
    given = (
        select(AuditRow.answer_id)
        .join(VerdictRow, VerdictRow.audit_id == AuditRow.id)
        .where(AuditRow.state.in_([AuditState.WAITING, AuditState.OUT]), VerdictRow.withdrawn_at.is_(None))
        .where(VerdictRow.taken_at.between(*window))
        .where(AuditRow.reopened_at.is_(None) | (VerdictRow.taken_at > AuditRow.reopened_at))
    )
    taken_back = (
        select(AuditRow.answer_id)
        .join(VerdictRow, VerdictRow.audit_id == AuditRow.id)
        .where(AuditRow.state.in_([AuditState.JUDGED, AuditState.CONFLICT]), VerdictRow.withdrawn_at.between(*window))
        .where(AuditRow.judged_at.is_(None) | (VerdictRow.withdrawn_at > AuditRow.judged_at))
    )
    return list(session.scalars(given.union(taken_back).limit(limit)))


def move_bookmark(session: Session, position: datetime) -> None:
    row = session.get(BookmarkRow, BOOKMARK)
    if row is None:
        session.add(BookmarkRow(name=BOOKMARK, position=position.isoformat()))
    else:
        row.position = position.isoformat()


# --- what becomes of it --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """A correction as it should be. `id` of the row that it is already; none: a new one."""

    id: str | None
    text: str
    documents: tuple[str, ...]
    missing_document: str
    state: CorrectionState
    reason: str
    topic: str
    suggested_by: str
    suggested_via: str
    approved_by: str | None = None
    approved_via: str = ""
    second_by: str | None = None


def store(session: Session, case: Case, question: str, wanted: Wanted) -> str:
    """Its id."""
    row = session.get(CorrectionRow, wanted.id) if wanted.id else None
    if row is None:
        row = CorrectionRow(
            id=new_id(),
            answer_id=case.answer_id,
            tenant=case.tenant,
            question=question,
            text=wanted.text,
            suggested_by=wanted.suggested_by,
            suggested_via=wanted.suggested_via,
        )
        session.add(row)
    row.documents, row.missing_document = list(wanted.documents), wanted.missing_document
    row.topic, row.state, row.reason = wanted.topic, wanted.state, wanted.reason
    if wanted.approved_by != row.approved_by:
        row.approved_at = now() if wanted.approved_by else None
    if wanted.second_by != row.second_by:
        row.second_at = now() if wanted.second_by else None
    row.approved_by, row.approved_via, row.second_by = wanted.approved_by, wanted.approved_via, wanted.second_by
    session.flush()
    return row.id


def withdraw(session: Session, correction_id: str, because: Withdrawal, reason: str) -> None:
    """Take an approved correction out of force."""
    row = session.get_one(CorrectionRow, correction_id)
    row.state, row.withdrawn_because, row.reason = CorrectionState.WITHDRAWN, because, reason
    curated.withdraw(session, correction_id, because)


def reject(session: Session, correction_id: str, reviewer: str, reason: str) -> None:
    """A reviewer does not want it; one that is in force is withdrawn."""
    row = session.get_one(CorrectionRow, correction_id)
    if row.state == CorrectionState.APPROVED:
        withdraw(session, correction_id, Withdrawal.REJECTED, reason)
    elif row.state != CorrectionState.WITHDRAWN:
        row.state, row.reason = CorrectionState.REJECTED, reason
    row.second_by, row.second_at = reviewer, now()


def judged(
    session: Session, audit_id: str, state: AuditState, verdict: str | None, grounded: str | None
) -> None:  # fmt: skip
    row = session.get_one(AuditRow, audit_id)
    if (row.state, row.verdict, row.grounded) != (state, verdict, grounded):
        row.state, row.verdict, row.grounded = state, verdict, grounded
        row.judged_at = now() if state == AuditState.JUDGED else None


def reopen(session: Session, answer_id: str) -> None:
    """Have people judge it anew, on our own page: what they have said of it so far does not count any more."""
    row = session.scalar(select(AuditRow).where(AuditRow.answer_id == answer_id))
    if row is not None and row.state != AuditState.CLOSED:
        row.state, row.in_house, row.reopened_at = AuditState.WAITING, True, now()
        row.verdict = row.grounded = row.judged_at = None


def hashes(case: Case, documents: Iterable[str]) -> Mapping[str, str]:
    """Of these documents, as they were when it was decided."""
    there = {each.document_id: curated.content_hash(each.title, each.text) for each in case.grounds}
    return {document: there[document] for document in documents}
