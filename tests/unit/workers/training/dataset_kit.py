"""A small company whose people correct answers, and the serving that its prompts are made by."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from answerloop.auditing import AuditState, CorrectionState, Grounded, Origin, Verdict, Withdrawal
from answerloop.backends.groundedness_mixed import MixedGroundednessDetector
from answerloop.db.audit_tables import AuditRow, CorrectionRow, CuratedRow, ReviewerRow, VerdictRow
from answerloop.db.repositories import curated, documents
from answerloop.db.session import Database
from answerloop.db.tables import (
    AnswerRow,
    AnswerSourceRow,
    ConversationRow,
    DeliveryRow,
    FeedbackRow,
    QuestionRow,
    new_id,
    now,
)
from answerloop.domain import Action, Outcome, QuestionState
from answerloop.testing.fakes import FakeDocumentIndex, FakeEmbedder, FakeGenerator, FakeRedactor
from workers.answering.guard import Guard
from workers.answering.retrieve import Retriever
from workers.indexing.sync import Indexer
from workers.training.dataset import build
from workers.training.prompts import Serving
from workers.training.rows import Dataset

ANN, BOB, CAT = "ann@example.com", "bob@example.com", "cat@example.com"
DANA, EVE = "web:dana", "web:eve"


class Company:
    """One document for each topic; a sentence for each fact of it."""

    def __init__(self, folder: Path, database: Database, texts: dict[str, str]) -> None:
        self.folder, self.database = folder / "docs", database
        self.embedder, self.index = FakeEmbedder(256), FakeDocumentIndex(256)
        self._numbers = itertools.count()
        for reviewer in (ANN, BOB, CAT):
            with database.writing() as session:
                session.merge(ReviewerRow(id=reviewer, people=[], active=True, invited_by="test"))
        for key, text in texts.items():
            path = self.folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.sync()

    def sync(self) -> None:
        indexer = Indexer(self.database, self.index, self.embedder, chunk_tokens=128, max_document_bytes=100_000)
        self.source = indexer.register(self.folder, "default", ())
        indexer.sync(self.source)

    def id(self, key: str) -> str:
        with self.database.reading() as session:
            return documents.of_source(session, self.source)["default", key].id

    @property
    def serving(self) -> Serving:
        return Serving(
            Retriever(self.index, self.embedder, self.database, 5),
            FakeGenerator(lambda request: ""),
            Guard(MixedGroundednessDetector(), 0.6),
            FakeRedactor("Jane Doe"),
            64,
        )

    def dataset(self, *, remember: bool = True) -> Dataset:
        return build(self.database, "default", self.serving, remember=remember)

    # --- what people do

    def asked(self, question: str, tenant: str = "default", asker: str = DANA) -> str:
        """The id of its answer."""
        at = now() - timedelta(days=30) + timedelta(minutes=next(self._numbers))
        with self.database.writing() as session:
            talk = ConversationRow(channel="web", key=new_id(), tenant=tenant, owner=asker, title="")
            session.add(talk)
            session.flush()
            row = QuestionRow(
                conversation_id=talk.id,
                channel="web",
                tenant=tenant,
                asker=asker,
                text=question,
                state=QuestionState.ANSWERED,
                created_at=at,
            )
            session.add(row)
            session.flush()
            answer = AnswerRow(
                question_id=row.id,
                outcome=Outcome.ANSWERED,
                masked_question=question,
                masked_text="",
                created_at=at,
                finished_at=at,
            )
            session.add(answer)
            session.add(DeliveryRow(question_id=row.id, channel="web", address={}, delivered_at=at))
            session.flush()
            return answer.id

    def corrects(
        self,
        question: str,
        text: str,
        *keys: str,
        author: str = EVE,
        approver: str = ANN,
        second: str | None = None,
        state: CorrectionState = CorrectionState.APPROVED,
        because: str = "",
        tenant: str = "default",
        burst: str | None = None,
        missing: str = "",
    ) -> str:
        """The id of the answer that is corrected."""
        answer = self.asked(question, tenant)
        with self.database.writing() as session:
            given = session.get_one(AnswerRow, answer)
            row = CorrectionRow(
                answer_id=answer,
                tenant=tenant,
                topic=keys[0].partition("/")[0] if keys else "",
                question=question,
                text=text,
                documents=[self.id(key) for key in keys],
                missing_document=missing,
                state=state,
                withdrawn_because=because,
                suggested_by=author,
                suggested_via="form",
                approved_by=approver,
                approved_via="judging",
                second_by=second,
                created_at=given.created_at,
            )
            session.add(row)
            session.add(FeedbackRow(answer_id=answer, person=author, correction=text, burst=burst))
            session.flush()
            hashes = {}
            for key in keys:
                document = documents.with_text(session, self.id(key))
                hashes[document.id] = curated.content_hash(document.title, document.text)
            if keys and state in (CorrectionState.APPROVED, CorrectionState.WITHDRAWN):
                curated.put_in_force(session, row.id, tenant, question, text, hashes, timedelta(days=180))
                if because:
                    session.flush()
                    curated.withdraw(session, row.id, Withdrawal(because))
        return answer

    def confirms(self, question: str, text: str, *keys: str, judges: Sequence[str] = (ANN,)) -> str:
        """Our answer was `text`, and these people found it correct; without a text it was that we do not know."""
        answer = self.asked(question)
        with self.database.writing() as session:
            row = session.get_one(AnswerRow, answer)
            row.masked_text = text or "I don't know."
            if not text:
                row.outcome = Outcome.ABSTAINED
                row.decision = {"action": Action.ABSTAINED, "rule": "nothing found that answers it"}
            for number, key in enumerate(keys, start=1):
                session.add(_source(answer, number, self.id(key)))
            audit = AuditRow(answer_id=answer, priority="sample", state=AuditState.JUDGED, verdict=Verdict.CORRECT)
            session.add(audit)
            session.flush()
            for judge in judges:
                session.add(
                    VerdictRow(
                        audit_id=audit.id,
                        reviewer=judge,
                        origin=Origin.PAGE,
                        external_id=new_id(),
                        verdict=Verdict.CORRECT,
                        grounded=Grounded.GROUNDED,
                    )
                )
        return answer

    def withdraws(self, answer: str) -> None:
        with self.database.writing() as session:
            for row in session.query(CorrectionRow).filter_by(answer_id=answer):
                row.state, row.withdrawn_because = CorrectionState.WITHDRAWN, Withdrawal.REJECTED
                served = session.get_one(CuratedRow, row.id)
                served.withdrawn_at = now()


def _source(answer: str, number: int, document: str) -> AnswerSourceRow:
    return AnswerSourceRow(
        answer_id=answer,
        number=number,
        cited=True,
        document_id=document,
        chunk_id="c",
        title="t",
        headings=[],
        text="",
        start=0,
        end=1,
        score=1.0,
        bm25=1.0,
        cosine=1.0,
    )


THINGS = (
    *("badge", "bicycle", "canteen", "laptop", "parking", "visitor", "holiday", "training", "expenses", "pension"),
    *("sauna", "library", "gym", "shuttle", "locker", "garden", "printer", "phone", "desk", "key"),
    *("mentor", "bonus", "coffee", "shower", "workshop", "studio", "forklift", "uniform", "invoice", "contract"),
)


def facts(thing: str) -> dict[str, tuple[str, str]]:
    """Questions about it, each with its answer and the sentence that says so."""
    number = THINGS.index(thing) + 3
    title = thing.capitalize()
    return {
        f"How long does a {thing} request take?": (
            f"{number} working days",
            f"A {thing} request takes {number} working days.",
        ),
        f"Who signs the {thing} form?": (
            f"the {thing} officer",
            f"The form is signed by the {thing} officer on the ground floor.",
        ),
        f"What does a lost {thing} cost?": (
            f"EUR {number * 10}",
            f"{title} loss: whoever loses one pays EUR {number * 10} for the replacement.",
        ),
    }


def texts(things: Sequence[str] = THINGS) -> dict[str, str]:
    return {
        f"{'hr' if at % 2 else 'it'}/{thing}.md": f"# {thing.capitalize()}\n\n"
        + " ".join(sentence for _, sentence in facts(thing).values())
        for at, thing in enumerate(things)
    }


def keys(things: Sequence[str] = THINGS) -> dict[str, str]:
    return dict(zip(things, texts(things), strict=True))
