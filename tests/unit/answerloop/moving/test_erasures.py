"""What was erased after a backup is found in it again, though nobody kept a name."""

import pytest

from answerloop.db.audit_tables import CorrectionRow
from answerloop.db.eraser import Eraser
from answerloop.db.tables import DocumentRow, FeedbackRow, QuestionRow
from answerloop.db.training_tables import DatasetSourceRow
from answerloop.errors import ConfigurationError, NotFound
from answerloop.moving import erasures
from answerloop.secrets import key_of
from answerloop.testing.past_state import House


def eraser(house: House) -> Eraser:
    key = key_of(house.state.receipt_key)
    return Eraser(house.database, key, house.state.logs, house.state.datasets)


def noted(house: House) -> list[erasures.Erasure]:
    erasures.note(house.state.erasures, house.database, key_of(house.state.receipt_key))
    return erasures.read(house.state.erasures)


def missing(house: House, told: list[erasures.Erasure]) -> erasures.Missing:
    return erasures.missing(house.database, key_of(house.state.receipt_key), told)


@pytest.fixture
def restored(new, exported) -> House:
    new.arrive(exported)
    return new


@pytest.fixture
def document(old) -> str:
    with old.database.reading() as session:
        return session.query(DocumentRow).filter(DocumentRow.title == "Salary bands").one().id


def test_what_was_erased_since_is_found_by_the_key_alone(old, restored, document):
    eraser(old).person("zoë", "ops")
    eraser(old).document(document, "ops")
    told = noted(old)
    assert "zoë" not in old.state.erasures.read_text()
    assert document not in old.state.erasures.read_text()
    found = missing(restored, told)
    assert found == erasures.Missing((("document", document), ("person", "zoë")), 0, ())
    for kind, subject in found.again:
        getattr(eraser(restored), kind)(subject, "ops")
    with restored.database.reading() as session:
        assert not session.query(QuestionRow).filter(QuestionRow.asker == "zoë").all()
    assert missing(restored, told).again == ()


def test_a_document_is_found_by_what_was_made_of_it(old, restored):
    """Its row, and the answers from it, may have gone before the backup."""
    found = [("document", "only in a correction"), ("document", "only in a dataset")]
    for house in (old, restored):
        with house.database.writing() as session:
            correction = session.query(CorrectionRow).first()
            correction.documents = [*correction.documents, "only in a correction"]
            session.add(DatasetSourceRow(dataset="e" * 64, kind="document", ref="only in a dataset"))
    for _, document in found:
        eraser(old).document(document, "ops")
    told = noted(old)
    assert missing(restored, told).again == tuple(found)
    for _, document in found:
        eraser(restored).document(document, "ops")
    assert missing(restored, told).again == ()


def test_what_a_newer_list_has_told_stays_in_the_own_one(old, restored):
    """Also what nothing is known of here: the next backup that is restored may have it."""
    eraser(old).person("zoë", "ops")
    told = noted(old)
    key = key_of(restored.state.receipt_key)
    erasures.note(restored.state.erasures, restored.database, key, told)
    erasures.note(restored.state.erasures, restored.database, key)
    assert {each.id for each in told} <= {each.id for each in erasures.read(restored.state.erasures)}


def test_a_reviewer_is_found_by_every_name(old, restored):
    eraser(old).person("omar", "ops")  # as a chat knows him
    assert missing(restored, noted(old)).again == (("person", "omar"),)


def test_what_the_backup_knows_already_is_not_missing(old, tmp_path):
    eraser(old).person("ines", "ops")
    told = noted(old)
    old.leave(tmp_path / "state.tar", live=True)
    later = House(tmp_path / "later")
    later.arrive(tmp_path / "state.tar")
    assert missing(later, told) == erasures.Missing((), 0, ())
    later.database.dispose()


def test_what_the_backup_has_nothing_of_is_counted(old, restored):
    with old.database.writing() as session:
        answer = session.query(FeedbackRow).first().answer_id
        session.add(FeedbackRow(answer_id=answer, person="came later", thumb="up"))
    eraser(old).person("came later", "ops")
    assert missing(restored, noted(old)) == erasures.Missing((), 1, ())


def test_another_key_is_said_and_nothing_guessed(old, restored):
    old.state.receipt_key.unlink()
    eraser(old).person("zoë", "ops")
    told = noted(old)
    assert missing(restored, told) == erasures.Missing((), 0, tuple(told))


def test_the_list_only_grows(old):
    """Also when the database is an older one by now."""
    eraser(old).person("zoë", "ops")
    first = noted(old)
    old.database.dispose()
    old.state.database.unlink()
    for beside in old.state.root.glob("answerloop.db-*"):
        beside.unlink()
    old.database.migrate()
    assert noted(old) == first
    assert old.state.erasures.stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotFound):
        eraser(old).person("zoë", "ops")


def test_retention_is_no_erasure_that_somebody_asked_for(old):
    eraser(old).older_than(1)
    assert noted(old) == []


def test_a_list_that_is_none_is_refused(tmp_path):
    (tmp_path / "list").write_text('{"id": "1"}\n')
    with pytest.raises(ConfigurationError, match="no list of erasures"):
        erasures.read(tmp_path / "list")
