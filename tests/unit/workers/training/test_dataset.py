"""From what people have approved to rows, with a real database and the very prompts of serving."""

from __future__ import annotations

import json
from collections import Counter
from itertools import cycle
from pathlib import Path

import pytest

from answerloop.auditing import CorrectionState
from answerloop.db.repositories import documents, training_sets
from answerloop.db.session import Database
from answerloop.db.tables import DocumentRow, now
from answerloop.db.training_tables import TrainingRunRow
from answerloop.errors import ConfigurationError
from tests.unit.workers.training.dataset_kit import ANN, BOB, CAT, EVE, THINGS, Company, facts, keys, texts
from workers.answering import prompt
from workers.answering.guard import _is_run_of
from workers.training import dataset_files
from workers.training.frozen_test import Size, step
from workers.training.rows import Dataset, Kind
from workers.training.split import is_tested

AUTHORS = ("web:eve", "web:finn", "web:gina", "web:hugo")


@pytest.fixture
def company(tmp_path: Path, database: Database) -> Company:
    return Company(tmp_path, database, texts())


def everything(company: Company) -> None:
    """Three corrections for each document, of four authors, approved by three reviewers."""
    people = zip(cycle(AUTHORS), cycle((ANN, BOB, CAT)), strict=False)
    for thing, key in keys().items():
        for question, (answer, _) in facts(thing).items():
            author, approver = next(people)
            company.corrects(question, f"It is {answer}.", key, author=author, approver=approver)


def test_a_row_is_the_prompt_of_serving_and_a_run_of_words_of_its_evidence(company):
    everything(company)
    found = company.dataset()
    rows = [row for row in found.train if row.kind is Kind.CORRECTION]
    assert rows
    for row in rows:
        system, user = row.messages
        assert system.content == prompt.SYSTEM
        evidence, _, question = user.content.partition("\n\nQuestion: ")
        assert question.endswith("\nAnswer:")
        assert any(_is_run_of(row.completion, line) for line in evidence.splitlines())


def test_the_run_is_the_answer_and_not_the_words_around_it(company):
    everything(company)
    said = {
        row.messages[1].content.partition("Question: ")[2].partition("\n")[0]: row for row in company.dataset().train
    }
    wanted = {question: answer for thing in THINGS for question, (answer, _) in facts(thing).items()}
    answered = [(question, row) for question, row in said.items() if row.kind is Kind.CORRECTION]
    right = [row.completion.removeprefix("the ") == wanted[q].removeprefix("the ") for q, row in answered]
    assert sum(right) >= 0.95 * len(right)


def test_the_same_database_gives_the_same_bytes(company, tmp_path):
    everything(company)
    company.corrects("Who signs the rocket form?", "The rocket officer.", missing="Rocket rules")
    first, second, third = company.dataset(remember=False), company.dataset(), company.dataset()
    assert first.hash == second.hash == third.hash
    for name, found in (("a", second), ("b", third)):
        dataset_files.write(found, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_what_is_written_is_read_as_it_was_and_damage_is_noticed(company, tmp_path):
    everything(company)
    found = company.dataset()
    dataset_files.write(found, tmp_path / "set")
    again = dataset_files.read(tmp_path / "set")
    assert (again.train, again.validation, again.test) == (found.train, found.validation, found.test)
    assert (again.hash, again.new_rows, again.test_version) == (found.hash, found.new_rows, found.test_version)
    (tmp_path / "set" / "train.jsonl").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="manifest"):
        dataset_files.read(tmp_path / "set")
    (tmp_path / "set" / "manifest.json").unlink()
    with pytest.raises(ConfigurationError, match="no whole dataset"):
        dataset_files.read(tmp_path / "set")


def test_no_document_and_no_family_is_on_two_sides(company):
    everything(company)
    company.corrects("Who signs the form of the gym?", "The gym officer.", keys()["gym"], author=AUTHORS[1])
    found = company.dataset()
    learned, watched = ({doc for row in part for doc in row.documents} for part in (found.train, found.validation))
    with company.database.reading() as session:
        tested = {doc for each in training_sets.frozen(session, "default") for doc in each.documents}
    assert learned
    assert watched
    assert tested
    assert not learned & watched
    assert not learned & tested
    assert not watched & tested
    families = [{row.family for row in part if row.kind is not Kind.REPLAY} for part in (found.train, found.validation)]
    assert not families[0] & families[1]


def test_what_joins_two_sides_is_left_out(company):
    everything(company)
    found = company.dataset()
    train = next(iter(found.train[0].documents), None) or next(row.documents[0] for row in found.train if row.documents)
    with company.database.reading() as session:
        test = training_sets.frozen(session, "default")[0].documents[0]
    by_id = {company.id(key): key for key in keys().values()}
    company.corrects("Is there one rule for both?", "Yes, one rule.", by_id[train], by_id[test])
    left_out = company.dataset().manifest["left_out"]
    assert left_out["its documents lie on both sides of the split"] == 1


def test_test_questions_stay_and_are_never_learned_in_other_words(company):
    everything(company)
    first = company.dataset()
    asked = first.test[0]
    key = asked.doc_ids[0]
    company.corrects(asked.question.replace("?", " please?"), asked.answers[0], key)
    again = company.dataset()
    assert again.test == first.test
    assert again.manifest["left_out"]["the test has the same question"] >= 1
    assert asked.question not in json.dumps([row.messages[1].content for row in again.train])


def test_test_questions_have_the_phrase_the_approved_text_and_the_documents_by_name(company):
    everything(company)
    asked = {each.question: each for each in company.dataset().test}
    for thing, key in keys().items():
        for question, (answer, _) in facts(thing).items():
            if question in asked:
                row = asked[question]
                assert row.doc_ids == (key,)
                assert row.groups == {"everyone", "public"}
                assert f"It is {answer}." in row.answers
                assert len(row.answers) == 2
                assert row.answerable


def test_the_test_is_cut_when_it_is_enough_for_a_decision_and_when_it_has_doubled():
    none = Size(0, 0)
    assert not step(none, Size(99, 20)).cut
    assert not step(none, Size(140, 9)).cut, "too few without an answer"
    assert step(none, Size(100, 10)).cut
    assert not step(Size(100, 10), Size(199, 60)).cut
    assert step(Size(100, 10), Size(200, 20)).cut
    assert step(Size(100, 10), Size(200, 20)).new_budget
    assert not step(Size(100, 10), Size(100, 10)).cut


@pytest.mark.parametrize("shrunk", [Size(95, 12), Size(120, 8)])
def test_what_erasure_has_left_too_small_is_filled_up_and_its_decisions_are_not_forgotten(shrunk):
    assert not step(shrunk, Size(shrunk.questions + 1, shrunk.unanswerable)).cut
    filled = step(shrunk, Size(shrunk.questions + 7, shrunk.unanswerable + 2))
    assert filled.cut
    assert not filled.new_budget


def test_before_the_first_cut_the_test_is_what_there_is_so_far(company):
    everything(company)
    found = company.dataset()
    assert found.test_version == 0
    assert 0 < len(found.test) < 100


def test_about_a_seventh_of_the_rows_say_nothing_and_their_evidence_does_not_hold_the_answer(company):
    everything(company)
    found = company.dataset()
    rows = [row for row in found.train if row.kind is not Kind.REPLAY]
    nothing = [row for row in rows if row.completion == prompt.NOTHING]
    assert len(nothing) / len(rows) == pytest.approx(0.15, abs=0.02)
    completions = {row.answer_id: row.completion for row in rows if row.kind is Kind.CORRECTION}
    for row in nothing:
        assert row.kind is Kind.ABSTENTION
        evidence = row.messages[1].content.partition("Question:")[0]
        assert completions[row.answer_id] not in evidence


def test_what_people_judged_unanswered_says_nothing_first(company):
    everything(company)
    for thing in ("rocket", "submarine", "balloon", "zeppelin"):
        company.confirms(f"Who signs the {thing} form of the officer?", "")
    found = company.dataset()
    learned = [row for row in (*found.train, *found.validation) if row.kind is Kind.ABSTENTION and not row.documents]
    tested = [each for each in found.test if not each.answerable]
    assert len(learned) + len(tested) == 4
    assert all(row.completion == prompt.NOTHING for row in learned)
    assert all(each.answers == () and each.doc_ids == () for each in tested)


def test_a_correction_that_names_a_missing_document_says_nothing_too(company):
    everything(company)
    company.corrects("Who signs the rocket form?", "The rocket officer.", missing="Rocket rules")
    found = company.dataset()
    asked = [each.question for each in found.test if not each.answerable]
    learned = [row for row in found.train if row.kind is Kind.ABSTENTION and not row.documents]
    assert len(asked) + len(learned) == 1


def test_a_confirmed_answer_is_learned_by_its_direct_answer(company):
    key = _train_key()
    thing = key.partition("/")[2].removesuffix(".md")
    number = THINGS.index(thing) + 3
    text = f"**EUR {number * 10} [1]**\n{thing.capitalize()} loss: whoever loses one pays EUR {number * 10}. [1]"
    answer = company.confirms(f"What is the price if I lose my {thing}?", text, key)
    company.confirms(f"And how long must I wait for the {thing} in days?", "A quote. [1]", key)
    found = company.dataset()
    [row] = [row for row in found.train if row.answer_id == answer and row.kind is Kind.CONFIRMED]
    assert row.completion == f"EUR {number * 10}"
    assert row.weight < 0.8
    assert found.manifest["left_out"]["the confirmed answer has no direct answer"] == 1


def test_two_people_weigh_more_than_one(company):
    key = _train_key()
    thing = key.partition("/")[2].removesuffix(".md")
    (one, (first, _)), (two, (second, _)), _ = facts(thing).items()
    company.corrects(one, first, key, approver=ANN)
    company.corrects(two, second, key, approver=ANN, second=BOB)
    weights = {
        row.completion.removeprefix("the "): row.weight
        for row in company.dataset().train
        if row.kind is Kind.CORRECTION
    }
    assert weights[second.removeprefix("the ")] == 1.0 > weights[first]


def _train_key() -> str:
    """Of a document whose questions are learned."""
    return next(key for key in keys().values() if not is_tested(f"document:{key}"))


def test_questions_and_replies_with_personal_data_or_placeholders_are_left_out(company):
    key = _train_key()
    company.corrects("Does <PERSON_1> sign it?", "the officer", key)
    company.corrects("Does Jane Doe sign it?", "the officer", key)
    found = company.dataset()
    assert [row for row in found.train if row.kind is Kind.CORRECTION] == []
    assert found.manifest["left_out"]["it holds personal data"] == 2


@pytest.mark.parametrize(
    ("state", "because", "there"),
    [
        (CorrectionState.APPROVED, "", True),
        (CorrectionState.WITHDRAWN, "expired", True),
        (CorrectionState.WITHDRAWN, "taken_back", False),
        (CorrectionState.WITHDRAWN, "source", False),
        (CorrectionState.REJECTED, "", False),
        (CorrectionState.PROPOSED, "", False),
        (CorrectionState.NEEDS_SECOND, "", False),
    ],
)
def test_only_what_is_approved_or_merely_too_old_is_learned(company, state, because, there):
    key = _train_key()
    question, (answer, _) = next(iter(facts(key.partition("/")[2].removesuffix(".md")).items()))
    company.corrects(question, answer, key, state=state, because=because)
    assert any(row.kind is Kind.CORRECTION for row in company.dataset().train) is there


def test_a_document_that_changed_since_takes_its_rows_along(company):
    key = _train_key()
    thing = key.partition("/")[2].removesuffix(".md")
    question, (answer, _) = next(iter(facts(thing).items()))
    company.corrects(question, answer, key)
    path = company.folder / key
    path.write_text(path.read_text() + " It is new.")
    company.sync()
    found = company.dataset()
    assert found.manifest["left_out"] == {"a document of it has changed since it was approved": 1}


def test_documents_that_not_everybody_may_read_and_other_tenants_are_not_learned_from(company):
    key = _train_key()
    thing = key.partition("/")[2].removesuffix(".md")
    question, (answer, _) = next(iter(facts(thing).items()))
    company.corrects(question, answer, key, tenant="other")
    assert company.dataset().train == ()
    company.corrects(question, answer, key)
    (company.folder / ".access.yaml").write_text("allow: [finance]\n")
    company.sync()
    found = company.dataset()
    assert found.train == ()
    assert found.test == ()
    assert found.manifest["left_out"] == {"not everybody may read its documents, or outsiders may write them": 1}


def test_evidence_of_a_row_is_what_everybody_may_read(company):
    (company.folder / "secret").mkdir()
    (company.folder / "secret" / "plan.md").write_text("# Plan\n\nThe gym form is signed by the secret officer.")
    (company.folder / "secret" / ".access.yaml").write_text("allow: [board]\n")
    company.sync()
    everything(company)
    found = company.dataset()
    assert "secret officer" not in json.dumps([row.messages[1].content for row in (*found.train, *found.validation)])


def test_rows_that_say_the_same_are_one_and_count_for_all_who_stand_by_it(company):
    key = _train_key()
    question, (answer, _) = next(iter(facts(key.partition("/")[2].removesuffix(".md")).items()))
    company.corrects(question, answer, key, author="web:eve", approver=ANN)
    company.corrects(question.replace("How long", "how long"), f"It is {answer}.", key, author="web:finn", approver=BOB)
    found = company.dataset()
    [row] = [row for row in found.train if row.kind is Kind.CORRECTION]
    assert row.weight == 1.0
    assert found.manifest["left_out"] == {"another row says the same": 1}


def test_people_who_contradict_each_other_teach_nothing(company):
    key = _train_key()
    question, (answer, _) = next(iter(facts(key.partition("/")[2].removesuffix(".md")).items()))
    company.corrects(question, answer, key)
    company.corrects(question, "99 working days", key, author="web:finn")
    found = company.dataset()
    assert found.train == ()
    assert found.manifest["left_out"]["people have approved different answers to the same question"] == 2


def test_a_row_counts_as_new_until_a_decision_has_seen_it(company):
    everything(company)
    found = company.dataset()
    assert found.new_rows == sum(row.kind is Kind.CORRECTION for row in found.train)
    night(company, found, "not tonight")
    assert company.dataset().new_rows == found.new_rows
    night(company, found, "refused")
    again = company.dataset()
    assert again.new_rows == 0
    assert again.hash == found.hash


def night(company: Company, found: Dataset, outcome: str) -> None:
    with company.database.writing() as session:
        row = TrainingRunRow(
            outcome=outcome, finished_at=now(), dataset=found.hash, dataset_manifest=dict(found.manifest)
        )
        session.add(row)


def test_replay_stands_beside_the_others_and_never_alone(company):
    assert company.dataset().train == ()
    everything(company)
    kinds = Counter(row.kind for row in company.dataset().train)
    assert 0 < kinds[Kind.REPLAY] <= 0.2 * (kinds.total() - kinds[Kind.REPLAY])


def test_the_sources_of_a_dataset_are_remembered(company):
    everything(company)
    found = company.dataset()
    with company.database.reading() as session:
        for row in found.train:
            if row.answer_id:
                assert training_sets.datasets_of(session, "answer", [row.answer_id]) == {found.hash}
                assert training_sets.datasets_of(session, "document", list(row.documents)) == {found.hash}
        assert training_sets.datasets_of(session, "person", [EVE]) == {found.hash}


def test_a_test_question_leaves_when_its_document_is_closed(company, monkeypatch):
    monkeypatch.setattr("workers.training.frozen_test.FIRST", 20)
    monkeypatch.setattr("workers.training.frozen_test.FIRST_UNANSWERABLE", 0)
    everything(company)
    before = company.dataset()
    key = next(row.doc_ids[0] for row in before.test if row.doc_ids)
    with company.database.writing() as session:
        row = session.get_one(DocumentRow, company.id(key))
        row.reader_set_id = documents.reader_set(session, "default", {"hr"})
    after = company.dataset()
    assert all(key not in row.doc_ids for row in after.test)
    assert after.test_version == before.test_version + 1
