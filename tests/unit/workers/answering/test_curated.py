"""An approved answer is served to whoever asks the same, and may read what it stands on."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select, update

from answerloop.auditing import CorrectionState, Withdrawal
from answerloop.db.audit_tables import CorrectionRow, CuratedRow
from answerloop.db.repositories import answers, curated, documents, questions
from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow, DocumentRow, now
from answerloop.domain import Action, Audience, Confidence, InboundQuestion, Outcome, Turn
from answerloop.errors import CuratedWithdrawn
from answerloop.testing.fakes import FakeEmbedder, FakeTaskQueue
from bot.intake import Intake
from workers.answering import curated as curated_module
from workers.answering.curated import CuratedAnswers
from workers.answering.pipeline import Asked

LEAVE = "Every employee gets 90 days of paid parental leave for each child."
QUESTION = "How many days of parental leave do I get?"
REWORDED = "number of parental leave days I get"
TEXT = "You get 90 days of paid parental leave [3], not 60."


class CountingEmbedder(FakeEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed(self, texts):
        self.texts += texts
        return super().embed(texts)


class Shelf:
    """A database with two documents and what is approved."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.embedder = CountingEmbedder()
        self.curated = CuratedAnswers(database, self.embedder, 0.6)
        self.leave = self.document("leave.md", "everyone", f"# Leave\n\nSomething else first.\n\n{LEAVE}\n\nAnd last.")
        self.rules = self.document("rules.md", "hr", "Managers approve it within 5 days.")

    def document(self, key: str, group: str, text: str, tenant: str = "default", location: str = "/docs") -> str:
        with self.database.writing() as session:
            row = DocumentRow(
                source_id=documents.register_source(session, tenant, location, ()),
                key=key,
                tenant=tenant,
                title=key,
                text=text,
                reader_set_id=documents.reader_set(session, tenant, [group]),
            )
            session.add(row)
            session.flush()
            return row.id

    def approve(self, *document_ids: str, question: str = QUESTION, text: str = TEXT, tenant: str = "default") -> str:
        asked = Intake(self.database, FakeTaskQueue(), 1000, 100).accept(
            InboundQuestion("web", tenant, "dana", question, question, (f"{question}{len(self.all())}",))
        )
        with self.database.writing() as session:
            answer = session.scalars(select(AnswerRow).where(AnswerRow.question_id == asked.question_id)).one()
            correction = CorrectionRow(
                answer_id=answer.id,
                tenant=tenant,
                question=question,
                text=text,
                state=CorrectionState.APPROVED,
                suggested_by="ann",
                suggested_via="review",
            )
            session.add(correction)
            session.flush()
            chosen = session.scalars(select(DocumentRow).where(DocumentRow.id.in_(document_ids))).all()
            hashes = {row.id: curated.content_hash(row.title, row.text) for row in chosen}
            curated.put_in_force(session, correction.id, tenant, question, text, hashes, timedelta(days=180))
            return correction.id

    def all(self) -> list[CuratedRow]:
        with self.database.reading() as session:
            return list(session.scalars(select(CuratedRow)))

    def change(self, document_id: str, **values) -> None:
        with self.database.writing() as session:
            session.execute(update(DocumentRow).where(DocumentRow.id == document_id).values(**values))

    def withdraw(self, correction_id: str) -> None:
        with self.database.writing() as session:
            curated.withdraw(session, correction_id, Withdrawal.TAKEN_BACK)

    def ask(self, text: str = REWORDED, *groups: str, history=(), sources=(), tenant: str = "default"):
        audience = Audience.of_person(tenant, set(groups or ("everyone",)))
        return self.curated.find(Asked(text, history, audience, None, sources))


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database)


def test_the_same_question_in_other_words_gets_the_approved_answer(shelf):
    correction = shelf.approve(shelf.leave)
    draft = shelf.ask()
    assert draft is not None
    assert draft.text == "You get 90 days of paid parental leave, not 60. [1]"
    assert (draft.outcome, draft.confidence) == (Outcome.ANSWERED, Confidence.SURE)
    assert (draft.decision.action, draft.decision.rule) == (Action.ANSWERED, "curated")
    assert draft.correction_id == correction


def test_its_source_is_the_paragraph_that_carries_it(shelf):
    shelf.approve(shelf.leave)
    (source,) = shelf.ask().sources
    assert source.cited
    assert source.passage.text == LEAVE
    assert source.passage.excerpt == LEAVE
    assert (source.passage.document_id, source.passage.title) == (shelf.leave, "leave.md")
    with shelf.database.reading() as session:
        text = documents.with_text(session, shelf.leave).text
    assert text[source.passage.start : source.passage.end] == LEAVE


@pytest.mark.parametrize(
    "text",
    [
        "How many days of sick leave do I get?",
        "How many weeks of parental leave do I get?",
        "How many days of parental leave do I get for 2 children?",
        "How many days of parental leave do I not get?",
        "How many days of parental leave do I get in Lyon?",
    ],
)
def test_a_near_miss_gets_none(shelf, text):
    shelf.approve(shelf.leave)
    assert shelf.ask(text) is None


def test_words_that_the_embedder_finds_too_far_apart_are_not_the_same(shelf):
    shelf.approve(shelf.leave)
    shelf.curated = CuratedAnswers(shelf.database, shelf.embedder, 1.01)
    assert shelf.ask(QUESTION) is None


def test_every_document_of_it_must_be_readable(shelf):
    shelf.approve(shelf.leave, shelf.rules)
    assert shelf.ask() is None
    assert shelf.ask(REWORDED, "hr") is None
    draft = shelf.ask(REWORDED, "everyone", "hr")
    assert draft is not None
    assert {source.passage.document_id for source in draft.sources if source.cited} == {shelf.leave, shelf.rules}
    assert draft.text.endswith("[1] [2]") or draft.text.endswith("[2] [1]")


def test_everybody_who_reads_along_must_be_allowed_to(shelf):
    shelf.approve(shelf.rules)
    room = Audience("default", frozenset({frozenset({"hr"}), frozenset({"everyone"})}))
    assert shelf.curated.find(Asked(REWORDED, (), room)) is None
    assert shelf.curated.find(Asked(REWORDED, (), Audience("default", frozenset()))) is None
    assert shelf.ask(REWORDED, "hr") is not None


def test_a_right_that_is_taken_away_holds_for_the_next_question(shelf):
    shelf.approve(shelf.leave)
    assert shelf.ask() is not None
    with shelf.database.writing() as session:
        closed = documents.reader_set(session, "default", ["board"])
    shelf.change(shelf.leave, reader_set_id=closed)
    assert shelf.ask() is None


def test_another_tenant_gets_none(shelf):
    shelf.approve(shelf.leave)
    assert shelf.ask(tenant="subsidiary") is None


@pytest.mark.parametrize(
    "values", [{"text": LEAVE.replace("90", "95")}, {"title": "Leave of 2027"}, {"superseded": True}]
)
def test_it_is_not_served_once_its_document_has_changed_or_is_superseded(shelf, values):
    shelf.approve(shelf.leave)
    assert shelf.ask() is not None
    shelf.change(shelf.leave, **values)
    assert shelf.ask() is None


def test_a_new_embedder_or_address_is_no_change_of_the_document(shelf):
    shelf.approve(shelf.leave)
    shelf.change(shelf.leave, content_hash="another", fingerprint="", url="https://new.example", indexed_at=now())
    assert shelf.ask() is not None


def test_it_is_not_served_once_its_document_is_gone(shelf):
    shelf.approve(shelf.leave, shelf.rules)
    assert shelf.ask(REWORDED, "everyone", "hr") is not None
    with shelf.database.writing() as session:
        session.delete(session.get_one(DocumentRow, shelf.rules))
    assert shelf.ask(REWORDED, "everyone", "hr") is None


def test_it_is_not_served_after_its_time(shelf):
    correction = shelf.approve(shelf.leave)
    assert shelf.ask() is not None
    with shelf.database.writing() as session:
        session.execute(
            update(CuratedRow)
            .where(CuratedRow.correction_id == correction)
            .values(expires_at=now() - timedelta(seconds=1), updated_at=CuratedRow.updated_at)
        )
    assert shelf.ask() is None


def test_a_room_that_is_limited_to_other_sources_gets_none(shelf):
    shelf.approve(shelf.leave)
    assert shelf.ask(sources=("/docs",)) is not None
    assert shelf.ask(sources=("/elsewhere",)) is None


def test_a_follow_up_is_not_taken_by_its_bare_words(shelf):
    question = "How long is it valid?"
    shelf.approve(shelf.leave, question=question)
    turn = Turn("What is the travel visa?", "A paper.")
    assert shelf.ask(question, history=(turn,)) is None
    assert shelf.ask(question) is not None


def test_a_question_that_stands_alone_is_taken_also_late_in_a_conversation(shelf):
    shelf.approve(shelf.leave)
    assert shelf.ask(history=(Turn("What is the travel visa?", "A paper."),)) is not None


def test_of_two_for_the_same_question_the_one_that_may_be_read_is_served(shelf):
    shelf.approve(shelf.rules, text="Restricted answer of 5 days.")
    shelf.approve(shelf.leave)
    draft = shelf.ask()
    assert draft is not None
    assert "Restricted" not in draft.text


def test_an_approval_is_served_at_once_and_a_withdrawal_too(shelf):
    assert shelf.ask() is None
    correction = shelf.approve(shelf.leave)
    assert shelf.ask() is not None
    shelf.withdraw(correction)
    assert shelf.ask() is None


def test_a_question_is_embedded_once_for_all_workers(shelf):
    shelf.approve(shelf.leave)
    shelf.ask()
    assert QUESTION in shelf.embedder.texts
    other = CountingEmbedder()
    another_worker = CuratedAnswers(shelf.database, other, 0.6)
    assert another_worker.find(Asked(REWORDED, (), Audience.of_person("default", {"everyone"}))) is not None
    assert other.texts == [REWORDED]


def test_serving_and_storing_vectors_make_nobody_read_everything_again(shelf):
    correction = shelf.approve(shelf.leave)
    shelf.ask()
    with shelf.database.writing() as session:
        before = curated.version(session)
        curated.count_served(session, correction)
        curated.store_vector(session, correction, "x", np.zeros(4, np.float32).tobytes())
    with shelf.database.reading() as session:
        assert curated.version(session) == before


def test_with_another_embedder_the_questions_are_embedded_anew(shelf):
    shelf.approve(shelf.leave)
    shelf.ask()
    other = CountingEmbedder()
    other.name = "another-embedder"
    CuratedAnswers(shelf.database, other, 0.6).find(Asked(REWORDED, (), Audience.of_person("default", {"everyone"})))
    assert QUESTION in other.texts
    assert [row.embedder for row in shelf.all()] == ["another-embedder"]


def test_where_writers_overlap_what_was_missed_is_found_a_little_later(shelf, monkeypatch):
    first = shelf.approve(shelf.leave, question="Who is the boss of the canteen?")
    shelf.ask()
    with shelf.database.reading() as session:
        latest = session.scalar(select(CuratedRow.updated_at).where(CuratedRow.correction_id == first))
    late = shelf.approve(shelf.leave)
    shelf.withdraw(first)
    with shelf.database.writing() as session:  # written before the first one was, and seen after it
        session.execute(update(CuratedRow).where(CuratedRow.correction_id == late).values(updated_at=latest))
    assert shelf.ask() is None
    monkeypatch.setattr(curated_module, "LOOKED_AGAIN_SECONDS", -1.0)
    assert shelf.ask() is not None


def test_what_reviewers_write_is_shown_without_links_mentions_and_secrets(shelf):
    shelf.approve(
        shelf.leave,
        text="90 days, see [here](https://evil.example) <!channel>\n![x](https://evil.example/x)\npassword: hunter2",
    )
    shown = shelf.ask().text
    assert shown.startswith("90 days, see here")
    assert not any(word in shown for word in ("evil", "channel>", "hunter2", "!["))


def test_the_answer_row_names_its_correction_and_the_serving_is_counted(shelf):
    shelf.approve(shelf.leave)
    draft = shelf.ask()
    question = Intake(shelf.database, FakeTaskQueue(), 1000, 100).accept(
        InboundQuestion("web", "default", "eve", "t9", REWORDED, ("k9",))
    )
    with shelf.database.writing() as session:
        claim = questions.claim(session, question.question_id, timedelta(seconds=9))
        assert claim is not None
        answers.finish(session, claim, timedelta(seconds=9), draft)
    (row,) = shelf.all()
    assert row.served == 1
    with shelf.database.reading() as session:
        view = answers.view(session, question.question_id)
    assert view is not None
    assert view.verified


def test_an_answer_that_is_withdrawn_while_it_is_given_is_not_given(shelf):
    correction = shelf.approve(shelf.leave)
    draft = shelf.ask()
    shelf.withdraw(correction)
    question = Intake(shelf.database, FakeTaskQueue(), 1000, 100).accept(
        InboundQuestion("web", "default", "eve", "t9", REWORDED, ("k9",))
    )
    with shelf.database.writing() as session:
        claim = questions.claim(session, question.question_id, timedelta(seconds=9))
        assert claim is not None
        with pytest.raises(CuratedWithdrawn):
            answers.finish(session, claim, timedelta(seconds=9), draft)
