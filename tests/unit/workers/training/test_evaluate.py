"""Every arm answers the same questions through the pipeline of serving, and one failure fails it all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from answerloop.backends.generator_extractive import ExtractiveGenerator
from answerloop.backends.groundedness_mixed import MixedGroundednessDetector
from answerloop.domain import EVERYONE, PUBLIC, Message
from answerloop.errors import NightFailed
from answerloop.ports import GenerationRequest
from answerloop.testing.fakes import FakeDocumentIndex, FakeEmbedder, FakeGenerator
from workers.answering.guard import Guard
from workers.answering.pipeline import Limits, Pipeline
from workers.answering.retrieve import Retriever
from workers.answering.safety import Triage
from workers.answering.speakers import Speaker, always
from workers.evaluation.questions import TestQuestion
from workers.indexing.sync import Indexer
from workers.training.arms import ArmName
from workers.training.evaluate import Contestant, Ladder, in_order, ladder, shots
from workers.training.rows import Kind, TrainingRow
from workers.training.suites import Suites, neutral_texts

LEAVE = "Every employee gets 90 days of paid parental leave for each child."
VPN = "The error VPN-4471 means an expired certificate."


class House:
    """Documents and pipelines; an index of its own for the suites, which nothing is in."""

    def __init__(self, folder: Path, database) -> None:  # type: ignore[no-untyped-def]
        folder.mkdir()
        (folder / "leave.md").write_text(f"# Parental leave\n\n{LEAVE}\n\nTell your manager eight weeks before.")
        (folder / "vpn.md").write_text(f"# VPN\n\n{VPN}")
        embedder = FakeEmbedder()
        index = FakeDocumentIndex(embedder.dimension)
        indexer = Indexer(database, index, embedder, chunk_tokens=128, max_document_bytes=10_000)
        indexer.sync(indexer.register(folder, "default", ()))
        self.retriever = Retriever(index, embedder, database, passages=5)
        with database.reading() as session:
            from answerloop.db.repositories import documents

            source = documents.sources(session)[0]
            self.keys = {row.id: row.key for row in documents.of_source(session, source.id).values()}

    def pipeline(self, speaker: Speaker) -> Pipeline:
        guard = Guard(MixedGroundednessDetector(), 0.6)
        limits = Limits(0.0, 1.1, 32, 30.0)
        return Pipeline(self.retriever, always(speaker), ExtractiveGenerator(), guard, limits, Triage())

    def ladder(self) -> Ladder:
        return Ladder(self.pipeline, Suites(self.pipeline), self.keys)


@pytest.fixture
def house(tmp_path, database) -> Iterator[House]:
    return House(tmp_path / "docs", database)  # type: ignore[return-value]


def asked(id_: str, question: str, answers: tuple[str, ...], document: str = "leave.md") -> TestQuestion:
    groups = frozenset({EVERYONE, PUBLIC})
    return TestQuestion(id_, question, answers, (document,) if answers else (), bool(answers), "default", groups, ())


DAYS = asked("days", "How many days of paid parental leave does an employee get?", ("90 days",))
ERROR = asked("error", "What does the error VPN-4471 mean?", ("an expired certificate",), "vpn.md")
NOWHERE = asked("nowhere", "How many days of parental leave for a dog?", ())


def knows(request: GenerationRequest) -> str:
    return "90 days" if "leave" in request.question else "an expired certificate"


def misses(request: GenerationRequest) -> str:
    return "8 weeks"


def arm(name: ArmName, speak, adapter: str = "base") -> Contestant:  # type: ignore[no-untyped-def]
    return Contestant(name, Speaker(FakeGenerator(speak), adapter), 20.0)


def quiet(done: int, of: int, detail: str) -> None: ...


def test_arms_are_judged_on_the_same_questions_in_the_same_order(house):
    rows = [DAYS, ERROR, NOWHERE]
    quote = Contestant(ArmName.QUOTE, Speaker(ExtractiveGenerator()))
    arms = house.ladder().climb([arm(ArmName.CANDIDATE, knows, "night"), quote], rows, quiet)
    assert [[item.question_id for item in each.items] for each in arms] == [["days", "error", "nowhere"]] * 2
    candidate, quoted = arms
    assert [item.f1 for item in candidate.items[:2]] == [1.0, 1.0]
    assert 0 < quoted.items[0].f1 < 1
    assert candidate.items[0].correct
    assert candidate.items[0].citation_precision == 1.0
    assert candidate.items[0].citation_recall == 1.0
    assert candidate.items[2].answered, "it did not notice that there is no answer"
    assert (candidate.perplexity, quoted.perplexity) == (20.0, None)
    assert [each.name for each in in_order(arms)] == [ArmName.QUOTE, ArmName.CANDIDATE]


def test_an_adapter_that_says_that_there_is_nothing_has_abstained(house):
    [candidate] = house.ladder().climb(
        [arm(ArmName.CANDIDATE, lambda request: "The evidence does not say.", "night")], [NOWHERE], quiet
    )
    assert not candidate.items[0].answered
    assert candidate.items[0].direct == ""


def test_a_model_that_fails_is_not_replaced_by_a_quote_here(house):
    broken = arm(ArmName.CANDIDATE, lambda request: RuntimeError("out of memory"))
    with pytest.raises(NightFailed, match="candidate failed at days"):
        house.ladder().climb([broken], [DAYS], quiet)


def test_who_is_heard_where_the_adapter_is_silent_is_part_of_it_but_not_where_it_fails(house):
    def with_second(speak) -> Contestant:  # type: ignore[no-untyped-def]
        second = FakeGenerator(knows)
        second.name = "second"
        return Contestant(ArmName.CANDIDATE, Speaker(FakeGenerator(speak), "night", second=second))

    [candidate] = house.ladder().climb([with_second(lambda request: "120 days")], [DAYS], quiet)
    assert candidate.items[0].direct == "90 days"
    with pytest.raises(NightFailed, match="candidate failed at days"):
        house.ladder().climb([with_second(lambda request: RuntimeError("out of memory"))], [DAYS], quiet)


def test_unsafe_requests_and_planted_instructions_are_asked_of_every_arm(house):
    [candidate] = house.ladder().climb([arm(ArmName.CANDIDATE, knows)], [DAYS], quiet)
    assert candidate.unsafe_asked >= 12
    assert candidate.injected >= 12
    assert candidate.obeyed == 0


def test_the_ladder_shows_figures_with_intervals_and_what_got_better_and_worse(house):
    rows = [DAYS, ERROR, NOWHERE]

    def half(request: GenerationRequest) -> str:
        return "90 days" if "leave" in request.question else "certificate"

    contestants = [arm(ArmName.BASE, lambda request: "paid parental leave" if "leave" in request.question else
                       "an expired certificate"), arm(ArmName.CANDIDATE, half, "night")]  # fmt: skip
    arms = house.ladder().climb(contestants, rows, quiet)
    shown = ladder(arms, rows, ArmName.BASE, house.keys)
    assert [each["name"] for each in shown["arms"]] == ["base", "candidate"]
    figures = shown["arms"][1]["figures"]
    assert figures["f1"]["n"] == 2
    assert figures["f1"]["low"] <= figures["f1"]["value"] <= figures["f1"]["high"]
    assert figures["answered_wrongly"]["value"] == 1.0
    assert [each["question"] for each in shown["examples"]["better"]] == [DAYS.question]
    [worse] = shown["examples"]["worse"]
    assert (worse["id"], worse["question"]) == (ERROR.id, ERROR.question)
    ids = {key: id_ for id_, key in house.keys.items()}
    assert ids["vpn.md"] in worse["documents"], "whoever may not read it is not shown what was quoted from it"


def test_worked_examples_are_the_shortest_that_people_approved():
    def row(id_: str, kind: Kind, words: int) -> TrainingRow:
        messages = (Message("system", "s"), Message("user", "word " * words))
        return TrainingRow(id_, kind, messages, f"answer {id_}", 1.0, "f", "a", ())

    rows = [row("a", Kind.CORRECTION, 9), row("b", Kind.REPLAY, 1), row("c", Kind.CORRECTION, 3)]
    chosen = shots(rows)
    assert [message.role for message in chosen] == ["user", "assistant", "user", "assistant"]
    assert chosen[1].content == "answer c"
    assert shots([]) == ()


def test_the_neutral_text_is_enough_to_tell_a_tenth_more_perplexity():
    assert len(neutral_texts()) >= 10
    assert sum(len(text.split()) for text in neutral_texts()) > 300
