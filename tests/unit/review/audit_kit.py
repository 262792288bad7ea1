"""An office whose answers are audited: rows, a review queue in memory, and the loop between them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from answerloop.auditing import AuditState, Priority
from answerloop.db.audit_tables import AlarmRow, AuditRow, ReviewerRow, SampleRow, VerdictRow
from answerloop.db.repositories import documents
from answerloop.db.session import Database
from answerloop.db.tables import (
    AnswerRow,
    AnswerSourceRow,
    ConversationRow,
    DocumentRow,
    FeedbackRow,
    OutboxRow,
    QuestionRow,
    SourceRow,
    now,
)
from answerloop.testing.fake_review_queue import FakeReviewQueue
from answerloop.testing.fakes import FakeRedactor, FakeTaskQueue
from review.audit import AuditLoop
from review.audit_tasks import TaskWriter

ANN, BEN = "ann@orrenby.example", "ben@orrenby.example"


@dataclass
class Office:
    database: Database
    reviews: Any = field(default_factory=FakeReviewQueue)
    people: Any = None
    queue: FakeTaskQueue = field(default_factory=FakeTaskQueue)
    redactor: FakeRedactor = field(default_factory=lambda: FakeRedactor("Dana Reyes", "Finn"))

    def __post_init__(self) -> None:
        self.people = self.people or self.reviews
        with self.database.writing() as session:
            for email in (ANN, BEN):
                session.add(ReviewerRow(id=email, external_id=self.people.account(email)))
        self.loop = self.another_loop()

    def another_loop(self, reviews: Any = None) -> AuditLoop:
        """As a second process has it, or one that was started again."""
        writer = TaskWriter(self.redactor)
        lease = timedelta(seconds=60)
        return AuditLoop(self.database, self.queue, reviews or self.reviews, writer, "reviewers", lease)

    # --- rows

    def audit(
        self,
        allow: tuple[str, ...] = ("everyone",),
        priority: Priority = Priority.SAMPLE,
        said: tuple[str, ...] = (),
        **answer: object,
    ) -> str:
        """An answered question that waits for its reviewer; the id of the audit."""
        with self.database.writing() as session:
            talk = ConversationRow(channel="web", key=now().isoformat(), tenant="default", owner="dana", title="")
            session.add(talk)
            session.flush()
            question = QuestionRow(
                conversation_id=talk.id, channel="web", tenant="default", asker="dana", state="answered",
                text="Dana Reyes asks: how many days?",
            )  # fmt: skip
            session.add(question)
            session.flush()
            row = AnswerRow(
                question_id=question.id, text="60 days, says Dana Reyes.", masked_question="<PERSON_1> asks: how many?",
                masked_text="60 days, says <PERSON_1>.", confidence="sure", outcome="answered", model="reader",
                adapter="base", finished_at=now(), **answer,
            )  # fmt: skip
            session.add(row)
            session.flush()
            document = self._document(session, allow)
            session.add(
                AnswerSourceRow(
                    answer_id=row.id, number=1, cited=True, document_id=document, chunk_id="c", title="Leave",
                    headings=[], text="Everybody gets 90 days.", start=0, end=9, score=1.0, bm25=1.0, cosine=1.0,
                )
            )  # fmt: skip
            session.add(
                SampleRow(
                    answer_id=row.id, probability=1.0, draw=0.1, chosen=True, priority=priority, topic="leave",
                    stratum="web/leave/sure", wanted=1.0,
                    flags=["thumb_down"] if said else [],
                )
            )  # fmt: skip
            for place, words in enumerate(said):
                person = FeedbackRow(answer_id=row.id, person=f"p{place}", thumb="down", correction=words)
                session.add(person)
            audit = AuditRow(answer_id=row.id, priority=priority)
            session.add(audit)
            session.flush()
            return audit.id

    def _document(self, session, allow: tuple[str, ...]) -> str:
        source = session.scalar(select(SourceRow))
        if source is None:
            source = SourceRow(tenant="default", location="/handbook", allow=[])
            session.add(source)
            session.flush()
        row = DocumentRow(
            source_id=source.id, key=now().isoformat(), tenant="default", title="Leave",
            reader_set_id=documents.reader_set(session, "default", allow),
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id

    def restrict_document_of(self, audit_id: str) -> None:
        with self.database.writing() as session:
            answer = session.get_one(AuditRow, audit_id).answer_id
            source = session.scalars(select(AnswerSourceRow).where(AnswerSourceRow.answer_id == answer)).one()
            row = session.get_one(DocumentRow, source.document_id)
            row.reader_set_id = documents.reader_set(session, "default", ("board",))

    # --- what came of it

    def row(self, audit_id: str) -> AuditRow:
        with self.database.reading() as session:
            return session.get_one(AuditRow, audit_id)

    def state(self, audit_id: str) -> AuditState:
        return AuditState(self.row(audit_id).state)

    def task(self, audit_id: str) -> str:
        task = self.row(audit_id).task
        assert task is not None
        return task

    def set_state(self, audit_id: str, state: AuditState) -> None:
        with self.database.writing() as session:
            session.get_one(AuditRow, audit_id).state = state

    def verdicts(self, audit_id: str) -> list[VerdictRow]:
        """Those that stand."""
        with self.database.reading() as session:
            rows = session.scalars(
                select(VerdictRow).where(VerdictRow.audit_id == audit_id, VerdictRow.withdrawn_at.is_(None))
            )
            return list(rows)

    def said(self, audit_id: str) -> list[tuple[str, str]]:
        return sorted((row.reviewer, row.verdict) for row in self.verdicts(audit_id))

    def judged(self) -> list[str]:
        """The audits that `review.judge` was sent for, and none was left in the outbox."""
        with self.database.reading() as session:
            assert session.scalars(select(OutboxRow)).all() == [] or self.queue.down
        jobs, self.queue.jobs = self.queue.jobs, []
        return [job.args[0] for job in jobs if job.task == "review.judge"]

    def alarms(self) -> set[str]:
        with self.database.reading() as session:
            rows = session.scalars(select(AlarmRow).where(AlarmRow.cleared_at.is_(None)))
            return {row.key.split(" ")[0] for row in rows}
