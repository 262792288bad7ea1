"""An answered question, reviewers, and what they say of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select

from answerloop.auditing import CorrectionState, Grounded, Origin, Priority, Verdict
from answerloop.backends.groundedness_mixed import MixedGroundednessDetector
from answerloop.db.audit_tables import AlarmRow, AuditRow, CorrectionRow, CuratedRow, ReviewerRow, SampleRow, VerdictRow
from answerloop.db.repositories import answers, documents, feedback, questions
from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow, DocumentRow, QuestionRow, now
from answerloop.domain import (
    BASE_ADAPTER,
    Action,
    AnswerDraft,
    CitedSource,
    Confidence,
    Decision,
    InboundQuestion,
    Opinion,
    Outcome,
    Passage,
    Usage,
    Via,
)
from answerloop.testing.fakes import FakeRedactor, FakeTaskQueue
from bot.intake import Intake
from review.corrections import Corrections

ANN, BOB, CAT = "ann@example.com", "bob@example.com", "cat@example.com"
DANA, EVE = "dana", "eve"  # who asks, and a colleague
QUESTION = "How many days of parental leave do I get?"
LEAVE = "Every employee gets 90 days of paid parental leave for each child."
TRAVEL = "The hotel limit in London is EUR 210 per night."
RIGHT = "You get 90 days of paid parental leave for each child."
OTHER = "Every employee gets 90 days of paid leave."
WRONG_ANSWER = "**60 days [1]**"


def passage(document_id: str, text: str) -> Passage:
    return Passage(document_id, f"{document_id}-0", "Leave", (), text, 0, len(text), None, None, 0.9, 1.0, 0.9)


class Desk:
    """Dana has asked; `sources` of her answer are the leave document (cited) and the travel document (merely near)."""

    def __init__(self, database: Database, *, four_eyes: Iterable[str] = (), overlap: int = 1) -> None:
        self.database = database
        self.queue = FakeTaskQueue()
        self.corrections = self.with_rules(four_eyes)
        self.overlap = overlap
        self._keys = itertools.count()
        self._minutes = itertools.count(1)
        self.leave = self.document("hr/leave.md", LEAVE)
        self.travel = self.document("travel/hotels.md", TRAVEL)
        self.reviewer(ANN)
        self.reviewer(BOB)
        self.reviewer(CAT)

    def with_rules(self, four_eyes: Iterable[str] = ()) -> Corrections:
        return Corrections(
            self.database,
            self.queue,
            MixedGroundednessDetector(),
            FakeRedactor("Jane Doe"),
            four_eyes=tuple(four_eyes),
            lasts=timedelta(days=180),
            grounded_threshold=0.6,
        )

    # --- what there is

    def document(self, key: str, text: str) -> str:
        with self.database.writing() as session:
            row = DocumentRow(
                source_id=documents.register_source(session, "default", "/docs", ()),
                key=key,
                tenant="default",
                title=key,
                text=text,
                reader_set_id=documents.reader_set(session, "default", ["everyone"]),
            )
            session.add(row)
            session.flush()
            return row.id

    def reviewer(self, name: str, *people: str, active: bool = True) -> None:
        with self.database.writing() as session:
            session.merge(ReviewerRow(id=name, people=list(people), active=active, invited_by="test"))

    def answered(
        self, question: str = QUESTION, *, thread: str = "t1", cited: bool = True, masked: bool = True
    ) -> str:  # fmt: skip
        """Its answer's id."""
        key = f"k{next(self._keys)}"
        asked = Intake(self.database, self.queue, 1000, 100).accept(
            InboundQuestion("web", "default", DANA, thread, question, (key,))
        )
        sources = (
            CitedSource(1, passage(self.leave, LEAVE), cited),
            CitedSource(2, passage(self.travel, TRAVEL), False),
        )
        draft = AnswerDraft(
            WRONG_ANSWER, Outcome.ANSWERED, Confidence.SURE, sources, "m", Usage(BASE_ADAPTER, 1, 1), "v", {}, {}, "",
            Decision(Action.QUOTED, "evidence"),
        )  # fmt: skip
        with self.database.writing() as session:
            claim = questions.claim(session, asked.question_id, timedelta(minutes=9))
            assert claim is not None
            answers.finish(session, claim, timedelta(minutes=9), draft)
            if masked:
                hidden = question.replace("Jane Doe", "<PERSON_1>")
                answers.store_masked(session, asked.question_id, hidden, WRONG_ANSWER)
            answer = session.scalars(select(AnswerRow).where(AnswerRow.question_id == asked.question_id)).one()
            session.get_one(QuestionRow, asked.question_id).created_at = now() + timedelta(seconds=next(self._minutes))
            return answer.id

    def audit(self, answer_id: str) -> str:
        with self.database.writing() as session:
            session.add(
                SampleRow(
                    answer_id=answer_id,
                    probability=1.0,
                    draw=0.0,
                    chosen=True,
                    priority=Priority.FLAGGED,
                    topic="hr",
                    stratum="web:hr:sure",
                    wanted=1.0,
                )
            )
            row = AuditRow(answer_id=answer_id, priority=Priority.FLAGGED, state="out", overlap=self.overlap, task="7")
            session.add(row)
            session.flush()
            return row.id

    # --- what people do

    def says(
        self,
        audit: str,
        reviewer: str = ANN,
        verdict: Verdict = Verdict.WRONG,
        correction: str | None = RIGHT,
        *,
        edited: bool = True,
        origin: Origin = Origin.LABEL_STUDIO,
        documents: Iterable[int | str] = (),
        missing: str = "",
        judge: bool = True,
    ) -> str:
        """A verdict, or another one in its place; its id."""
        at = now() + timedelta(milliseconds=next(self._minutes))
        key = f"{audit}/{reviewer}/{origin}"
        with self.database.writing() as session:
            row = session.scalar(select(VerdictRow).where(VerdictRow.external_id == key))
            if row is None:
                row = VerdictRow(
                    audit_id=audit,
                    reviewer=reviewer,
                    origin=origin,
                    external_id=key,
                    submitted_at=at,
                    verdict=verdict,
                    grounded=Grounded.NOT,
                )
                session.add(row)
            row.verdict, row.grounded = verdict, Grounded.NOT
            row.correction, row.edited, row.documents = correction, edited, list(documents)
            row.missing_document, row.updated_at, row.withdrawn_at = missing, at, None
            row.taken_at = at
            session.flush()
            verdict_id = row.id
        if judge:
            self.corrections.judge(audit)
        return verdict_id

    def takes_back(self, verdict_id: str) -> None:
        with self.database.writing() as session:
            row = session.get_one(VerdictRow, verdict_id)
            row.withdrawn_at = now()
            audit = row.audit_id
        self.corrections.judge(audit)

    def suggests(self, answer_id: str, person: str = EVE, text: str = RIGHT) -> None:
        with self.database.writing() as session:
            feedback.add(session, answer_id, person, Opinion(correction=text), Via.CLICK)

    def change_document(self, document_id: str, text: str) -> None:
        with self.database.writing() as session:
            session.get_one(DocumentRow, document_id).text = text

    # --- what has become of it

    def all(self) -> list[CorrectionRow]:
        with self.database.reading() as session:
            return list(session.scalars(select(CorrectionRow).order_by(CorrectionRow.created_at)))

    def states(self) -> list[str]:
        return [row.state for row in self.all()]

    def only(self) -> CorrectionRow:
        (row,) = self.all()
        return row

    def in_force(self) -> list[CuratedRow]:
        """For whoever asks the same."""
        standing = select(CuratedRow).where(CuratedRow.withdrawn_at.is_(None), CuratedRow.question != "")
        with self.database.reading() as session:
            return list(session.scalars(standing))

    def audit_row(self, audit: str) -> AuditRow:
        with self.database.reading() as session:
            return session.get_one(AuditRow, audit)

    def alarms(self) -> list[AlarmRow]:
        with self.database.reading() as session:
            return list(session.scalars(select(AlarmRow)))

    def corrected(self) -> int:
        """How often a worker was told to bring an answer in line; forgets it."""
        count = sum(job.task == "answer.correct" for job in self.queue.jobs)
        self.queue.jobs.clear()
        return count


APPROVED, NEEDS_SECOND, PROPOSED, REJECTED, WITHDRAWN = (
    CorrectionState.APPROVED,
    CorrectionState.NEEDS_SECOND,
    CorrectionState.PROPOSED,
    CorrectionState.REJECTED,
    CorrectionState.WITHDRAWN,
)
