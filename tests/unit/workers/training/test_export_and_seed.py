"""What leaves in other tools' forms, and what comes in from a file."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from answerloop.auditing import CorrectionState
from answerloop.db.audit_tables import CorrectionRow, CuratedRow
from answerloop.db.repositories import training_sets
from answerloop.db.session import Database
from answerloop.errors import ConfigurationError
from answerloop.testing.installation import CHECKOUT
from tests.unit.workers.training.dataset_kit import Company, facts, keys, texts
from tests.unit.workers.training.test_dataset import everything
from workers.training import seed
from workers.training.export import Format, export
from workers.training.rows import Kind

SAMPLES = CHECKOUT / "samples"


@pytest.fixture
def company(tmp_path: Path, database: Database) -> Company:
    return Company(tmp_path, database, texts())


def test_a_folder_for_hugging_face_has_its_card_and_rows_in_the_form_of_trl(company, tmp_path):
    everything(company)
    dataset = company.dataset(remember=False)
    export(dataset, tmp_path / "hf", Format.HF)
    card = (tmp_path / "hf" / "README.md").read_text()
    for path in ("rows/train.jsonl", "rows/validation.jsonl", "test/test.jsonl"):
        assert f"path: {path}" in card
        assert (tmp_path / "hf" / path).exists()
    rows = [json.loads(line) for line in (tmp_path / "hf" / "rows" / "train.jsonl").read_text().splitlines()]
    assert len(rows) == len(dataset.train)
    assert [message["role"] for message in rows[0]["prompt"]] == ["system", "user"]
    assert rows[0]["completion"] == [{"role": "assistant", "content": dataset.train[0].completion}]


def test_tables_hold_every_row_and_run_nothing(company, tmp_path):
    everything(company)
    company.corrects("=1+1 is what the gym desk says?", "the gym officer", keys()["gym"])
    dataset = company.dataset(remember=False)
    export(dataset, tmp_path / "csv", Format.CSV)
    for name, count in (("train", len(dataset.train)), ("test", len(dataset.test))):
        with (tmp_path / "csv" / f"{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == count
        assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


def test_an_export_writes_nothing_into_the_database_and_into_no_full_folder(company, tmp_path):
    everything(company)
    dataset = company.dataset(remember=False)
    export(dataset, tmp_path / "out", Format.JSONL)
    with pytest.raises(ConfigurationError, match="not empty"):
        export(dataset, tmp_path / "out", Format.CSV)
    with company.database.reading() as session:
        assert training_sets.frozen(session, "default") == []
        assert training_sets.all_datasets(session) == set()


def seeds_file(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "seeds.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rows_of(thing: str) -> list[dict[str, str]]:
    people = [{"suggested_by": f"web:{at}", "approved_by": f"reviewer-{at}"} for at in range(3)]
    return [
        {"question": question, "text": answer, "document": keys()[thing], **people[at]}
        for at, (question, (answer, _)) in enumerate(facts(thing).items())
    ]


def test_seeds_are_approved_served_and_learned(company, tmp_path):
    wanted = seed.read(seeds_file(tmp_path, *rows_of("gym"), *rows_of("sauna"), *rows_of("desk"), *rows_of("badge")))
    assert seed.seed(company.database, "default", wanted, timedelta(days=9)) == 12
    assert seed.seed(company.database, "default", wanted, timedelta(days=9)) == 0
    with company.database.reading() as session:
        rows = session.scalars(select(CorrectionRow)).all()
        assert {row.state for row in rows} == {CorrectionState.APPROVED}
        assert {row.topic for row in rows} <= {"hr", "it"}
        assert len(session.scalars(select(CuratedRow)).all()) == 12
    found = company.dataset()
    assert sum(row.kind is Kind.CORRECTION for row in (*found.train, *found.validation)) + len(found.test) == 12


def test_seeds_stay_away_from_what_people_have_written(company, tmp_path):
    question, (answer, _) = next(iter(facts("gym").items()))
    company.corrects(question, answer, keys()["gym"])
    wanted = seed.read(seeds_file(tmp_path, *rows_of("desk")))
    with pytest.raises(ConfigurationError, match="People have written 1 corrections"):
        seed.seed(company.database, "default", wanted, timedelta(days=9))
    assert seed.seed(company.database, "default", wanted, timedelta(days=9), force=True) == 3


def test_seeds_of_documents_that_are_not_there_and_lines_that_are_none_are_refused(company, tmp_path):
    row = {"question": "Q?", "text": "A", "document": "no/such.md"}
    wanted = seed.read(seeds_file(tmp_path, row))
    with pytest.raises(ConfigurationError, match=r"not indexed: no/such\.md"):
        seed.seed(company.database, "default", wanted, timedelta(days=9))
    with pytest.raises(ConfigurationError, match="line 1"):
        seed.read(seeds_file(tmp_path, {"question": "Q?"}))


def test_the_sample_corrections_are_of_the_handbook_and_not_the_questions_it_is_measured_by():
    corrections = seed.read(SAMPLES / "corrections.jsonl")
    assert len(corrections) >= 250
    assert len({each.question for each in corrections}) == len(corrections)
    assert all((SAMPLES / "handbook" / each.document).exists() for each in corrections)
    asked = [json.loads(line)["question"].casefold() for line in (SAMPLES / "questions.jsonl").read_text().splitlines()]
    assert not {each.question.casefold() for each in corrections} & set(asked)
    by_author = [each.suggested_by for each in corrections]
    assert max(map(by_author.count, set(by_author))) < 0.34 * len(corrections)
    assert not any(each.approved_by.startswith(each.suggested_by) for each in corrections)
