"""What goes out of an installation comes into another one: all of it, or nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from answerloop.db import departure, transfer
from answerloop.db.audit_tables import BookmarkRow
from answerloop.db.repositories import processes
from answerloop.db.tables import DocumentRow, ProcessRow, QuestionRow, ReaderSetRow, SourceRow, now
from answerloop.errors import AlreadyRunning, ArchiveRefused, ConfigurationError, DatabaseUnavailable
from answerloop.moving import files
from answerloop.testing.installation import CHECKOUT
from answerloop.testing.past_state import House, every_line


@pytest.fixture
def archive(tmp_path) -> Path:
    return tmp_path / "state.tar"


def test_every_row_and_every_file_arrives_as_it_was(old, new, archive):
    rows, kept = every_line(old.database), old.files()
    assert all(rows.values())
    manifest = old.leave(archive)
    arrived = new.arrive(archive)
    assert every_line(new.database) == rows
    assert new.files() == kept
    assert (manifest.rows, len(manifest.files)) == (sum(map(len, rows.values())), 9)
    assert arrived.tenants == ("default",)
    assert "/srv/händbook" in arrived.unreachable
    assert not (new.state.root / "logs").exists()
    assert not list(new.state.root.glob(".importing*"))
    assert not list(old.state.root.glob(".exporting*"))


def test_only_its_owner_reads_what_was_written(new, exported):
    new.arrive(exported)
    assert exported.stat().st_mode & 0o777 == 0o600
    assert {path.stat().st_mode & 0o777 for path in files.found(new.state).values()} == {0o600}


def test_the_same_rows_have_the_same_sums(old, new, archive, tmp_path):
    first = old.leave(archive)
    new.arrive(archive)
    second = new.leave(tmp_path / "again.tar")
    assert [table.sha256 for table in first.tables] == [table.sha256 for table in second.tables]
    assert {(file.path, file.sha256) for file in first.files} == {(file.path, file.sha256) for file in second.files}


def test_processes_stay_where_they_run(old, new, archive):
    with old.database.writing() as session:
        session.add(ProcessRow(id="p", name="bot", host="h", pid=2**40, seen_at=now() - timedelta(hours=1)))
    old.leave(archive)
    new.arrive(archive)
    with new.database.reading() as session:
        assert not session.query(ProcessRow).filter(ProcessRow.id == "p").all()


def test_numbers_go_on_after_the_last_one(new, exported):
    new.arrive(exported)
    with new.database.writing() as session:
        last = max(row.id for row in session.query(ReaderSetRow))
        session.add(ReaderSetRow(tenant="default", key="k", groups=[]))
        session.flush()
        assert max(row.id for row in session.query(ReaderSetRow)) == last + 1


def test_what_somebody_held_elsewhere_is_free(old, new, archive):
    with old.database.writing() as session:
        for row in (*session.query(SourceRow), session.get_one(BookmarkRow, "sampling")):
            row.lease_until = now() + timedelta(hours=12)
        waiting = session.query(QuestionRow).filter(QuestionRow.state == "pending").one()
        waiting.lease_until = lease = now() + timedelta(seconds=30)
    old.leave(archive, live=True)
    new.arrive(archive)
    with new.database.reading() as session:
        assert not [row for row in (*session.query(SourceRow), *session.query(BookmarkRow)) if row.lease_until]
        assert session.get_one(QuestionRow, waiting.id).lease_until == lease


def test_a_nul_is_kept_where_it_can_be(old, new, archive):
    with old.database.writing() as session:
        document = session.query(DocumentRow).first()
        document.text = "a\0b"
    old.leave(archive)
    assert new.arrive(archive).replaced == 0
    with new.database.reading() as session:
        assert session.get_one(DocumentRow, document.id).text == "a\0b"


def test_a_source_that_lies_elsewhere_is_the_same_source(new, exported, tmp_path):
    arrived = new.arrive(exported, {"/srv/händbook": str(tmp_path)})
    assert "/srv/händbook" not in arrived.unreachable
    with new.database.reading() as session:
        assert str(tmp_path) in [row.location for row in session.query(SourceRow)]


def test_a_source_that_is_none_cannot_lie_elsewhere(new, exported):
    with pytest.raises(ArchiveRefused, match=r"No source is at /tmp/none\. There are: .*händbook"):
        new.arrive(exported, {"/tmp/none": "/tmp"})
    assert new.is_empty()


def test_a_database_of_the_review_queue_is_whole_while_somebody_writes(old, new, archive):
    place = old.state.label_studio / "data" / "label_studio.sqlite3"
    with sqlite3.connect(place) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE judged (id)")
        writer.execute("INSERT INTO judged VALUES (7)")
        writer.commit()
        old.leave(archive, live=True)
    writer.close()
    new.arrive(archive)
    reader = sqlite3.connect(new.state.label_studio / "data" / "label_studio.sqlite3")
    assert reader.execute("SELECT id FROM judged").fetchall() == [(7,)]
    reader.close()
    assert not [name for name in new.files() if "wal" in name]


# --- who has left ----------------------------------------------------------------------------------------------------


def test_who_has_left_starts_no_more_until_it_is_told_to(old, new, archive):
    old.leave(archive)
    with pytest.raises(ConfigurationError, match=r"was exported at .* --undo"):
        old.database.check()
    new.arrive(archive)
    new.database.check()
    with old.database.writing() as session:
        assert departure.stay(session)
    old.database.check()


def test_a_backup_leaves_nobody(old, archive, tmp_path):
    with old.database.writing() as session:
        processes.beat(session, "bot", "here", 1, 0)
    manifest = old.leave(archive, live=True)
    assert manifest.live
    old.database.check()


def test_nobody_leaves_while_processes_are_at_work(old, archive):
    with old.database.writing() as session:
        processes.beat(session, "worker-answer", "here", 17, 0)
    with pytest.raises(AlreadyRunning, match=r"worker-answer \(pid 17 on here\)"):
        old.leave(archive)
    assert not archive.exists()


def test_nobody_leaves_while_it_is_started(old, archive):
    with files.alone(old.state), pytest.raises(AlreadyRunning, match="stop it first"):
        old.leave(archive)


def test_an_archive_is_never_written_over_another_file(old, archive):
    archive.write_text("mine")
    with pytest.raises(ConfigurationError, match="there already"):
        old.leave(archive)
    assert archive.read_text() == "mine"


def test_an_export_that_fails_leaves_nothing(old, archive, monkeypatch):
    def full(_done: int, _total: int, table: str) -> None:
        if table == "answers":
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        old.leave(archive, progress=full)
    assert [path.name for path in archive.parent.iterdir() if path.is_file()] == []
    old.database.check()
    old.leave(archive)


def test_rows_that_come_while_it_is_written_are_not_half_in_it(old, new, archive):
    def write(_done: int, _total: int, table: str) -> None:
        if table == "answers":
            with old.database.writing() as session:
                session.query(QuestionRow).filter(QuestionRow.state == "pending").one().text = "changed"

    before = every_line(old.database)
    old.leave(archive, live=True, progress=write)
    new.arrive(archive)
    assert every_line(new.database) == before


def test_a_file_that_goes_while_it_is_looked_at_is_a_reason_to_look_again(old, new, archive, monkeypatch):
    """As a dataset does that nights have done with."""
    real, gone = files.second_name, [old.state.datasets / ("d" * 64) / "train.jsonl"]

    def link(path: Path, name: Path) -> None:
        if path in gone:
            gone.remove(path)
            path.unlink()
        real(path, name)

    monkeypatch.setattr(files, "second_name", link)
    manifest = old.leave(archive, live=True)
    assert gone == []
    assert len(manifest.files) == 8
    assert not list(old.state.root.glob(".exporting*"))
    new.arrive(archive)


def test_files_that_go_every_time_are_an_error(old, archive, monkeypatch):
    def gone(path: Path, name: Path) -> None:
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr(files, "second_name", gone)
    with pytest.raises(DatabaseUnavailable, match="change all the time"):
        old.leave(archive, live=True)
    assert not archive.exists()


# --- who is not let in -----------------------------------------------------------------------------------------------


def test_two_installations_cannot_be_merged(new, exported):
    new.arrive(exported)
    with pytest.raises(ArchiveRefused, match=r"is not empty: there are rows in .*conversations"):
        new.arrive(exported)


def test_files_of_another_one_are_not_written_over(new, exported):
    new.state.root.mkdir(exist_ok=True)
    new.state.session_key.write_bytes(b"mine")
    with pytest.raises(ArchiveRefused, match=r"session\.key is another one's"):
        new.arrive(exported)
    assert new.state.session_key.read_bytes() == b"mine"
    with new.database.reading() as session:
        assert transfer.filled(session) == []


def test_nobody_comes_in_while_processes_are_at_work(new, exported):
    new.database.migrate()
    with new.database.writing() as session:
        processes.beat(session, "bot", "here", 3, 0)
    with pytest.raises(AlreadyRunning, match="bot"):
        new.arrive(exported)


def test_nobody_comes_in_where_processes_start_meanwhile(new, exported, monkeypatch):
    asked = []

    def require(database):
        asked.append(database)
        if len(asked) == 2:
            raise AlreadyRunning("somebody started")

    monkeypatch.setattr("answerloop.moving.arriving.require_nobody", require)
    with pytest.raises(AlreadyRunning):
        new.arrive(exported)
    assert new.is_empty()


def test_another_embedder_is_refused(exported, tmp_path):
    other = House(tmp_path / "new", embedder="other")
    with pytest.raises(ArchiveRefused, match="ANSWERLOOP_EMBEDDER is other"):
        other.arrive(exported)
    other.database.dispose()


def test_an_older_database_is_to_be_migrated_first(new, exported):
    new.database.migrate()
    with new.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(ConfigurationError, match="answerloop migrate"):
        new.arrive(exported)


@pytest.mark.parametrize("at", ["feedback", ""])
def test_an_import_that_is_killed_leaves_nothing_and_can_be_repeated(old, new, exported, at):
    script = f"""
import os, signal
from pathlib import Path
from answerloop.moving.arriving import import_state
from answerloop.testing.past_state import House
def die(done, total, table):
    if table == {at!r}:
        os.kill(os.getpid(), signal.SIGKILL)
house = House(Path({str(new.state.root)!r}))
import_state(house.settings, house.database, Path({str(exported)!r}), die, {{}})
"""
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, check=False)
    assert done.returncode == -signal.SIGKILL
    with new.database.reading() as session:
        assert transfer.filled(session) == []
    new.arrive(exported)
    assert every_line(new.database) == every_line(old.database)
    assert new.files() == old.files()
