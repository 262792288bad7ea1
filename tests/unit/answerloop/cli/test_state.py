"""`answerloop export-state | import-state | backup` say what they did, what comes next, and why they refuse."""

import shutil

import pytest
from typer.testing import CliRunner

from answerloop.cli import app
from answerloop.db.tables import DocumentRow
from answerloop.errors import ConfigurationError
from answerloop.testing.past import document
from answerloop.testing.past_state import House, paint_files


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(home: str, *arguments: str) -> tuple[int, str]:
        monkeypatch.setenv("ANSWERLOOP_HOME", str(tmp_path / home))
        result = CliRunner().invoke(app, list(arguments))
        return result.exit_code, " ".join(result.output.split())

    return run


@pytest.fixture
def old(tmp_path) -> House:
    house = House(tmp_path / "old")
    house.database.migrate()
    paint_files(house.state)
    with house.database.writing() as session:
        document(session, "Leave", "27 days")
    house.database.dispose()
    return house


def test_an_installation_moves_and_says_what_comes_next(old, run):
    code, said = run("old", "export-state", "state.tar")
    assert code == 0
    assert "3 rows of" in said
    assert "9 files" in said
    assert "keep it as the database itself" in said
    assert "Nothing starts here any more" in said
    code, said = run("new", "import-state", "state.tar")
    assert code == 0
    assert "The source past is not here: put it there, or import with --source past=…" in said
    assert "`answerloop ingest --rebuild --tenant default` writes its index, then start." in said
    assert "erased" not in said


def test_who_has_left_may_come_back(old, run):
    run("old", "export-state", "state.tar")
    code, said = run("old", "erase", "--person", "x")
    assert (code, "was exported at" in said) == (4, True)
    assert run("old", "export-state", "--undo") == (0, "This installation goes on here.")
    assert run("old", "export-state", "--undo") == (0, "This installation was not exported.")
    assert run("old", "erase", "--person", "x")[0] == 5


def test_a_backup_says_that_erasures_are_to_be_repeated(old, run, tmp_path):
    code, said = run("old", "backup", "state.tar")
    assert (code, "Nothing starts" in said) == (0, False)
    with old.database.reading() as session:
        document_id = session.query(DocumentRow).one().id
    old.database.dispose()
    assert run("old", "erase", "--document", document_id)[0] == 6
    code, said = run("new", "import-state", "state.tar")
    assert (code, "what was erased since is here again" in said) == (0, True)
    shutil.rmtree(tmp_path / "new")
    code, said = run("new", "import-state", "state.tar", "--erasures", "old/erasures.jsonl")
    assert (code, "Erased again: a document, receipt " in said) == (0, True)
    assert run("new", "erase", "--again", "old/erasures.jsonl") == (0, "")
    new = House(tmp_path / "new")
    with new.database.reading() as session:
        assert session.query(DocumentRow).count() == 0
    new.database.dispose()


def test_nothing_starts_before_all_is_erased_again(old, run, tmp_path, monkeypatch):
    """Whatever kills the import after its rows are in."""
    run("old", "backup", "state.tar")
    with old.database.reading() as session:
        document_id = session.query(DocumentRow).one().id
    old.database.dispose()
    run("old", "erase", "--document", document_id)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("answerloop.cli.state.erase_again", die)
        code, said = run("new", "import-state", "state.tar", "--erasures", "old/erasures.jsonl")
        assert code != 0
        assert "nothing starts until `answerloop erase --again old/erasures.jsonl`" in said
    new = House(tmp_path / "new")
    with pytest.raises(ConfigurationError, match="answerloop erase --again FILE"):
        new.database.check()
    assert run("new", "erase", "--person", "somebody")[0] == 4
    code, said = run("new", "erase", "--again", "old/erasures.jsonl")
    assert (code, "Erased again: a document" in said) == (0, True)
    new.database.check()
    assert len((tmp_path / "new" / "erasures.jsonl").read_text().splitlines()) == 2, "theirs and ours"
    new.database.dispose()


def test_a_source_can_lie_elsewhere(old, run, tmp_path):
    run("old", "export-state", "state.tar")
    code, said = run("new", "import-state", "state.tar", "--source", f"past={tmp_path}")
    assert (code, "is not here" in said) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["export-state"], 2, "name a file, or --undo"),
        (["export-state", "a.tar", "--undo"], 2, "name a file, or --undo"),
        (["import-state", "none.tar"], 4, "There is no"),
        (["import-state", "none.tar", "--source", "x"], 2, "is not OLD=NEW"),
        (["backup", "old"], 4, "is there already"),
    ],
)
def test_what_cannot_be_done_is_said(old, run, arguments, code, words):
    ended, said = run("old", *arguments)
    assert ended == code
    assert words in said.replace("│ ", "")


def test_every_erasure_is_noted_outside_of_the_database(old, run):
    with old.database.reading() as session:
        document_id = session.query(DocumentRow).one().id
    old.database.dispose()
    run("old", "erase", "--document", document_id)
    assert len(old.state.erasures.read_text().splitlines()) == 1


def test_a_restored_database_is_told_of_erasures_later(old, run):
    run("old", "backup", "state.tar")
    with old.database.reading() as session:
        document_id = session.query(DocumentRow).one().id
    old.database.dispose()
    run("old", "erase", "--document", document_id)
    run("new", "import-state", "state.tar")
    code, said = run("new", "erase", "--again", "old/erasures.jsonl")
    assert (code, "Erased again: a document" in said) == (0, True)
    assert run("new", "erase", "--again", "none.jsonl")[0] == 2
