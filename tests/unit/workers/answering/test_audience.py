"""What people are told when their rights are why there is no good answer."""

from pathlib import Path

import pytest

from answerloop.backends.generator_extractive import ExtractiveGenerator
from answerloop.backends.groundedness_mixed import MixedGroundednessDetector
from answerloop.db.session import Database
from answerloop.domain import AnswerDraft, Audience, Outcome, Person
from answerloop.testing.fakes import FakeDocumentIndex, FakeEmbedder
from workers.answering import audience
from workers.answering.guard import Guard
from workers.answering.pipeline import NOT_ANSWERED, Asked, Limits, Pipeline
from workers.answering.retrieve import Retriever
from workers.answering.safety import Triage
from workers.answering.speakers import Speaker, always
from workers.indexing.sync import Indexer

OPEN = "# Parking\n\nThe car park opens at seven."
SECRET = "---\nallow: [hr]\n---\n# Salary bands\n\nThe salary band of level L4 starts at EUR 52,000."
BANDS = "At what amount does the salary band of level L4 start?"
EMPLOYEE, MANAGER, NOBODY = frozenset({"everyone"}), frozenset({"everyone", "hr"}), frozenset[str]()


class Office:
    def __init__(self, folder: Path, database: Database) -> None:
        (folder / "parking.md").write_text(OPEN)
        (folder / "bands.md").write_text(SECRET)
        embedder = FakeEmbedder()
        index = FakeDocumentIndex(embedder.dimension)
        indexer = Indexer(database, index, embedder, chunk_tokens=128, max_document_bytes=10_000)
        indexer.sync(indexer.register(folder, "default", ()))
        self.retriever = Retriever(index, embedder, database, passages=5)

    def ask(self, readers: frozenset[str], asker: frozenset[str] | None = None, threshold: float = 0.5) -> AnswerDraft:
        generator = ExtractiveGenerator()
        guard = Guard(MixedGroundednessDetector(), 0.6)
        pipeline = Pipeline(
            self.retriever,
            always(Speaker(generator)),
            generator,
            guard,
            Limits(threshold, 0.5, 64, 5.0),
            Triage(),
        )
        alone = None if asker is None else Audience.of_person("default", asker)
        return pipeline.answer(
            Asked(BANDS, (), Audience.of_person("default", readers), alone), lambda stage, text="", sources=None: None
        )


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Office:
    documents = tmp_path / "docs"
    documents.mkdir()
    return Office(documents, database)


def test_who_may_read_nothing_is_told_so(office: Office) -> None:
    draft = office.ask(NOBODY)
    assert (draft.text, draft.outcome, draft.sources) == (audience.READS_NOTHING, Outcome.ABSTAINED, ())


def test_so_is_a_channel_that_may_read_nothing_and_its_asker_hears_of_better(office: Office) -> None:
    assert office.ask(NOBODY, NOBODY).text == audience.READS_NOTHING
    draft = office.ask(NOBODY, MANAGER)
    assert (draft.text, draft.hint) == (audience.NOTHING_FOR_ALL, audience.BETTER_ALONE)


def test_who_may_read_something_is_not(office: Office) -> None:
    assert office.ask(EMPLOYEE).text == NOT_ANSWERED


def test_a_better_answer_for_the_asker_alone_is_told_of_and_nothing_of_it(office: Office) -> None:
    draft = office.ask(EMPLOYEE, MANAGER)
    assert (draft.text, draft.hint) == (NOT_ANSWERED, audience.BETTER_ALONE)
    assert "52,000" not in repr(draft)
    assert {source.passage.title for source in draft.sources} == {"Parking"}


def test_an_answer_that_is_no_better_is_not_told_of(office: Office) -> None:
    assert not office.ask(EMPLOYEE, EMPLOYEE | {"finance"}).hint


def test_a_sure_answer_needs_no_second_look(office: Office) -> None:
    assert not office.ask(MANAGER, MANAGER | {"board"}).hint


def test_an_uncertain_answer_has_the_hint_beside_it(office: Office) -> None:
    draft = office.ask(EMPLOYEE, MANAGER, threshold=0.0)
    assert draft.outcome is Outcome.ANSWERED
    assert draft.hint == audience.BETTER_ALONE
    assert audience.BETTER_ALONE not in draft.text
    assert "52,000" not in repr(draft)


def test_somebody_of_another_tenant_reads_nothing_here() -> None:
    visitor = Person("v", "V. Isitor", MANAGER, tenant="subsidiary")
    assert not Audience.of("default", [visitor]).may_read(EMPLOYEE)
    assert Audience.of("subsidiary", [visitor]).may_read(EMPLOYEE)
    assert not Audience.of("default", []).may_read(EMPLOYEE)
