"""What is erased leaves the next dataset, the test, the files and, marked, the adapters."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from answerloop.db.eraser import Eraser
from answerloop.db.repositories import receipts, taint, training_sets
from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow, QuestionRow, now
from answerloop.db.training_tables import AdapterRow, TestQuestionRow, TestVersionRow, TrainingRunRow
from tests.unit.workers.training.dataset_kit import DANA, Company, keys, texts
from tests.unit.workers.training.test_dataset import AUTHORS, everything
from workers.training import dataset_files, frozen_test
from workers.training.rows import Dataset, Kind

FINN = "web:finn"


class Trained(Company):
    """With one dataset on disk, a test of version 1, and an adapter that was trained on it."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder, database, texts())
        everything(self)
        self.datasets = folder / "datasets"
        (folder / "logs").mkdir()
        self.eraser = Eraser(database, b"k" * 32, folder / "logs", self.datasets)
        self.first = self.dataset()
        dataset_files.write(self.first, self.datasets / self.first.hash)
        (self.datasets / "other").mkdir()
        item = {"question_id": self.first.test[0].id, "text": self.first.test[0].question, "f1": 0.5}
        with database.writing() as session:
            run = TrainingRunRow(
                outcome="live",
                finished_at=now(),
                dataset=self.first.hash,
                test_version=self.first.test_version,
                dataset_manifest=dict(self.first.manifest),
                ladder={"arms": [{"items": [item]}]},
            )
            session.add(run)
            session.flush()
            for name, dataset in (("mine", self.first.hash), ("clean", "0" * 64)):
                session.add(AdapterRow(name=name, run_id=run.id, dataset=dataset, base_model="m", state="live"))

    def tainted(self) -> dict[str, str]:
        with self.database.reading() as session:
            return taint.tainted(session, ["mine", "clean"])

    def asked_by(self, answer_id: str, person: str) -> None:
        with self.database.writing() as session:
            session.get_one(QuestionRow, session.get_one(AnswerRow, answer_id).question_id).asker = person

    def test_rows(self) -> list[TestQuestionRow]:
        with self.database.reading() as session:
            return list(session.scalars(select(TestQuestionRow)))


@pytest.fixture
def trained(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Trained:
    monkeypatch.setattr(frozen_test, "FIRST", 20)
    monkeypatch.setattr(frozen_test, "FIRST_UNANSWERABLE", 0)
    return Trained(tmp_path, database)


def words_of(dataset: Dataset) -> str:
    rows = (*dataset.train, *dataset.validation)
    return " ".join([*(row.messages[1].content for row in rows), *(each.question for each in dataset.test)])


def test_the_question_of_an_erased_person_leaves_the_rows_and_taints_what_was_trained_on_them(trained):
    row = next(row for row in trained.first.train if row.kind is Kind.CORRECTION)
    question = row.messages[1].content.rpartition("Question: ")[2].partition("\n")[0]
    trained.asked_by(row.answer_id, "web:zoe")
    receipt = trained.eraser.person("web:zoe", "root")
    assert trained.tainted() == {"mine": taint.PERSON_ERASED}
    assert not (trained.datasets / trained.first.hash).exists()
    assert (trained.datasets / "other").exists()
    assert receipts.DATASETS not in receipt.unfinished
    assert receipt.counts["adapters_tainted"] == 1
    again = trained.dataset()
    assert question not in words_of(again)
    assert again.hash != trained.first.hash
    assert again.test == trained.first.test


def test_what_an_erased_person_wrote_is_learned_no_more_although_others_stand_by_it(trained):
    trained.eraser.person(FINN, "root")
    assert trained.tainted() == {"mine": taint.PERSON_ERASED}
    again = trained.dataset()
    assert again.manifest["left_out"]["whoever wrote it was erased"] >= 20
    assert len(again.train) < len(trained.first.train)
    with trained.database.reading() as session:
        assert training_sets.datasets_of(session, "person", [FINN]) == set()
        assert training_sets.datasets_of(session, "person", [AUTHORS[0]]) != set()


def test_an_erased_document_leaves_rows_and_test_and_taints(trained):
    tested = trained.first.test[0]
    [key] = tested.doc_ids
    document = trained.id(key)
    with trained.database.reading() as session:
        before = session.get_one(TestVersionRow, 1)
    receipt = trained.eraser.document(document, "root")
    with trained.database.reading() as session:
        after = session.get_one(TestVersionRow, 2)
        gone = [row for row in trained.test_rows() if row.until is not None]
    assert gone
    assert all((row.row, row.removed_because) == ({}, taint.DOCUMENT_ERASED) for row in gone)
    assert (after.size, after.reason) == (before.size - len(gone), taint.DOCUMENT_ERASED)
    assert after.spent_before == 1, "the decision that was made on the version before"
    assert receipt.counts["test_questions"] == len(gone)
    (trained.folder / key).unlink()
    trained.sync()
    again = trained.dataset()
    assert again.test_version == 2
    assert tested.id not in {each.id for each in again.test}
    assert {each.id for each in again.test} < {each.id for each in trained.first.test}


def test_what_was_noted_of_an_erased_test_question_keeps_its_figures_alone(trained):
    trained.eraser.document(trained.id(trained.first.test[0].doc_ids[0]), "root")
    with trained.database.reading() as session:
        [run] = session.scalars(select(TrainingRunRow))
    [item] = run.ladder["arms"][0]["items"]
    assert item == {"question_id": trained.first.test[0].id, "text": "erased", "f1": 0.5}


def test_a_dataset_of_a_night_under_way_is_marked_too(trained):
    row = next(row for row in trained.first.train if row.kind is Kind.CORRECTION)
    with trained.database.reading() as session:
        assert taint.of_dataset(session, trained.first.hash) == ""
    trained.eraser.document(row.documents[0], "root")
    with trained.database.writing() as session:
        assert taint.of_dataset(session, trained.first.hash) == taint.DOCUMENT_ERASED
        session.add(AdapterRow(name="late", run_id=_run(session), dataset=trained.first.hash, base_model="m"))
    with trained.database.reading() as session:
        assert taint.tainted(session, ["late"]) == {"late": taint.DOCUMENT_ERASED}


def _run(session) -> str:
    return session.scalars(select(TrainingRunRow.id)).one()


def test_whoever_has_nothing_to_do_with_it_taints_nothing(trained):
    answer = trained.asked("Where is the toaster?")
    trained.asked_by(answer, "web:zoe")
    trained.eraser.person("web:zoe", "root")
    assert trained.tainted() == {}
    assert (trained.datasets / trained.first.hash).exists()
    assert trained.dataset().hash == trained.first.hash


def test_age_takes_words_from_files_and_test_and_leaves_adapters_alone(trained):
    with trained.database.writing() as session:
        for row in session.scalars(select(TestQuestionRow).limit(1)):
            row.row = {**row.row, "kind": "confirmed"}
    assert trained.eraser.older_than(1) == len([1 for _ in keys()]) * 3
    assert trained.tainted() == {}
    assert not (trained.datasets / trained.first.hash).exists()
    [gone] = [row for row in trained.test_rows() if row.until is not None]
    assert (gone.row, gone.removed_because) == ({}, taint.TOO_OLD)
    assert DANA not in words_of(trained.dataset())
