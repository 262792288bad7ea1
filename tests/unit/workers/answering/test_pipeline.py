"""The flow of an answer, with a real index and stand-ins for the models."""

import time
from pathlib import Path

import pytest

from answerloop.backends.generator_extractive import ExtractiveGenerator
from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.db.session import Database
from answerloop.domain import Audience, Confidence, Outcome, Stage, Turn
from answerloop.testing.fakes import FakeEmbedder, FakeGenerator
from workers.answering import answerable
from workers.answering.pipeline import Asked, Limits, Pipeline
from workers.answering.retrieve import Retriever
from workers.answering.rewrite import standalone
from workers.indexing.sync import Indexer

NEXT = "Tell your manager eight weeks before. [1]"
LEAVE = "Every employee gets 90 days of paid parental leave for each child."
QUESTION = "How many days of paid parental leave does an employee get?"


class Office:
    def __init__(self, folder: Path, database: Database) -> None:
        documents = folder / "docs"
        documents.mkdir()
        (documents / "leave.md").write_text(f"# Parental leave\n\n{LEAVE}\n\nTell your manager eight weeks before.")
        (documents / "vpn.md").write_text("# VPN\n\nThe error VPN-4471 means an expired certificate.")
        (documents / "bands.md").write_text(
            "---\nallow: [hr]\n---\n# Salary bands\n\nThe salary band of level L4 starts at EUR 52,000."
        )
        embedder = FakeEmbedder()
        index = LanceDocumentIndex(folder / "index", embedder.name, embedder.dimension)
        indexer = Indexer(database, index, embedder, chunk_tokens=128, max_document_bytes=10_000)
        indexer.sync(indexer.register(documents, "default", ()))
        self.retriever = Retriever(index, embedder, database, passages=5)
        self.steps: list[tuple[Stage, str]] = []

    def pipeline(self, generator, threshold: float = 0.0) -> Pipeline:
        limits = Limits(threshold, max(threshold, 0.8), 32, 5.0)
        return Pipeline(self.retriever, generator, ExtractiveGenerator(), limits)

    def ask(self, generator, question: str = QUESTION, *groups: str, threshold: float = 0.0, history=()):
        asked = Asked(question, history, Audience.of_person("default", set(groups or ("everyone",))))
        return self.pipeline(generator, threshold).answer(asked, self.show)

    def show(self, stage, text="", sources=None):
        self.steps.append((stage, text))


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Office:
    return Office(tmp_path, database)


def says(text):
    return FakeGenerator(lambda request: text)


def test_a_phrase_comes_first_and_then_the_sentence_that_carries_it(office):
    draft = office.ask(says("90 days"))
    assert draft.text == f"**90 days [1]**\n\n{LEAVE} [1]\n{NEXT}"
    assert [source.number for source in draft.sources if source.cited] == [1]
    assert draft.sources[0].passage.title == "Parental leave"
    assert draft.outcome is Outcome.ANSWERED
    assert draft.model == "fake-generator"


def test_an_invented_number_is_replaced_by_the_quote(office):
    draft = office.ask(says("120 days"))
    assert draft.text == f"{LEAVE} [1]\n{NEXT}"
    assert "not in the words" in draft.reason


def test_nothing_unguarded_is_ever_shown(office):
    office.ask(says("Send your password to https://evil.example now. 90 days"))
    assert not any("evil" in text or "password" in text for _, text in office.steps)


def test_a_model_that_fails_becomes_a_quote(office):
    draft = office.ask(FakeGenerator(lambda request: RuntimeError("out of memory")))
    assert draft.text == f"{LEAVE} [1]\n{NEXT}"
    assert draft.model == "extractive"
    assert draft.reason == "GeneratorUnavailable"


def test_without_a_model_the_answer_is_a_quote(office):
    assert office.ask(ExtractiveGenerator()).text == f"{LEAVE} [1]\n{NEXT}"


def test_what_is_not_known_is_said_with_the_nearest_documents(office):
    draft = office.ask(says("42"), "Who won the football match in Brazil?", threshold=0.9)
    assert draft.outcome is Outcome.ABSTAINED
    assert draft.confidence is Confidence.DONT_KNOW
    assert draft.text.startswith("I don't know")
    assert draft.sources
    assert not any(source.cited for source in draft.sources)


def test_a_restricted_document_is_neither_used_nor_shown(office):
    question = "At what amount does the salary band of level L4 start?"
    draft = office.ask(says("EUR 52,000"), question)
    assert "52,000" not in draft.text
    assert "Salary bands" not in {source.passage.title for source in draft.sources}
    assert "52,000" in office.ask(says("EUR 52,000"), question, "everyone", "hr").text


def test_somebody_without_groups_finds_nothing(office):
    asked = Asked(QUESTION, (), Audience.of_person("default", frozenset()))
    draft = office.pipeline(says("90 days")).answer(asked, office.show)
    assert draft.outcome is Outcome.ABSTAINED
    assert draft.sources == ()


def test_another_language_is_told_so(office):
    draft = office.ask(says("90 days"), "Wie viele Tage Elternzeit bekomme ich in dieser Firma?")
    assert "German" in draft.text
    assert draft.outcome is Outcome.ABSTAINED


def test_a_follow_up_is_understood_with_its_history(office):
    history = (Turn("How does parental leave work?", LEAVE),)
    draft = office.ask(says("90 days"), "And how many days?", history=history)
    assert draft.sources[0].passage.title == "Parental leave"


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("And for contractors?", "How does parental leave work? And for contractors?"),
        ("How long is it?", "How does parental leave work? How long is it?"),
        (
            "What does the error VPN-4471 on my laptop mean exactly?",
            "What does the error VPN-4471 on my laptop mean exactly?",
        ),
    ],
)
def test_only_a_question_that_leans_on_the_last_one_is_joined_to_it(question, query):
    assert standalone(question, (Turn("How does parental leave work?", ""),)) == query


def test_the_people_who_wait_see_the_steps_in_order(office):
    office.ask(says("90 days"))
    assert [stage for stage, _ in office.steps] == [Stage.SEARCHING, Stage.READING, Stage.WRITING]


def test_every_step_is_timed_and_every_score_is_kept(office):
    draft = office.ask(says("90 days"))
    assert {"retrieve", "answerable", "prompt", "generate", "guard", "total"} <= draft.timings_ms.keys()
    assert {"answerable", "sentence", "chunk", "lexical", "words", "numbers"} <= draft.scores.keys()
    assert draft.usage.prompt_tokens > 0
    assert "@" in draft.index_version


def test_a_small_window_drops_evidence_whole(office):
    long = FakeGenerator(lambda request: "90 days", window=75)
    office.ask(long)
    assert len(long.requests[0].evidence) == 1
    assert LEAVE in long.requests[0].messages[-1].content


def test_the_model_gets_what_is_left_of_the_deadline(office):
    generator = says("90 days")
    before = time.monotonic()
    office.ask(generator)
    assert before < generator.requests[0].deadline <= time.monotonic() + 5.0


def test_the_probability_grows_with_every_feature():
    low = answerable.Features(0.2, 0.2, 0.1, 0.2, 0.0)
    for name in answerable.Features.__dataclass_fields__:
        higher = answerable.Features(**{**{f: getattr(low, f) for f in low.__dataclass_fields__}, name: 1.0})
        assert answerable.probability(higher) > answerable.probability(low), name
