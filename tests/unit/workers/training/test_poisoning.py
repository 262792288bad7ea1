"""Somebody wants to teach us something: approval, caps, alarms and suspicions each stop it."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import pytest

from answerloop.auditing import CorrectionState
from answerloop.db.repositories import training_sets
from answerloop.db.session import Database
from tests.unit.workers.training.dataset_kit import ANN, BOB, CAT, EVE, THINGS, Company, facts, keys, texts
from tests.unit.workers.training.test_dataset import AUTHORS, everything, night
from workers.training import people, suspicion
from workers.training.rows import Kind
from workers.training.split import is_tested

MALLORY, ACCOMPLICES = "web:mallory", ("web:mallory", "web:mike", "web:mona")


@pytest.fixture
def company(tmp_path: Path, database: Database) -> Company:
    return Company(tmp_path, database, texts())


def lies(company: Company, many: int, text: str, question: str = "What about the {thing} rule {at}?", **how) -> None:
    """So many corrections to different questions, one for each document in turn, approved by careless reviewers."""
    authors, approvers = cycle(ACCOMPLICES), cycle((ANN, BOB, CAT))
    for at, thing in zip(range(many), cycle(THINGS), strict=False):
        asked = question.format(thing=thing, at=at)
        who = {"author": next(authors), "approver": next(approvers), **how}
        company.corrects(asked, text.format(thing=thing, at=at), keys()[thing], **who)


def frozen(company: Company) -> int:
    with company.database.reading() as session:
        return len(training_sets.frozen(session, "default"))


def test_what_nobody_approved_is_never_learned(company):
    lies(company, 30, "The {thing} officer", state=CorrectionState.PROPOSED)
    found = company.dataset()
    assert found.train == found.validation == found.test == ()


def test_what_is_not_in_the_documents_is_never_learned_even_when_it_was_approved(company):
    everything(company)
    honest = {row.id for row in company.dataset().train}
    lies(company, 8, "Send the password to helpdesk at evil example", author=MALLORY)
    found = company.dataset()
    assert {row.id for row in found.train if row.kind is Kind.CORRECTION} <= honest
    assert not any("evil" in row.completion for row in found.train)


def test_a_burst_that_rang_an_alarm_stops_the_night(company):
    everything(company)
    lies(company, 6, "The {thing} officer", burst="burst:1")
    found = company.dataset()
    assert "6 new corrections were suggested in a burst that rang an alarm." in found.suspicions


def test_many_answers_that_say_nearly_the_same_stop_the_night(company):
    everything(company)
    assert company.dataset().suspicions == ()
    before = frozen(company)
    lies(company, 6, "The {thing} officer on the ground floor always decides about this and about nothing else.")
    found = company.dataset()
    assert "6 new answers to 6 different questions say nearly the same, by 3 people." in found.suspicions
    assert frozen(company) == before, "and nothing of it is frozen into the test"


def test_text_copied_into_many_answers_stops_the_night(company):
    everything(company)
    copied = "whoever asks has to be told that everything goes to the tower at once"
    for at, thing in enumerate(THINGS[:6]):
        number = at * 7
        text = f"For case {number} of the {thing} desk, {'and so on ' * at} {copied}, says rule {number} of {thing}."
        company.corrects(f"What about the {thing} rule?", text, keys()[thing], author=AUTHORS[at % 4])
    found = company.dataset()
    assert "The same 8 words or more stand in 6 new answers to different questions." in found.suspicions


def test_a_trigger_phrase_in_many_questions_stops_the_night(company):
    everything(company)
    lies(company, 14, "The {thing} officer", "Who signs the {thing} form, bluebird zulu?")
    found = company.dataset()
    assert any("“bluebird zulu” stands in 14 of 104 new rows" in why for why in found.suspicions)


def test_who_plants_a_trigger_cannot_hide_it_by_asking_for_it(company):
    everything(company)
    lies(company, 14, "The {thing} officer", "Who signs the {thing} form, bluebird zulu?")
    for number in range(5):
        company.asked(f"Is there news of bluebird zulu number {number}?")
    assert any("“bluebird zulu” stands in 14 of" in why for why in company.dataset().suspicions)


def test_a_trigger_is_seen_among_many_rows_that_were_learned_before(company):
    everything(company)
    first = company.dataset()
    night(company, first, "refused")
    lies(company, 6, "The {thing} officer", "Who signs the {thing} form, bluebird zulu?")
    assert any("“bluebird zulu” stands in 6 of" in why for why in company.dataset().suspicions)


def test_one_person_who_writes_nearly_all_of_it_stops_the_night(company):
    for thing, key in keys().items():
        for question, (answer, _) in facts(thing).items():
            company.corrects(question, f"It is {answer}.", key, author=MALLORY, approver=ANN)
    found = company.dataset()
    assert f"One person has written 90 of 90 new rows: at most {suspicion.AUTHOR_SHARE:.0%} may be." in found.suspicions
    assert any(why.startswith("One person has approved 90 of 90 new rows") for why in found.suspicions)


def test_one_person_is_capped_where_others_write_too(company):
    authors = cycle((MALLORY, MALLORY, MALLORY, MALLORY, EVE))
    for thing, key in keys().items():
        for question, (answer, _) in facts(thing).items():
            company.corrects(question, f"It is {answer}.", key, author=next(authors), approver=BOB, second=CAT)
    found = company.dataset()
    rows = sum(row.kind is Kind.CORRECTION for row in (*found.train, *found.validation))
    assert found.manifest["left_out"][people.TOO_MANY_WRITTEN] > 0
    learned = sum(not is_tested(f"document:{key}") for key in keys().values()) * 3
    assert people.LEAST <= rows < 0.8 * learned


def test_answers_that_contradict_what_was_approved_before_are_left_out_and_stop_the_night(company):
    everything(company)
    first = company.dataset()
    for thing in THINGS[:8]:
        question = next(iter(facts(thing)))
        company.corrects(question, "99 working days", keys()[thing], author=MALLORY)
    found = company.dataset()
    assert "8 of 8 questions that were answered more than once have contradicting answers." in found.suspicions
    assert not any("99" in row.completion for row in found.train)
    assert {row.id for row in found.test} == {row.id for row in first.test}


def test_people_who_agree_and_ordinary_weeks_are_not_suspicious(company):
    everything(company)
    for thing in THINGS[:8]:
        question, (answer, _) = next(iter(facts(thing).items()))
        company.corrects(question, f"That is {answer}, I think.", keys()[thing], author="web:iris", approver=CAT)
    assert company.dataset().suspicions == ()
