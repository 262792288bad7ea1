"""Which documents people have been shown something of, in a conversation: what they write next may repeat it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from answerloop.db.audit_tables import ReplacedAnswerRow
from answerloop.db.repositories.emptied import SHOWED_ERASED
from answerloop.db.tables import AnswerRow, AnswerSourceRow, QuestionRow
from answerloop.domain import Outcome

NOBODY_KNOWS: frozenset[str] = frozenset()
WEB = "web"
"""Where everything that was found can be opened below an answer."""


def stood_on(session: Session, conversation_id: str) -> list[frozenset[str]]:
    """The documents of which each answer of a conversation has shown something, whoever asked, also before it was
    corrected. None of them where nobody knows any more: what was taken back or erased has been read, too."""
    answers = session.scalars(
        select(AnswerRow)
        .join(QuestionRow, QuestionRow.id == AnswerRow.question_id)
        .where(QuestionRow.conversation_id == conversation_id)
        .options(selectinload(AnswerRow.sources), selectinload(AnswerRow.question))
    ).all()
    ids = [answer.id for answer in answers]
    replaced = session.scalars(select(ReplacedAnswerRow).where(ReplacedAnswerRow.answer_id.in_(ids)))
    before = {row.answer_id: row for row in replaced}
    found: list[frozenset[str]] = []
    for answer in answers:
        if answer.retracted_at is not None or answer.decision.get(SHOWED_ERASED):
            found.append(NOBODY_KNOWS)
            continue
        on_page = answer.question.channel == WEB
        found += _shown(answer.outcome, answer.sources, searched=bool(answer.index_version), on_page=on_page)
        if first := before.get(answer.id):
            was = [AnswerSourceRow(document_id=row["document_id"], cited=row["cited"]) for row in first.sources]
            found += _shown(first.outcome, was, searched=True, on_page=on_page)
    return found


def _shown(
    outcome: str | None, sources: Iterable[AnswerSourceRow], *, searched: bool, on_page: bool
) -> list[frozenset[str]]:
    """An answer shows what it cites, on the page what is near, too; "I do not know" shows what is near. Neither comes
    without documents, unless nobody has searched; an apology, and an answer that is not finished, may."""
    near = outcome == Outcome.ABSTAINED or (on_page and outcome is not None)
    documents = frozenset(row.document_id for row in sources if row.cited or near)
    must = outcome == Outcome.ANSWERED or (outcome == Outcome.ABSTAINED and searched)
    return [documents] if documents or must else []
