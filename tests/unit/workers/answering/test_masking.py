"""Of a question and its answer only what is masked may leave the house."""

import logging

import pytest

from answerloop.domain import CitedSource, Passage
from answerloop.testing.fakes import FakeRedactor
from tests.unit.workers.answering.desk_kit import Scene, ScriptedPipeline, a_draft

PEOPLE = FakeRedactor("Anna Lindqvist", "John Carter", "Lindqvist")


@pytest.fixture
def stage(database):
    return Scene(database)


def answers(stage, text: str, *sources: CitedSource, redactor: FakeRedactor = PEOPLE, asked: str) -> str:
    question = stage.ask(asked)
    draft = a_draft(text, sources)
    stage.desk(ScriptedPipeline(lambda *_: draft), redactor).answer(question)
    return question


def a_source(text: str, *, cited: bool) -> CitedSource:
    passage = Passage("d1", "c1", "Contacts", (), text, 0, len(text), None, None, 0.9, 1.0, 0.9)
    return CitedSource(1, passage, cited)


def test_question_and_answer_share_their_placeholders(stage):
    answers(stage, "Yes, Lindqvist may.", asked="May Anna Lindqvist work from Paris? Mail a@corp.example.")
    assert stage.masked() == ("May <PERSON_1> work from Paris? Mail <EMAIL_ADDRESS_1>.", "Yes, <PERSON_1> may.")


def test_the_asker_sees_their_answer_unmasked(stage):
    question = answers(stage, "Yes, Anna Lindqvist may.", asked="May Anna Lindqvist?")
    assert stage.view(question).text == "Yes, Anna Lindqvist may."


def test_a_name_that_a_cited_document_shows_is_the_documents(stage):
    shown = a_source("Ask John  Carter in People Operations.", cited=True)
    answers(stage, "Ask John Carter, not Anna Lindqvist.", shown, asked="Do I ask Anna Lindqvist?")
    assert stage.masked() == ("Do I ask <PERSON_1>?", "Ask John Carter, not <PERSON_1>.")


def test_a_document_that_is_only_near_publishes_nothing(stage):
    answers(stage, "Ask John Carter.", a_source("Ask John Carter.", cited=False), asked="Whom?")
    assert stage.masked() == ("Whom?", "Ask <PERSON_1>.")


def test_when_masking_fails_nothing_may_leave_and_the_asker_has_their_answer(stage, caplog):
    failing = FakeRedactor(failure=ValueError("could not read: Anna Lindqvist"))
    with caplog.at_level(logging.WARNING):
        question = answers(stage, "90 days [1]", redactor=failing, asked="How many for Anna Lindqvist?")
    assert stage.masked() == (None, None)
    assert stage.view(question).text == "90 days [1]"
    assert stage.jobs("deliver.answer") == 1
    assert "nothing of this may leave" in caplog.text
    assert "Lindqvist" not in caplog.text
