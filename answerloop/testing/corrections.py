"""Approved answers without anybody who approves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from answerloop.auditing import CorrectionState
from answerloop.db.audit_tables import CorrectionRow
from answerloop.db.repositories import curated, documents
from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow, ConversationRow, QuestionRow, new_id
from answerloop.domain import QuestionState


def approve(database: Database, tenant: str, question: str, text: str, document_ids: Sequence[str]) -> str:
    """The id of the correction, which stands on these documents as they are now and is in force."""
    correction_id = new_id()
    with database.writing() as session:
        conversation = ConversationRow(id=new_id(), channel="test", key=new_id(), tenant=tenant, owner="t", title="")
        asked = QuestionRow(
            id=new_id(),
            conversation_id=conversation.id,
            channel="test",
            tenant=tenant,
            asker="t",
            text=question,
            state=QuestionState.ANSWERED,
        )
        answer = AnswerRow(id=new_id(), question_id=asked.id, masked_question=question, masked_text="")
        for row in (conversation, asked, answer):
            session.add(row)
            session.flush()
        session.add(
            CorrectionRow(
                id=correction_id,
                answer_id=answer.id,
                tenant=tenant,
                question=question,
                text=text,
                documents=list(document_ids),
                state=CorrectionState.APPROVED,
                suggested_by="test",
                suggested_via="test",
            )
        )
        session.flush()
        rows = [documents.with_text(session, document_id) for document_id in document_ids]
        hashes = {row.id: curated.content_hash(row.title, row.text) for row in rows}
        curated.put_in_force(session, correction_id, tenant, question, text, hashes, timedelta(days=180))
    return correction_id
