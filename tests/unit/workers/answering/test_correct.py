"""The answer that was wrong becomes the right one, for those who may read it, and whoever asked is told once."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from answerloop.auditing import CorrectionState, Withdrawal
from answerloop.db.audit_tables import CorrectionRow, ReplacedAnswerRow
from answerloop.db.repositories import answers, corrections, curated, documents
from answerloop.db.tables import AnswerRow, DocumentRow, OutboxRow, new_id
from answerloop.domain import CitedSource, Confidence, NoticeKind, Outcome, Passage
from answerloop.errors import DeliveryImpossible, DirectoryUnavailable
from answerloop.testing.fake_chat import FakeChat
from tests.unit.workers.answering.desk_kit import Scene
from workers.answering.correct import CorrectionDesk

LEAVE = "Every employee gets 90 days of paid parental leave."
RIGHT = "You get 90 days of paid parental leave."
SHOWN = f"{RIGHT} [1]"
WRONG = "60 days [1]"


class Story(Scene):
    """Dana has got a wrong answer in a chat."""

    def __init__(self, database, chat=None, room=None):
        super().__init__(database, chat or FakeChat("chat"))
        self.room = room
        if room:
            self.directory.rooms[room] = ["dana", "eve"]
            self.directory.groups["eve"] = frozenset({"everyone"})
        self.desk_of_corrections = CorrectionDesk(
            database, self.queue, self.directory, {"chat": lambda address: {**address, "alone": True}}
        )
        self.document = self.add_document("leave.md", "everyone")
        self.near = self.add_document("near.md", "everyone")
        passage = Passage(self.near, "c1", "Near", ("H",), "60 days", 0, 7, None, None, 0.5, 1.0, 0.5)
        self.question = self.answered(WRONG, [CitedSource(1, passage, True)])
        self.answer = self.view(self.question).answer_id
        self.run_jobs()

    def add_document(self, key, *groups):
        with self.database.writing() as session:
            row = DocumentRow(
                source_id=documents.register_source(session, "default", "/docs", ()),
                key=key,
                tenant="default",
                title=key,
                text=LEAVE,
                reader_set_id=documents.reader_set(session, "default", groups),
            )
            session.add(row)
            session.flush()
            return row.id

    def approve(self, text=RIGHT, *document_ids):
        document_ids = document_ids or (self.document,)
        with self.database.writing() as session:
            row = CorrectionRow(
                id=new_id(), answer_id=self.answer, tenant="default", question="q", text=text,
                state=CorrectionState.APPROVED, suggested_by="ann", suggested_via="page",
            )  # fmt: skip
            session.add(row)
            session.flush()
            hashes = {}
            for document_id in document_ids:
                document = documents.with_text(session, document_id)
                hashes[document_id] = curated.content_hash(document.title, document.text)
            curated.put_in_force(session, row.id, "default", "q", text, hashes, timedelta(days=180))
            return row.id

    def withdraw(self, correction, because=Withdrawal.TAKEN_BACK):
        with self.database.writing() as session:
            corrections.withdraw(session, correction, because, "")

    def correct(self):
        self.desk_of_corrections.correct(self.answer)
        self.run_jobs()

    def change(self, document_id, **values):
        with self.database.writing() as session:
            session.execute(update(DocumentRow).where(DocumentRow.id == document_id).values(**values))

    def shown(self):
        return self.chat.shown[self.question]

    def told(self):
        return [notice for notice in self.chat.notices if notice.kind is NoticeKind.CORRECTED]


@pytest.fixture
def story(database):
    return Story(database)


def test_the_answer_is_replaced_where_it_stands_and_marked(story):
    assert story.shown().text == WRONG
    posted = len(story.chat.messages)
    correction = story.approve()
    before = story.view(story.question).revision
    story.correct()
    shown = story.shown()
    assert (shown.text, shown.verified, shown.confidence) == (SHOWN, True, Confidence.SURE)
    assert [source.passage.document_id for source in shown.sources] == [story.document]
    assert len(story.chat.messages) == posted + 1  # the notice: the answer stands in its old place
    view = story.view(story.question)
    assert (view.revision, view.outcome, view.verified) == (before + 1, Outcome.ANSWERED, True)
    with story.database.reading() as session:
        assert session.get_one(AnswerRow, story.answer).correction_id == correction


def test_whoever_asked_is_told_once(story):
    story.approve()
    story.correct()
    story.correct()
    (notice,) = story.told()
    assert notice.question == "How many days?"
    story.approve("Every employee gets 90 days.")
    story.correct()
    assert len(story.told()) == 1


def test_a_second_job_changes_nothing(story):
    story.approve()
    story.correct()
    revision, calls = story.view(story.question).revision, story.chat.calls
    story.correct()
    assert (story.view(story.question).revision, story.chat.calls) == (revision, calls)


def test_an_abstention_becomes_an_answer(story):
    with story.database.writing() as session:
        session.execute(update(AnswerRow).values(outcome=Outcome.ABSTAINED, confidence=Confidence.DONT_KNOW))
    story.approve()
    story.correct()
    assert story.view(story.question).outcome is Outcome.ANSWERED


def test_where_somebody_may_not_read_a_document_of_it_nothing_is_shown(database):
    story = Story(database, room="room")
    secret = story.add_document("secret.md", "hr")
    story.approve(RIGHT, story.document, secret)
    story.correct()
    assert story.shown().text == WRONG
    assert story.told() == []
    story.directory.rooms["room"] = ["dana"]  # who is in hr
    story.correct()
    assert story.shown().verified


def test_nobody_in_the_room_closes_everything(database):
    story = Story(database, room="room")
    story.approve()
    story.directory.rooms["room"] = []
    story.correct()
    assert story.view(story.question).text == WRONG


@pytest.mark.parametrize("values", [{"text": "Something else."}, {"superseded": True}])
def test_a_document_that_is_not_what_it_was_corrects_nothing(story, values):
    story.approve()
    story.change(story.document, **values)
    story.correct()
    assert story.shown().text == WRONG


def test_an_answer_that_was_taken_back_stays_so(story):
    with story.database.writing() as session:
        answers.retract(session, story.answer)
    story.approve()
    story.correct()
    assert not story.view(story.question).verified
    assert story.told() == []


def test_what_was_taken_back_gives_the_old_answer_back_without_a_mark(story):
    before = story.view(story.question)
    correction = story.approve()
    story.correct()
    story.withdraw(correction)
    story.correct()
    after = story.view(story.question)
    assert (after.text, after.outcome, after.confidence) == (before.text, before.outcome, before.confidence)
    assert (after.sources, after.decision) == (before.sources, before.decision)
    assert after.revision == before.revision + 2
    assert (story.shown().text, story.shown().verified) == (WRONG, False)
    story.correct()
    assert story.view(story.question).revision == after.revision


def test_a_correction_can_be_taken_back_and_given_again_any_number_of_times(story):
    for _ in range(2):
        correction = story.approve()
        story.correct()
        assert story.shown().text == SHOWN
        story.withdraw(correction)
        story.correct()
        assert story.shown().text == WRONG


@pytest.mark.parametrize("because", [Withdrawal.SOURCE, Withdrawal.EXPIRED])
def test_what_is_merely_out_of_date_does_not_bring_the_wrong_answer_back(story, because):
    correction = story.approve()
    story.correct()
    story.withdraw(correction, because)
    story.correct()
    view = story.view(story.question)
    assert (view.text, view.verified) == (SHOWN, False)


def test_another_correction_replaces_the_first_and_the_first_answer_is_kept(story):
    first = story.approve()
    story.correct()
    story.withdraw(first, Withdrawal.REPLACED)
    story.approve("Every employee gets 90 days.")
    story.correct()
    assert story.shown().text == "Every employee gets 90 days. [1]"
    with story.database.reading() as session:
        assert session.get_one(ReplacedAnswerRow, story.answer).text == WRONG


def test_others_who_were_given_it_lose_the_mark_when_it_is_taken_back(story):
    correction = story.approve()
    other = story.answered(SHOWN)
    with story.database.writing() as session:
        row = session.scalars(select(AnswerRow).where(AnswerRow.question_id == other)).one()
        row.correction_id = correction
    story.run_jobs()
    assert story.chat.shown[other].verified
    story.withdraw(correction)
    story.correct()
    assert not story.chat.shown[other].verified
    assert story.chat.shown[other].text == SHOWN


def test_a_directory_that_says_nothing_is_asked_again(story, monkeypatch):
    story.approve()

    def silent(person_id):
        raise DirectoryUnavailable("silence", retry_after_seconds=30)

    monkeypatch.setattr(story.directory, "person", silent)
    story.desk_of_corrections.correct(story.answer)
    assert story.view(story.question).text == WRONG
    with story.database.reading() as session:
        assert [row.task for row in session.scalars(select(OutboxRow))] == ["answer.correct"]


def test_where_we_were_removed_from_nothing_happens(story, monkeypatch):
    story.approve()

    def removed(person_id):
        raise DeliveryImpossible("removed")

    monkeypatch.setattr(story.directory, "person", removed)
    story.correct()
    assert story.view(story.question).text == WRONG


def test_a_page_that_shows_it_by_itself_needs_no_notice(database):
    story = Story(database, FakeChat("web"))
    story.approve()
    story.correct()
    assert story.view(story.question).verified
    assert story.told() == []


def test_the_notice_goes_where_only_the_asker_reads_it(story):
    from answerloop.db.tables import NoticeRow

    story.approve()
    story.correct()
    with story.database.reading() as session:
        row = session.scalars(select(NoticeRow).where(NoticeRow.kind == NoticeKind.CORRECTED)).one()
    assert row.address["alone"]
    assert row.people == ["dana"]


def test_rights_that_change_before_it_is_shown_withhold_it(database):
    story = Story(database)
    story.approve()
    story.desk_of_corrections.correct(story.answer)
    with database.writing() as session:
        closed = documents.reader_set(session, "default", ["board"])
    story.change(story.document, reader_set_id=closed)
    story.run_jobs()
    assert "90" not in story.shown().text
    assert not story.shown().verified


def test_what_does_not_exist_is_nobodys_business(story):
    story.desk_of_corrections.correct("nothing")
