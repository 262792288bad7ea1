"""Nothing leaves the house that may not: the rule, and whole answers whose every byte to the endpoint is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from answerloop.backends.generator_extractive import ExtractiveGenerator
from answerloop.backends.generator_fused import FusedGenerator
from answerloop.backends.generator_openai import OpenAIGenerator, Price
from answerloop.backends.generator_outside import OutsideGenerator
from answerloop.backends.groundedness_mixed import MixedGroundednessDetector
from answerloop.backends.openai_api import connect
from answerloop.db.audit_tables import ReplacedAnswerRow
from answerloop.db.repositories import corrected, documents, erasure
from answerloop.db.session import Database
from answerloop.db.tables import (
    AnswerRow,
    AnswerSourceRow,
    ConversationRow,
    DeliveryRow,
    DocumentRow,
    QuestionRow,
    new_id,
    now,
)
from answerloop.domain import Action, Audience, Outcome, Turn
from answerloop.errors import DatabaseUnavailable
from answerloop.testing.fakes import FakeDocumentIndex, FakeEmbedder, FakeGenerator, FakeRedactor
from answerloop.testing.openai_endpoint import URL, FakeEndpoint, Reply
from workers.answering.guard import Guard
from workers.answering.outside import SETTLED, Door, Endpoint, Facts, decide, holds_credentials
from workers.answering.pipeline import ESTIMATED, LEFT, STAYED, Asked, Limits, Pipeline
from workers.answering.retrieve import Retriever
from workers.answering.safety import Triage
from workers.answering.speakers import Speaker, always
from workers.indexing.sync import Indexer

PERSON, ADDRESS, NUMBER = "Maria Peeters", "maria@corp.example", "212-555-0187"
OPEN, CLOSED, SILENT, OVERRULED, MAILED, FOLDER = "parking", "dental", "laptop", "pension", "canteen", "badge"
RELEASED = {OPEN, FOLDER}
TOPICS = (OPEN, CLOSED, SILENT, OVERRULED, MAILED, FOLDER)


def secret(topic: str) -> str:
    return f"zq{topic}"


def page(topic: str, front: str = "") -> str:
    text = f"Whoever asks about {topic} may take {secret(topic)} as the rule, says {PERSON} ({ADDRESS}, {NUMBER})."
    return f"{front}# Title {secret(topic)}\n\n{text}\n"


def write(folder: Path, topic: str, front: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{topic}.md").write_text(page(topic, f"---\n{front}\n---\n" if front else ""))


class House:
    """Six documents, of which two may leave, and a pipeline whose endpoint remembers every byte."""

    def __init__(self, root: Path) -> None:
        self.database = Database(f"sqlite:///{root / 'test.db'}")
        self.database.migrate()
        self.root = root / "docs"
        write(self.root, OPEN, "may_leave: true")
        write(self.root, CLOSED, "may_leave: false")
        write(self.root, SILENT)
        write(self.root / "stays", OVERRULED, "may_leave: true")
        (self.root / "stays" / ".access.yaml").write_text("allow: [everyone]\nmay_leave: false")
        write(self.root / "mails", MAILED, "may_leave: true")
        (self.root / "mails" / ".access.yaml").write_text("allow: [everyone]\ntrust: untrusted")
        write(self.root / "leaves", FOLDER)
        (self.root / "leaves" / ".access.yaml").write_text("allow: [everyone]\nmay_leave: true")
        self.embedder = FakeEmbedder(1024)
        self.index = FakeDocumentIndex(1024)
        self.indexer = Indexer(self.database, self.index, self.embedder, chunk_tokens=128, max_document_bytes=10_000)
        self.source = self.sync()
        with self.database.reading() as session:
            self.ids = {Path(key).stem: id_ for id_, key in documents.keys(session, "default").items()}
        self.endpoint = FakeEndpoint()
        self.redactor = FakeRedactor(PERSON)
        self.alarms: list[str] = []
        self.settled = timedelta(0)

    def sync(self, may_leave: bool | None = None) -> str:
        source = self.indexer.register(self.root, "default", (), None, may_leave)
        self.indexer.sync(source)
        return source

    def pipeline(self, groups: tuple[str, ...], passages: int = 1, tenant: str = "default") -> Pipeline:
        retriever = Retriever(self.index, self.embedder, self.database, passages)
        client = connect(URL, "key", self.endpoint)
        model = OpenAIGenerator(client, "outside-model", window=2048, seconds=5.0, price=Price(1.0, 1.0))
        fused = FusedGenerator(model, self.alarms.append, self.alarms.clear)
        door = Door(self.database, tenant, groups, self.settled)
        return Pipeline(
            retriever,
            always(Speaker(FakeGenerator(lambda request: request.evidence[0].text))),
            ExtractiveGenerator(),
            Guard(MixedGroundednessDetector(), 0.6),
            Limits(0.0, 0.8, 32, 5.0),
            Triage(),
            endpoint=Endpoint(OutsideGenerator(fused, self.redactor), door),
        )

    def ask(self, topic: str = OPEN, groups: tuple[str, ...] = ("everyone",), passages: int = 1, **changes):
        asked = Asked(f"What is the rule about {topic}?", (), Audience.of_person("default", {"everyone"}))
        return self.pipeline(groups, passages).answer(
            replace(asked, **changes), lambda stage, text="", sources=None: None
        )

    def conversation(self, *topics: str | None) -> str:
        """One with an answer that cites each of these; None: one that cites nothing."""
        with self.database.writing() as session:
            row = ConversationRow(channel="web", key=new_id(), tenant="default", owner="ann", title="t")
            session.add(row)
            session.flush()
            for topic in topics:
                question = QuestionRow(
                    conversation_id=row.id, channel="web", tenant="default", asker="ann", text="?", state="answered"
                )
                session.add(question)
                session.flush()
                answer = AnswerRow(question_id=question.id, outcome=Outcome.ANSWERED)
                if topic is not None:
                    answer.sources = [cited(self.ids[topic])]
                session.add(answer)
            return row.id


def show(stage, text="", sources=None) -> None:
    """Nobody looks on."""


def cited(document: str, number: int = 1, is_cited: bool = True) -> AnswerSourceRow:
    return AnswerSourceRow(
        number=number, cited=is_cited, document_id=document, chunk_id="c", title="t", headings=[], text="x", start=0,
        end=1, score=1.0, bm25=1.0, cosine=1.0,
    )  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.database.dispose()


@pytest.fixture(scope="module")
def one_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    yield house
    house.database.dispose()


def notes(draft) -> str:
    return "; ".join(draft.decision.notes)


# --- what leaves, and how


def test_what_may_leave_is_answered_outside_masked_and_restored(house):
    house.endpoint = FakeEndpoint(Reply(pieces=("says <per", "son_1> (<EMAIL_ADDRESS_1>", ", <PHONE_NUMBER_1>)")))
    draft = house.ask()
    assert draft.model == "outside-model"
    assert draft.text.startswith(f"**says {PERSON} ({ADDRESS}, {NUMBER} [1]**")
    assert draft.decision.action is Action.ANSWERED
    assert LEFT in notes(draft)
    assert draft.usage.cost == pytest.approx(42 / 1_000_000)
    assert secret(OPEN) in house.endpoint.said_to_it


def test_a_placeholder_that_the_model_makes_up_is_refused(house):
    house.endpoint = FakeEndpoint(Reply(pieces=("says <PERSON_7>",), usage=None))
    draft = house.ask()
    assert "PERSON_7" not in draft.text
    assert draft.decision.action is Action.QUOTED
    assert "stands for nothing" in draft.reason
    assert ESTIMATED in draft.decision.notes


@pytest.mark.parametrize("reply", [Reply(status=500), Reply(pieces=("as the", OSError("gone"))), Reply(status=401)])
def test_when_the_endpoint_fails_the_house_answers_and_says_so(house, reply):
    house.endpoint = FakeEndpoint(reply)
    draft = house.ask()
    assert draft.model == "fake-generator"
    assert secret(OPEN) in draft.text
    assert draft.reason
    assert (draft.usage.cost > 0) == (ESTIMATED in draft.decision.notes) == (reply.status == 200), "it said something"


def test_who_gave_the_answer_before_breaking_off_is_its_model_and_both_are_counted(house):
    said = "says <PERSON_1> (<EMAIL_ADDRESS_1>, <PHONE_NUMBER_1>).\n"
    house.endpoint = FakeEndpoint(Reply(pieces=(said, "And ", OSError("gone"))))
    draft = house.ask()
    assert draft.text.startswith(f"**says {PERSON}")
    assert (draft.model, draft.usage.adapter) == ("outside-model", "base")
    alone = house.ask(groups=())
    assert (alone.model, alone.usage.cost) == ("fake-generator", 0)
    assert draft.usage.completion_tokens > alone.usage.completion_tokens
    assert draft.usage.prompt_tokens > alone.usage.prompt_tokens
    assert draft.usage.cost > 0
    assert ESTIMATED in draft.decision.notes
    assert "TryAgain" in draft.reason


def test_when_masking_fails_nothing_is_sent_and_the_house_answers(house):
    house.redactor = FakeRedactor(failure=RuntimeError("no model"))
    draft = house.ask()
    assert draft.model == "fake-generator"
    assert house.endpoint.raw == []
    assert "MayNotLeave" in draft.reason


# --- what stays


@pytest.mark.parametrize("topic", sorted(set(TOPICS) - RELEASED))
def test_a_document_stays_unless_somebody_who_may_has_said_that_it_may_leave(house, topic):
    draft = house.ask(topic)
    assert house.endpoint.raw == []
    assert draft.model == "fake-generator"
    assert f"{STAYED}: it quotes a document that may not leave" in notes(draft)


def test_what_a_folder_says_holds_for_what_lies_in_it(house):
    assert house.ask(FOLDER).model == "outside-model"


def test_one_sentence_of_a_document_that_stays_keeps_the_whole_question(house):
    assert house.ask(passages=6).model == "fake-generator"
    assert house.endpoint.raw == []


def test_a_source_that_says_no_is_heard_before_it_is_read_again(house):
    house.indexer.register(house.root, "default", (), None, False)
    assert house.ask().model == "fake-generator"
    assert house.endpoint.raw == []


def test_a_source_may_say_yes_for_all_that_says_nothing_else(house):
    house.sync(may_leave=True)
    assert house.ask(SILENT).model == "outside-model"
    for topic in (CLOSED, OVERRULED):
        assert house.ask(topic).model == "fake-generator"


def test_a_document_whose_mark_is_taken_back_stays(house):
    write(house.root, OPEN, "may_leave: false")
    house.indexer.sync(house.source)
    assert house.ask().model == "fake-generator"


def test_a_document_stays_while_the_index_may_hold_another_text_of_it(house):
    with house.database.writing() as session:
        session.get_one(DocumentRow, house.ids[OPEN]).fingerprint = ""
    assert house.ask().model == "fake-generator"


def test_a_document_that_was_indexed_a_moment_ago_stays(house):
    house.settled = SETTLED
    assert house.ask().model == "fake-generator"


@pytest.mark.parametrize(
    "changes",
    [
        {"audience": Audience("default", frozenset())},
        {"audience": Audience("default", frozenset({frozenset({"everyone"}), frozenset({"public"})}))},
        {"asker_audience": Audience.of_person("default", {"public"})},
        {"asker_audience": Audience.of_person("another", {"everyone"})},
    ],
)
def test_every_reader_must_be_in_a_group_whose_questions_may_leave(house, changes):
    assert house.ask(**changes).model != "outside-model"
    assert house.endpoint.raw == []


def test_without_groups_nobodys_question_leaves(house):
    assert house.ask(groups=()).model == "fake-generator"
    assert house.endpoint.raw == []


@pytest.mark.parametrize("topics", [(CLOSED,), (OPEN, SILENT), (None,), (OPEN, OVERRULED, FOLDER)])
def test_a_conversation_in_which_something_was_quoted_that_stays_stays_too(house, topics):
    assert house.ask(conversation=house.conversation(*topics)).model == "fake-generator"
    assert house.endpoint.raw == []


class TestWhatPeopleSaw:
    """A question may repeat whatever an answer of its conversation has shown."""

    def stays(self, house: House, conversation: str) -> bool:
        house.endpoint = FakeEndpoint()
        draft = house.ask(conversation=conversation)
        assert (draft.model == "fake-generator") == (house.endpoint.raw == [])
        return house.endpoint.raw == []

    def answer(
        self, house: House, *sources: tuple[str, bool], channel: str = "slack", **columns: Any
    ) -> tuple[str, str]:
        """Its id and its conversation's; a source is a topic, and whether it is cited."""
        conversation = house.conversation(OPEN)
        with house.database.writing() as session:
            [row] = session.scalars(
                select(AnswerRow).join(QuestionRow).where(QuestionRow.conversation_id == conversation)
            )
            row.question.channel = channel
            session.add(DeliveryRow(question_id=row.question_id, channel=channel, address={}))
            row.sources = []
            session.flush()
            row.sources = [
                cited(house.ids[topic], number, is_cited) for number, (topic, is_cited) in enumerate(sources, 1)
            ]
            for name, value in {"index_version": "v1", **columns}.items():
                setattr(row, name, value)
            return row.id, conversation

    def test_what_a_corrected_answer_said_first(self, house):
        answer, conversation = self.answer(house, (CLOSED, True))
        with house.database.writing() as session:
            corrected.correct(session, answer, new_id(), "Better.", [])
            session.get_one(AnswerRow, answer).sources = [cited(house.ids[OPEN])]
        assert self.stays(house, conversation)

    def test_what_was_near_when_nothing_answered_it(self, house):
        nothing = {"outcome": Outcome.ABSTAINED}
        assert self.stays(house, self.answer(house, (OPEN, False), (CLOSED, False), **nothing)[1])
        assert not self.stays(house, self.answer(house, (OPEN, False), **nothing)[1])
        assert self.stays(house, self.answer(house, **nothing)[1]), "its documents are not known any more"
        assert not self.stays(house, self.answer(house, **nothing, index_version="")[1]), "nobody has searched"

    def test_what_the_page_shows_beside_an_answer(self, house):
        both = ((OPEN, True), (CLOSED, False))
        assert self.stays(house, self.answer(house, *both, channel="web")[1])
        assert not self.stays(house, self.answer(house, *both)[1])

    @pytest.mark.parametrize("outcome", [Outcome.FAILED, None])
    def test_nothing_is_shown_by_an_apology_or_before_the_first_sentence(self, house, outcome):
        assert not self.stays(house, self.answer(house, (CLOSED, False), outcome=outcome)[1])
        assert self.stays(house, self.answer(house, (CLOSED, True), outcome=outcome)[1])

    def test_what_was_taken_back(self, house):
        assert self.stays(house, self.answer(house, (OPEN, True), retracted_at=now())[1])

    @pytest.mark.parametrize(
        ("sources", "columns"),
        [
            (((OPEN, True), (CLOSED, True)), {}),
            (((OPEN, False), (CLOSED, False)), {"outcome": Outcome.ABSTAINED}),
            (((OPEN, True), (CLOSED, False)), {"channel": "web"}),
        ],
    )
    def test_what_was_erased(self, house, sources, columns):
        _, conversation = self.answer(house, *sources, **columns)
        with house.database.writing() as session:
            erasure.document(session, house.ids[CLOSED])
        assert self.stays(house, conversation)

    def test_what_was_erased_after_it_was_corrected(self, house):
        answer, conversation = self.answer(house, (CLOSED, True), text=secret(CLOSED))
        with house.database.writing() as session:
            corrected.correct(session, answer, new_id(), "Better.", [])
            session.get_one(AnswerRow, answer).sources = [cited(house.ids[OPEN])]
        with house.database.writing() as session:
            erasure.document(session, house.ids[CLOSED])
            first = session.get_one(ReplacedAnswerRow, answer)
            assert secret(CLOSED) not in f"{first.text}{first.sources}"
        assert self.stays(house, conversation)


def test_one_whose_answers_all_stand_on_what_may_leave_goes_on_outside(house):
    assert house.ask(conversation=house.conversation(OPEN, FOLDER)).model == "outside-model"


def test_a_history_of_which_nobody_knows_the_documents_stays(house):
    assert house.ask(history=(Turn("How?", "So."),)).model == "fake-generator"


def test_a_question_with_a_password_stays(house):
    draft = house.ask(text=f"What is the rule about {OPEN}, my password: hunter2x?")
    assert "password, key or token" in notes(draft)
    assert house.endpoint.raw == []


def test_so_does_a_document_with_one(house):
    write(house.root / "leaves", "gate", "")
    (house.root / "leaves" / "gate.md").write_text("# Gate\n\nThe code of the gate is password: hunter2x for all.")
    house.indexer.sync(house.source)
    assert house.ask("the code of the gate").model == "fake-generator"
    assert "hunter2x" not in house.endpoint.said_to_it


def test_when_the_database_does_not_say_nothing_leaves(house):
    class Down:
        def reading(self):
            raise DatabaseUnavailable("gone")

    asked = Asked("?", (), Audience.of_person("default", {"everyone"}))
    assert not Door(Down(), "default", ("everyone",))(asked, [], [], []).may_leave


def test_another_tenants_question_stays(house):
    asked = Asked(f"What is the rule about {OPEN}?", (), Audience.of_person("default", {"everyone"}))
    pipeline = house.pipeline(("everyone",), tenant="another")
    assert pipeline.answer(asked, show).model == "fake-generator"


# --- the rule alone

AUDIENCE = Audience.of_person("default", {"everyone"})
FINE = Facts("default", frozenset({"everyone"}), AUDIENCE, None, frozenset({"a"}), (), frozenset({"a"}), ("Leave?",))


def test_the_rule_lets_nothing_go_of_which_one_fact_is_wrong_or_missing():
    assert decide(FINE).may_leave
    for changes in (
        {"groups": frozenset()},
        {"tenant": "another"},
        {"readers": Audience("default", frozenset())},
        {"asker": Audience.of_person("default", frozenset())},
        {"documents": frozenset()},
        {"documents": frozenset({"a", "b"})},
        {"released": frozenset()},
        {"earlier": None},
        {"earlier": (frozenset({"b"}),)},
        {"earlier": (frozenset(),)},
        {"texts": ("token: abcdef123456",)},
    ):
        ruling = decide(replace(FINE, **changes))
        assert not ruling.may_leave, changes
        assert ruling.because


def test_credentials_are_seen_at_the_end_of_any_line():
    assert holds_credentials("The code.\nThe PIN is 4711\nThat is all.")
    assert not holds_credentials("Passwords have at least 12 characters.\nWho resets my password?")


# --- everything at once


@settings(max_examples=150, deadline=None)
@given(
    topic=st.sampled_from(TOPICS),
    groups=st.sampled_from([(), ("everyone",), ("hr",), ("everyone", "hr")]),
    members=st.frozensets(
        st.sampled_from([frozenset({"everyone"}), frozenset({"everyone", "hr"}), frozenset({"public"})]), max_size=3
    ),
    earlier=st.lists(st.sampled_from([*TOPICS, None]), max_size=2),
    planted=st.sampled_from(["", PERSON, ADDRESS, NUMBER, "password: hunter2x"]),
    passages=st.integers(1, 3),
)
def test_no_byte_of_what_stays_is_ever_sent(one_house, topic, groups, members, earlier, planted, passages):
    house = one_house
    house.endpoint = FakeEndpoint(Reply(pieces=(f"as the rule, says <PERSON_1>, {secret(CLOSED)}",)))
    conversation = house.conversation(*earlier) if earlier else "new"
    house.ask(
        topic,
        groups,
        passages,
        text=f"What is the rule about {topic}{', asks ' if planted else ''}{planted}?",
        audience=Audience("default", members),
        conversation=conversation,
    )
    sent = house.endpoint.said_to_it
    for name in set(TOPICS) - RELEASED:
        assert secret(name) not in sent
    for personal in (*PERSON.split(), ADDRESS, NUMBER, "hunter2x"):
        assert personal.casefold() not in sent.casefold()
    allowed = bool(members) and all(set(groups) & member for member in members)
    if not allowed or not set(earlier) <= RELEASED or "hunter2x" in planted:
        assert house.endpoint.raw == []
    elif topic in RELEASED and passages == 1 and not planted and all("everyone" in member for member in members):
        assert house.endpoint.raw != []
