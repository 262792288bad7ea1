"""`answerloop erase` says what it did, and tells scripts whether all of it is done."""

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from answerloop.cli import app
from answerloop.db.repositories import arrivals
from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow, QuestionRow, now
from answerloop.domain import InboundQuestion
from answerloop.settings import Settings


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANSWERLOOP_HOME", str(tmp_path / "state"))
    database = Database(Settings(_env_file=None, home=tmp_path / "state").effective_database_url)
    database.migrate()
    with database.writing() as session:
        asked = InboundQuestion("web", "default", "dana", "c1", "How long is my leave?", ("k1",))
        [accepted] = arrivals.record(session, [asked])
        session.get_one(QuestionRow, accepted.question_id).state = "answered"
        session.query(AnswerRow).one().finished_at = now() - timedelta(days=1)
    database.dispose()
    return tmp_path / "state"


def erase(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["erase", *arguments])
    return result.exit_code, result.output


def test_a_person_is_erased_and_the_receipt_can_be_looked_at(home):
    code, said = erase("--person", "dana")
    assert (code, "1 answers, 1 questions" in said) == (6, True)
    assert "messages in chats are taken away (1)" in said
    receipt = said.split("Receipt ")[1].split(".")[0]
    code, said = erase("--receipt", receipt)
    assert (code, receipt in said) == (6, True)
    assert b"my leave" not in b"".join(path.read_bytes() for path in home.glob("answerloop.db*"))
    assert (home / "receipt.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("arguments", [("--person", "nobody"), ("--document", "none"), ("--receipt", "none")])
def test_what_is_not_there_is_said(home, arguments):
    assert erase(*arguments)[0] == 5


@pytest.mark.parametrize("arguments", [(), ("--person", "a", "--document", "b"), ("--person", "")])
def test_one_thing_at_a_time(home, arguments):
    assert erase(*arguments)[0] == 2
