"""Made-up corrections for demonstrations: approved, as if people had written and approved them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from answerloop.auditing import CorrectionState
from answerloop.db.audit_tables import CorrectionRow
from answerloop.db.repositories import corrections, curated, documents
from answerloop.db.repositories.corrections import Wanted, topic_of
from answerloop.db.tables import AnswerRow, ConversationRow, DeliveryRow, QuestionRow, new_id, now
from answerloop.domain import QuestionState
from answerloop.errors import InternalError

VIA = "sample"
ASKER = "sample:asker"


@dataclass(frozen=True, slots=True)
class Seed:
    """`document` is its name in its source; where there is none, `missing_document` says which one to write."""

    question: str
    text: str
    document: str
    suggested_by: str
    approved_by: str
    missing_document: str = ""


def of_people(session: Session) -> int:
    """Corrections that real people have written."""
    return session.scalar(select(func.count(CorrectionRow.id)).where(CorrectionRow.suggested_via != VIA)) or 0


def known(session: Session, tenant: str) -> frozenset[tuple[str, str]]:
    """Question and text of those that were seeded before."""
    rows = session.execute(
        select(CorrectionRow.question, CorrectionRow.text).where(
            CorrectionRow.tenant == tenant, CorrectionRow.suggested_via == VIA
        )
    )
    return frozenset((question, text) for question, text in rows)


def approve(session: Session, tenant: str, seeds: Sequence[tuple[Seed, str | None]], lasts: timedelta) -> None:
    """Each with the id of its document, in force from now on; without one it is served to nobody."""
    for seed, document_id in seeds:
        case = corrections.case(session, _asked(session, tenant, seed.question))
        if case is None:
            raise InternalError("An answer that was written a moment ago is gone.")
        document = documents.with_text(session, document_id) if document_id else None
        wanted = Wanted(
            id=None,
            text=seed.text,
            documents=(document.id,) if document else (),
            missing_document=seed.missing_document,
            state=CorrectionState.APPROVED,
            reason="",
            topic=topic_of(document.key) if document else "",
            suggested_by=seed.suggested_by,
            suggested_via=VIA,
            approved_by=seed.approved_by,
            approved_via=VIA,
        )
        row_id = corrections.store(session, case, seed.question, wanted)
        if document:
            hashes = {document.id: curated.content_hash(document.title, document.text)}
            curated.put_in_force(session, row_id, tenant, seed.question, seed.text, hashes, lasts)


def _asked(session: Session, tenant: str, question: str) -> str:
    """The id of an answer that was never given: no figure counts it, and nobody brings it in line with anything."""
    talk = ConversationRow(id=new_id(), channel="web", key=f"{VIA}:{new_id()}", tenant=tenant, owner=ASKER, title=VIA)
    asked = QuestionRow(
        id=new_id(),
        conversation_id=talk.id,
        channel="web",
        tenant=tenant,
        asker=ASKER,
        text=question,
        state=QuestionState.CANCELLED,
    )
    answer = AnswerRow(id=new_id(), question_id=asked.id, masked_question=question, retracted_at=now())
    delivered = DeliveryRow(question_id=asked.id, channel="web", address={}, delivered_at=now())
    for row in (talk, asked, answer, delivered):
        session.add(row)
        session.flush()
    return answer.id
