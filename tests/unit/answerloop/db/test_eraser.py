"""What is erased is gone: from tables, from the bytes of the file, from chats and logs; what counts stays a number."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from answerloop.auditing import AuditState, CorrectionState
from answerloop.db.audit_tables import (
    AlarmRow,
    AuditRow,
    CorrectionRow,
    CuratedRow,
    GapReportRow,
    QuestionVectorRow,
    ReceiptRow,
    ReplacedAnswerRow,
    ReviewerRow,
    SampleRow,
    VerdictRow,
)
from answerloop.db.eraser import PATIENCE, Eraser
from answerloop.db.repositories import corrected, documents, feedback, receipts
from answerloop.db.tables import (
    AnswerRow,
    AnswerSourceRow,
    ConversationRow,
    DeliveryRow,
    DocumentRow,
    FeedbackRow,
    NoticeRow,
    OutboxRow,
    QuestionRow,
    Table,
    now,
)
from answerloop.domain import Opinion, Thumb, Via
from answerloop.errors import NotFound
from answerloop.testing.fake_chat import FakeChat
from answerloop.testing.fakes import FakeEmbedder
from bot.people import Call
from tests.unit.bot.web.web_kit import source
from tests.unit.workers.answering.desk_kit import Scene, ScriptedPipeline, a_draft
from workers.answering.sample import Plan, Sampler

DANA, FINN = "slack:T01:UDANA77", "slack:T01:UFINN88"
ASKED, ANSWERED = "Quokka leave in Zanzibar?", "Wombats get 90 days."
SAID, BETTER = "Platypus nonsense", "Echidna 95 days"
HELD = "The numbat clause of the handbook."
ROOM = "slack:T01:C01"


class Office(Scene):
    """Dana and Finn ask in a room; both are judged; and Finn's answer was rated by Dana."""

    asker = DANA
    room = ROOM
    embedder = FakeEmbedder()

    def __init__(self, database: Any, folder: Path) -> None:
        super().__init__(database, FakeChat("slack"), {"channel": "C01", "user": "UDANA77"})
        for person in (DANA, FINN):
            self.directory.groups[person] = frozenset({"everyone"})
        self.directory.rooms[ROOM] = [DANA, FINN]
        self.folder = folder
        self.eraser = Eraser(database, b"k" * 32, folder / "logs", folder / "datasets")
        (folder / "logs").mkdir()

    def asks(self, person: str, text: str, answer: str, document: str | None = None) -> tuple[str, str]:
        self.asker, self.address = person, {"channel": "C01", "user": person}
        question = self.ask(text, f"key-{next(self._numbers)}")
        draft = a_draft(answer, (source(document, text=HELD),) if document else ())
        self.desk(ScriptedPipeline(lambda asked, show: draft)).answer(question)
        self.run_jobs()
        self.log(f'{{"message": "question answered", "question_id": "{question}"}}')
        return question, self.view(question).answer_id

    def log(self, line: str) -> None:
        with (self.folder / "logs" / "bot.log").open("a") as file:
            file.write(line + "\n")

    def judged(self, answer: str, reviewer: str, correction: str | None, **columns: Any) -> str:
        with self.database.writing() as session:
            audit = session.scalar(select(AuditRow).where(AuditRow.answer_id == answer))
            if audit is None:
                audit = AuditRow(answer_id=answer, priority="sample")
                session.add(audit)
            audit.state, audit.project, audit.task, audit.verdict = "judged", "p1", f"t-{answer[:8]}", "wrong"
            session.flush()
            session.add(VerdictRow(
                audit_id=audit.id, reviewer=reviewer, origin="page", external_id=f"{audit.id}:{reviewer}",
                verdict="wrong", grounded="not_grounded", correction=correction, **columns,
            ))  # fmt: skip
            return audit.id

    def corrects(self, answer: str, by: str, text: str, state: CorrectionState, **columns: Any) -> str:
        """Also in force where it is approved."""
        with self.database.writing() as session:
            masked = session.get_one(AnswerRow, answer).masked_question or ""
            row = CorrectionRow(
                answer_id=answer, tenant="default", question=masked, text=text, state=state, suggested_by=by,
                suggested_via="page", **columns,
            )  # fmt: skip
            session.add(row)
            session.flush()
            if state == CorrectionState.APPROVED:
                session.add(CuratedRow(
                    correction_id=row.id, tenant="default", question=masked, text=text,
                    documents=dict.fromkeys(columns.get("documents", []), "h"), expires_at=now() + timedelta(days=9),
                ))  # fmt: skip
            return row.id

    def document(self) -> str:
        with self.database.writing() as session:
            row = DocumentRow(
                source_id=documents.register_source(session, "default", "handbook", ["everyone"]), key="hr/numbat.md",
                tenant="default", title="Numbat", text=HELD,
                reader_set_id=documents.reader_set(session, "default", ["everyone"]),
            )  # fmt: skip
            session.add(row)
            session.flush()
            return row.id

    def all(self, table: Any) -> list[Any]:
        with self.database.reading() as session:
            return list(session.scalars(select(table)))

    def count(self, table: Any) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def finish(self) -> None:
        """What the jobs do, the review queue's among them."""
        self.recovery.recover()
        for job in [job for job in self.queue.jobs if job.task == "review.withdraw"]:
            with self.database.writing() as session:
                [receipt] = job.args
                receipts.tasks_withdrawn(session, receipt, receipts.tasks_to_withdraw(session, receipt))
        self.run_jobs()
        self.eraser.finish()

    def holds(self, *texts: str) -> list[str]:
        """Those that stand anywhere in the folder (a file of a database, its journal, logs) or in a table."""
        self.database.empty_journal()
        content = b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())
        with self.database.reading() as session:
            for table in Table.metadata.sorted_tables:
                content += repr(session.execute(select(table)).all()).encode()
        return [text for text in texts if text.encode() in content]


@pytest.fixture
def office(database, tmp_path) -> Office:
    return Office(database, tmp_path)


@pytest.fixture
def two(office) -> dict[str, tuple[str, str]]:
    """Dana's question and Finn's, each with its answer; looked at, rated, judged."""
    asked = {
        DANA: office.asks(DANA, ASKED, ANSWERED),
        FINN: office.asks(FINN, "How long is the probation?", "Three months, says the handbook."),
    }
    with office.database.writing() as session:
        feedback.give(session, asked[FINN][1], DANA, Opinion(Thumb.DOWN, None, SAID, BETTER), Via.FORM)
        feedback.give(session, asked[DANA][1], FINN, Opinion(Thumb.DOWN, None, "Kiwi words"), Via.FORM)
    Sampler(office.database, Plan(1, 1, 0, 50, 1, "reviewers")).sample()
    return asked


PERSONS = (DANA, "UDANA77", ASKED, ANSWERED, "Quokka", "Wombat", SAID, BETTER)


def test_before_an_erasure_all_of_it_can_be_found(office, two):
    assert office.holds(*PERSONS) == list(PERSONS)


def test_of_a_person_neither_name_nor_words_are_left_in_any_byte(office, two):
    office.actions(Call({"channel": "C02"}, (FINN,), ROOM)).ask_human(two[DANA][1], DANA, ROOM)
    office.run_jobs()
    office.judged(two[DANA][1], "eve@example.com", "Kiwi correction")
    office.judged(two[FINN][1], "eve@example.com", None)
    office.corrects(two[DANA][1], "eve@example.com", "Kiwi text", CorrectionState.PROPOSED)
    office.corrects(two[FINN][1], DANA, BETTER, CorrectionState.PROPOSED)
    office.log(f'{{"message": "room settings changed", "by": "{DANA}"}}')
    with office.database.writing() as session:
        themes = [{"title": "leave", "examples": [ASKED, "How long is the probation?"]}]
        session.add(GapReportRow(tenant="default", since=now(), until=now(), themes=themes))
        session.add(AlarmRow(key="a", kind="k", text=f"{DANA} again", cleared_by=DANA))
    receipt = office.eraser.person(DANA, "root")
    office.finish()
    assert office.holds(*PERSONS, "Kiwi", two[DANA][0]) == [two[DANA][0]], "the id of a question alone, in its skeleton"
    [report] = office.all(GapReportRow)
    assert report.themes == [{"title": "leave", "examples": ["[erased]", "How long is the probation?"]}]
    [kept] = office.all(ReceiptRow)
    assert (kept.id, kept.kind, kept.asked_by, kept.unfinished) == (receipt.id, "person", "root", {})
    assert kept.finished_at is not None
    assert kept.counts["questions"] == kept.counts["answers"] == 1
    assert kept.counts["corrections"] == 2
    assert DANA not in json.dumps([kept.subject, kept.counts])


def test_what_others_asked_and_what_counts_stays(office, two):
    office.judged(two[DANA][1], "eve@example.com", "Kiwi correction")
    office.eraser.person(DANA, "root")
    office.finish()
    assert office.view(two[FINN][0]).question == "How long is the probation?"
    assert office.view(two[FINN][0]).text == "Three months, says the handbook."
    assert office.count(SampleRow) == 2
    [verdict] = office.all(VerdictRow)
    assert (verdict.reviewer, verdict.verdict, verdict.correction) == ("eve@example.com", "wrong", None)
    [audit] = [row for row in office.all(AuditRow) if row.answer_id == two[DANA][1]]
    assert (audit.state, audit.verdict, audit.task) == (AuditState.JUDGED, "wrong", None)
    assert [row.question_id for row in office.all(QuestionVectorRow)] == [two[FINN][0]]
    assert [row.question_id for row in office.all(DeliveryRow)] == [two[FINN][0]]
    assert office.all(FeedbackRow) == []


def test_messages_in_chats_are_taken_away_before_the_way_to_them_is_forgotten(office, two):
    office.actions(Call({"channel": "C02"}, (FINN,), ROOM)).ask_human(two[DANA][1], DANA, ROOM)
    office.run_jobs()
    shown = len(office.chat.messages)
    office.eraser.person(DANA, "root")
    office.eraser.finish()
    with office.database.reading() as session:
        assert session.get(DeliveryRow, two[DANA][0]) is not None
    office.finish()
    assert shown - len(office.chat.messages) == 2, "the answer, and the call for help that quoted the question"
    with office.database.reading() as session:
        assert session.get(DeliveryRow, two[DANA][0]) is None
    assert [row.question_id for row in office.all(NoticeRow) if row.question_id == two[DANA][0]] == []


def test_a_receipt_is_unfinished_until_tasks_and_messages_are_gone(office, two):
    office.judged(two[DANA][1], "eve@example.com", None)
    receipt = office.eraser.person(DANA, "root")
    assert receipt.unfinished == {"chats": 1, "tasks": 1}
    with office.database.reading() as session:
        assert receipts.tasks_to_withdraw(session, receipt.id) == [("p1", f"t-{two[DANA][1][:8]}")]
    assert [row.task for row in office.all(OutboxRow) if row.queue == "review"] == ["review.withdraw"]
    office.finish()
    with office.database.reading() as session:
        assert receipts.get(session, receipt.id).finished_at is not None


def test_a_platform_that_stays_away_is_given_up_after_a_day(office, two):
    receipt = office.eraser.person(DANA, "root")
    with office.database.writing() as session:
        session.get_one(ReceiptRow, receipt.id).created_at -= PATIENCE
    office.eraser.finish()
    with office.database.reading() as session:
        kept = receipts.get(session, receipt.id)
    assert kept.counts["messages_left_in_chats"] == 1
    assert kept.finished_at is not None


def test_a_task_that_quoted_them_goes_out_anew_without(office, two):
    with office.database.writing() as session:
        for audit in session.scalars(select(AuditRow)):
            audit.state, audit.project, audit.task = AuditState.OUT, "p1", audit.answer_id[:8]
    office.eraser.person(DANA, "root")
    states = {row.answer_id: (row.state, row.task) for row in office.all(AuditRow)}
    assert states == {two[DANA][1]: (AuditState.CLOSED, None), two[FINN][1]: (AuditState.WAITING, None)}


def test_a_correction_of_theirs_stays_when_others_approved_it_without_the_name(office, two):
    stays = office.corrects(two[FINN][1], DANA, "Six months.", CorrectionState.APPROVED, approved_by="eve@example.com")
    alone = office.corrects(two[FINN][1], DANA, "Seven months.", CorrectionState.APPROVED, approved_by=DANA)
    office.corrects(two[FINN][1], DANA, "Eight months.", CorrectionState.NEEDS_SECOND, approved_by="eve@example.com")
    office.eraser.person(DANA, "root")
    [kept] = office.all(CorrectionRow)
    assert (kept.id, kept.text, kept.suggested_by, kept.approved_by) == (
        stays, "Six months.", "erased", "eve@example.com",
    )  # fmt: skip
    assert [row.correction_id for row in office.all(CuratedRow)] == [stays] != [alone]


def test_what_became_of_their_question_goes_with_its_words(office, two):
    office.corrects(two[DANA][1], FINN, "90 days.", CorrectionState.APPROVED, approved_by="eve@example.com")
    office.eraser.person(DANA, "root")
    assert office.all(CorrectionRow) == office.all(CuratedRow) == []


def test_what_was_answered_before_a_correction_goes_too(office, two):
    correction = office.corrects(two[DANA][1], FINN, "90 days.", CorrectionState.APPROVED, approved_by="e@example.com")
    with office.database.writing() as session:
        corrected.correct(session, two[DANA][1], correction, "Ninety.", [])
    assert [row.text for row in office.all(ReplacedAnswerRow)] != []
    office.eraser.person(DANA, "root")
    assert office.all(ReplacedAnswerRow) == []


def test_a_reviewer_is_erased_under_every_name(office, two):
    with office.database.writing() as session:
        session.add(ReviewerRow(id="dana@example.com", people=[DANA, "dana"]))
        session.add(ReviewerRow(id="eve@example.com", people=[]))
    office.judged(two[FINN][1], "dana@example.com", "Echidna again")
    office.corrects(two[FINN][1], FINN, "x", CorrectionState.APPROVED, approved_by="dana@example.com")
    office.eraser.person("dana", "root")
    office.finish()
    assert office.holds("dana@example.com", DANA, "Echidna") == []
    assert [row.id for row in office.all(ReviewerRow)] == ["eve@example.com"]
    [verdict] = office.all(VerdictRow)
    assert (verdict.reviewer, verdict.verdict, verdict.correction) == ("erased", "wrong", None)
    assert [row.approved_by for row in office.all(CorrectionRow)] == ["erased"]


def test_a_question_that_still_waits_is_not_answered(office):
    office.asker = DANA
    question = office.ask(ASKED)
    office.eraser.person(DANA, "root")
    office.desk(ScriptedPipeline(lambda asked, show: pytest.fail("nobody wants it"))).answer(question)
    office.finish()
    assert office.holds("Quokka") == []


def test_who_is_unknown_is_said_and_leaves_no_receipt(office, two):
    for erase in (office.eraser.person, office.eraser.document):
        with pytest.raises(NotFound):
            erase("nobody", "root")
    assert office.all(ReceiptRow) == []


def test_a_second_time_there_is_nothing_left(office, two):
    office.eraser.person(DANA, "root")
    with pytest.raises(NotFound):
        office.eraser.person(DANA, "root")


def test_a_crash_after_the_rows_are_gone_leaves_the_rest_to_the_next_run(office, two):
    class Dying(Eraser):
        def _here(self, receipt_id: str) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Dying(office.database, b"k" * 32, office.folder / "logs", office.folder / "datasets").person(DANA, "root")
    assert office.holds("Quokka") == []
    office.finish()
    assert office.holds(*PERSONS) == []
    assert two[DANA][0] not in (office.folder / "logs" / "bot.log").read_text()
    [receipt] = office.all(ReceiptRow)
    assert receipt.finished_at is not None


# --- a document


def test_what_was_said_from_a_document_goes_with_it_and_the_questions_stay(office):
    document = office.document()
    question, answer = office.asks(DANA, ASKED, f"Wombat: {HELD}", document)
    other, other_answer = office.asks(FINN, "How long is the probation?", "Three months.")
    office.judged(answer, "eve@example.com", "The numbat clause again")
    office.corrects(answer, FINN, "Numbat!", CorrectionState.APPROVED, approved_by="e", documents=[document])
    kept = office.corrects(other_answer, FINN, "Two.", CorrectionState.APPROVED, approved_by="e", documents=["another"])
    office.log(f'{{"message": "document failed", "key": "hr/numbat.md", "id": "{document}"}}')
    receipt = office.eraser.document(document, "root")
    assert receipt.unfinished == {"chats": 1, "index": 1, "tasks": 1}
    office.finish()
    assert office.holds("numbat", "Numbat", "Wombat") == []
    view = office.view(question)
    assert view.question == ASKED
    assert view.text.startswith("This answer was erased")
    assert (view.sources, view.retracted) == ((), True)
    assert office.view(other).text == "Three months."
    assert [row.correction_id for row in office.all(CuratedRow)] == [kept]
    assert office.count(DocumentRow) == office.count(AnswerSourceRow) == 0


def test_the_index_is_done_when_no_old_version_of_it_is_left(office):
    document = office.document()
    receipt = office.eraser.document(document, "root")
    with office.database.writing() as session:
        assert receipts.documents_to_forget(session, receipt.id) == [("default", document)]
        receipts.document_forgotten(session, receipt.id, document, timedelta(minutes=10))
    with office.database.writing() as session:
        assert receipts.documents_to_forget(session, receipt.id) == [("default", document)]
        receipts.document_forgotten(session, receipt.id, document, timedelta(0))
    with office.database.reading() as session:
        assert receipts.documents_to_forget(session, receipt.id) == []
        assert receipts.get(session, receipt.id).finished_at is not None


def test_where_a_document_was_only_near_the_answer_stays(office):
    document = office.document()
    _, answer = office.asks(DANA, ASKED, ANSWERED)
    with office.database.writing() as session:
        session.add(AnswerSourceRow(
            answer_id=answer, number=1, cited=False, document_id=document, chunk_id="c", title="Numbat", headings=[],
            text=HELD, start=0, end=1, score=0.0, bm25=0.0, cosine=0.0,
        ))  # fmt: skip
        session.add(AuditRow(answer_id=answer, priority="sample", state="out", project="p1", task="t1"))
    office.eraser.document(document, "root")
    office.finish()
    assert office.holds("numbat") == []
    [row] = office.all(AnswerRow)
    assert (row.text, row.retracted_at) == (ANSWERED, None)
    [audit] = office.all(AuditRow)
    assert (audit.state, audit.task) == (AuditState.WAITING, None)


# --- age


def aged(office: Office, question: str, days: int) -> None:
    with office.database.writing() as session:
        session.get_one(QuestionRow, question).created_at -= timedelta(days=days)


def test_what_is_old_loses_its_words_and_keeps_its_figures(office, two):
    office.judged(two[DANA][1], "eve@example.com", "Kiwi correction")
    office.corrects(two[DANA][1], FINN, "in force", CorrectionState.APPROVED, approved_by="eve@example.com")
    office.corrects(two[DANA][1], FINN, "Kiwi proposal", CorrectionState.PROPOSED)
    aged(office, two[DANA][0], 366)
    assert office.eraser.older_than(365) == 1
    assert office.eraser.older_than(365) == 0
    office.finish()
    assert office.holds("Wombat", "Kiwi") == []
    with office.database.reading() as session:
        row = session.scalar(select(AnswerRow).where(AnswerRow.question_id == two[DANA][0]))
    assert (row.outcome, row.model, row.retracted_at) == ("answered", "fake", None)
    assert [row.text for row in office.all(CorrectionRow)] == ["in force"], "what was approved has an end of its own"
    assert len(office.chat.messages) == 2, "messages are left to the platform's own retention"
    assert office.view(two[FINN][0]).question == "How long is the probation?"
    [receipt] = office.all(ReceiptRow)
    assert (receipt.kind, receipt.counts["questions"]) == ("retention", 1)


def test_old_conversations_are_gone_from_the_list(office, two):
    aged(office, two[DANA][0], 400)
    aged(office, two[FINN][0], 400)
    assert office.eraser.older_than(365) == 2
    assert [(row.owner, row.title) for row in office.all(ConversationRow)] == [("", "")]


# --- logs


def test_lines_of_logs_are_blanked_in_place(office):
    logs: Callable[[], list[str]] = (office.folder / "logs" / "bot.log").read_text
    question, _ = office.asks(DANA, ASKED, ANSWERED)
    office.log('{"message": "other", "by": "slack:T01:UDANA778"}')
    before = (office.folder / "logs" / "bot.log").stat().st_size
    office.eraser.person(DANA, "root")
    lines = str(logs()).splitlines()
    assert json.loads(lines[0]) == {"message": "erased"}
    assert json.loads(lines[1]) == {"message": "other", "by": "slack:T01:UDANA778"}
    assert (office.folder / "logs" / "bot.log").stat().st_size == before
    assert question not in str(logs())
