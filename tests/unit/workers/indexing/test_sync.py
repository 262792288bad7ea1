"""What a source says is what the index says: with a real index and database, and a fake embedder."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.db.eraser import Eraser
from answerloop.db.repositories import documents, receipts
from answerloop.db.session import Database
from answerloop.db.tables import DocumentRow, SourceRow, now
from answerloop.domain import Audience
from answerloop.errors import IndexUnavailable, NotFound
from answerloop.testing.fakes import FakeEmbedder
from answerloop.testing.installation import until
from workers.answering.retrieve import Retriever
from workers.indexing import rest, sync
from workers.indexing.sync import Indexer, SyncReport


class Library:
    """A folder of documents, and what different people find in it."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder / "handbook"
        self.folder.mkdir()
        self.database = database
        self.embedder = FakeEmbedder()
        self.index = LanceDocumentIndex(folder / "index", self.embedder.name, self.embedder.dimension)
        self.indexer = Indexer(database, self.index, self.embedder, chunk_tokens=64, max_document_bytes=1_000_000)
        self.retriever = Retriever(self.index, self.embedder, database, passages=5)

    def write(self, name: str, text: str, **front: object) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        matter = "".join(f"{key}: {json.dumps(value)}\n" for key, value in front.items())
        path.write_text(f"---\n{matter}---\n{text}" if front else text)

    def sync(self, *allow: str) -> SyncReport:
        return self.indexer.sync(self.indexer.register(self.folder, "default", allow))

    def found(self, question: str, *groups: str) -> set[str]:
        audience = Audience.of_person("default", set(groups or ("everyone",)))
        return {passage.title for passage in self.retriever.retrieve(question, (), audience).passages}


@pytest.fixture
def library(tmp_path: Path, database: Database) -> Library:
    library = Library(tmp_path, database)
    library.write("leave.md", "# Leave\n\nParental leave is 90 days for every employee.")
    library.write("vpn.md", "# VPN\n\nThe error VPN-4471 means that the certificate has expired.")
    return library


def test_documents_are_found_after_the_first_run(library):
    assert library.sync().indexed == 2
    assert "Leave" in library.found("How many days is parental leave?")


def test_a_second_run_does_nothing(library):
    library.sync()
    again = library.sync()
    assert (again.indexed, again.unchanged) == (0, 2)


def test_a_touched_file_is_not_embedded_again(library):
    library.sync()
    os.utime(library.folder / "leave.md", (1, 1))
    again = library.sync()
    assert (again.indexed, again.access_changed, again.unchanged) == (0, 1, 1)


def test_a_changed_document_replaces_its_old_text(library):
    library.sync()
    library.write("leave.md", "# Leave\n\nParental leave is now one hundred days.")
    assert library.sync().indexed == 1
    with library.database.reading() as session:
        assert documents.count(session) == 2
    assert library.index.count("default") == 2


def test_a_deleted_file_leaves_the_index_in_the_same_run(library):
    library.sync()
    (library.folder / "leave.md").unlink()
    assert library.sync().deleted == 1
    assert library.found("parental leave") == {"VPN"}
    assert library.index.count("default") == 1


def test_a_source_that_is_away_keeps_its_documents(library):
    library.sync()
    library.folder.rename(library.folder.with_name("unmounted"))
    with library.database.reading() as session:
        [source] = documents.sources(session)
    report = library.indexer.sync(source.id)
    assert report.rejected
    assert "Leave" in library.found("parental leave")


def test_one_bad_file_is_named_and_stops_nothing(library):
    (library.folder / "empty.md").write_text("")
    (library.folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing more")
    (library.folder / "huge.txt").write_bytes(b"x" * 1_000_001)
    (library.folder / "film.mp4").write_bytes(b"x")
    report = library.sync()
    assert report.indexed == 2
    assert set(report.rejected) == {"empty.md", "broken.pdf", "huge.txt"}
    assert set(report.skipped) == {"film.mp4"}
    assert all(reason for reason in report.rejected.values())


def test_a_change_of_access_applies_to_the_next_question(library):
    library.sync()
    library.write("leave.md", "# Leave\n\nParental leave is 90 days for every employee.", allow=["hr"])
    report = library.sync()
    assert (report.indexed, report.access_changed) == (0, 1)
    assert "Leave" not in library.found("parental leave")
    assert "Leave" in library.found("parental leave", "hr")


def test_an_access_file_closes_its_folder(library):
    library.write("private/salaries.md", "# Salaries\n\nThe salary bands of this year.")
    (library.folder / "private" / ".access.yaml").write_text("allow: [hr]")
    library.sync()
    assert "Salaries" not in library.found("salary bands")
    assert "Salaries" in library.found("salary bands", "hr")


def test_an_access_file_that_breaks_takes_its_documents_out(library):
    library.write("private/salaries.md", "# Salaries\n\nThe salary bands of this year.")
    library.sync()
    (library.folder / "private" / ".access.yaml").write_text("allow: [")
    report = library.sync()
    assert "private/salaries.md" in report.rejected
    assert "Salaries" not in library.found("salary bands", "hr", "everyone")


def test_the_check_after_the_query_holds_when_the_index_lags(library):
    library.sync()
    with library.database.writing() as session:
        [leave] = [row for row in documents.of_source(session, documents.sources(session)[0].id).values()
                   if row.title == "Leave"]  # fmt: skip
        leave.reader_set_id = documents.reader_set(session, "default", ["hr"])
    assert "Leave" not in library.found("parental leave"), "the index still says everyone, the database says hr"


def test_a_superseded_document_is_not_found_until_its_successor_goes(library):
    library.write("new-leave.md", "# New leave\n\nParental leave is 100 days.", supersedes="leave.md")
    library.sync()
    assert library.found("parental leave") & {"Leave", "New leave"} == {"New leave"}
    (library.folder / "new-leave.md").unlink()
    library.sync()
    assert "Leave" in library.found("parental leave")


def test_rows_of_a_jsonl_file_go_to_their_tenants(tmp_path, library):
    rows = [
        {"id": "a", "title": "Ours", "text": "Leave is 90 days.", "source": "s"},
        {"id": "b", "title": "Theirs", "text": "Leave is 10 days.", "source": "s", "tenant": "other"},
    ]
    path = tmp_path / "documents.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n")
    report = library.indexer.sync(library.indexer.register(path, "default", ()))
    assert report.indexed == 2
    assert list(report.rejected) == ["line 3"]
    assert library.found("leave days") == {"Ours"}


def test_a_near_duplicate_is_shown_once_but_another_number_is_another_text(library):
    text = "# Copy of leave\n\nParental leave is {} days for every single employee."
    library.write("leave.md", text.format(90))
    library.write("copy.md", text.format(90))
    library.write("other.md", text.format(91))
    library.sync()
    audience = Audience.of_person("default", {"everyone"})
    passages = library.retriever.retrieve("How many days is parental leave?", (), audience).passages
    assert sorted(p.text.count("90") for p in passages if "Parental" in p.text) == [0, 1]


def test_an_interrupted_run_is_finished_by_the_next(library, monkeypatch):
    monkeypatch.setattr(library.index, "replace_documents", _fail_once(library.index.replace_documents))
    with pytest.raises(IndexUnavailable):
        library.sync()
    assert library.sync().indexed == 2
    assert "Leave" in library.found("parental leave")


def _fail_once(real):
    calls = []

    def replace(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise IndexUnavailable("the disk was full")
        return real(*arguments)

    return replace


def test_two_runs_at_once_do_not_work_on_one_source(library):
    source = library.indexer.register(library.folder, "default", ())
    reports: list[SyncReport] = []
    library.indexer.sync(source, lambda done, total, key: reports.append(library.indexer.sync(source)))
    assert all(report.busy for report in reports)


def test_a_source_stays_taken_however_long_the_index_takes(library, monkeypatch):
    source = library.indexer.register(library.folder, "default", ())
    monkeypatch.setattr(rest, "RENEWED_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(sync, "LEASE", timedelta(seconds=2))
    others: list[SyncReport] = []

    def take_longer_than_a_lease(*_):
        first = _lease(library, source)
        until(lambda: now() > first, seconds=20, pause=0.01)
        assert _lease(library, source) > now()
        others.append(library.indexer.sync(source))

    monkeypatch.setattr(LanceDocumentIndex, "refresh", take_longer_than_a_lease)
    library.indexer.sync(source)
    assert [other.busy for other in others] == [True]
    assert _lease(library, source) is None


def _lease(library, source):
    with library.database.reading() as session:
        return session.get_one(SourceRow, source).lease_until


def test_a_rebuild_finds_the_same_and_leaves_one_generation(library):
    library.sync()
    before = library.index.version("default")
    assert library.indexer.rebuild("default") == 2
    assert library.index.version("default") != before
    assert "Leave" in library.found("parental leave")
    assert library.index.count("default") == 2


def test_an_erased_document_is_not_found_and_leaves_the_index(library):
    library.sync()
    with library.database.reading() as session:
        document = session.scalars(select(DocumentRow.id).where(DocumentRow.key == "leave.md")).one()
    (library.folder / "leave.md").unlink()
    eraser = Eraser(library.database, b"k", library.folder / "logs", library.folder / "datasets")
    receipt = eraser.document(document, "root")
    assert "Leave" not in library.found("How many days is parental leave?"), "at once, whatever the index says"
    chunks = library.index.count("default")
    for _ in range(2):
        library.indexer.forget(receipt.id)
    assert library.index.count("default") < chunks
    with library.database.reading() as session:
        assert receipts.documents_to_forget(session, receipt.id) == [("default", document)], "old versions are left"


@pytest.mark.parametrize("step", ["replace_documents", "update_access", "refresh"])
def test_a_document_that_is_erased_during_a_run_stops_it_not_and_leaves_the_index(library, monkeypatch, step):
    library.sync()
    eraser = Eraser(library.database, b"k", library.folder / "logs", library.folder / "datasets")
    receipts_: list[str] = []
    original = getattr(library.index, step)

    def erase_first(*arguments, **named):
        if not receipts_:
            with library.database.reading() as session:
                document = session.scalars(select(DocumentRow.id).where(DocumentRow.key == "leave.md")).one()
            receipts_.append(eraser.document(document, "root").id)
            library.indexer.forget(receipts_[0])
        return original(*arguments, **named)

    monkeypatch.setattr(library.index, step, erase_first)
    library.write("leave.md", "# Leave\n\nParental leave is now one hundred days.")
    os.utime(library.folder / "vpn.md", (1, 1))
    report = library.sync()
    assert report.rejected == {}
    assert trusted(library) == {"vpn.md": True}
    monkeypatch.undo()
    library.indexer.forget(receipts_[0])
    assert library.index.count("default") == 1


def test_a_page_that_is_erased_while_it_is_taken_out_stops_no_run(library, monkeypatch):
    library.sync()
    (library.folder / "leave.md").unlink()
    library.write("new.md", "# New\n\nThe new rule for vpn.", supersedes="vpn.md")
    original = library.index.replace_documents

    def erase_first(tenant, chunks):
        if [] in chunks.values():
            with library.database.writing() as session:
                session.delete(session.get_one(DocumentRow, *chunks))
        original(tenant, chunks)

    monkeypatch.setattr(library.index, "replace_documents", erase_first)
    assert library.sync().deleted == 1
    assert set(trusted(library)) == {"vpn.md", "new.md"}


def test_a_path_that_is_not_there_is_a_clear_error(library):
    with pytest.raises(NotFound, match="no such file"):
        library.indexer.register(library.folder / "nowhere", "default", ())


def test_registering_again_without_readers_opens_nothing(library):
    library.sync("hr")
    library.sync()
    assert library.found("parental leave") == set()
    assert "Leave" in library.found("parental leave", "hr")


def test_a_part_of_a_closed_tree_stays_closed(library):
    library.write("private/deep/salaries.md", "# Salaries\n\nThe salary bands of this year.")
    (library.folder / "private" / ".access.yaml").write_text("allow: [hr]")
    library.indexer.sync(library.indexer.register(library.folder / "private" / "deep", "default", ()))
    assert library.found("salary bands") == set()
    assert "Salaries" in library.found("salary bands", "hr")


def test_a_name_that_cannot_be_stored_stops_nothing(library):
    (library.folder / os.fsdecode(b"Geh\xe4lter.md")).write_text("# Pay\n\nSome words here.")
    report = library.sync()
    assert report.indexed == 2
    assert "its name cannot be stored" in report.rejected.values()


def test_one_source_that_fails_does_not_stop_the_next(library, tmp_path, monkeypatch):
    library.indexer.register(library.folder, "default", ())
    (tmp_path / "second.md").write_text("# Second\n\nThe second source about parking.")
    library.indexer.register(tmp_path / "second.md", "default", ())
    monkeypatch.setattr(library.index, "replace_documents", _fail_once(library.index.replace_documents))
    library.indexer.sync_all()
    assert "Second" in library.found("parking")


def test_tenants_may_use_the_same_id_and_a_bad_line_takes_nobody_along(tmp_path, library):
    rows = [
        {"id": "line 3", "title": "Ours", "text": "Leave is 90 days.", "source": "s"},
        {"id": "line 3", "title": "Theirs", "text": "Leave is 10 days.", "source": "s", "tenant": "other"},
    ]
    path = tmp_path / "documents.jsonl"
    path.write_text(json.dumps(rows[0]) + "\n" + json.dumps(rows[1] | {"id": "x"}) + "\nnot json\n")
    source = library.indexer.register(path, "default", ())
    library.indexer.sync(source)
    path.write_text(json.dumps(rows[0]) + "\n" + json.dumps(rows[1] | {"id": "y"}) + "\nnot json\n")
    library.indexer.sync(source)
    assert library.found("leave days") == {"Ours"}


def test_a_draft_for_few_does_not_hide_the_page_of_all(library):
    library.write("draft.md", "# Draft\n\nParental leave is 100 days.", supersedes="leave.md", allow=["board"])
    report = library.sync()
    assert "Leave" in library.found("parental leave")
    assert "draft.md" in report.notes


def trusted(library: Library) -> dict[str, bool]:
    with library.database.reading() as session:
        return {row.key: row.trusted for row in session.scalars(select(DocumentRow))}


def test_a_document_may_say_that_it_is_not_to_be_trusted_but_not_that_it_is(library):
    library.write("mail.md", "# Mail\n\nHello from outside.", trust="untrusted")
    library.write("leave.md", "# Leave\n\nParental leave is 90 days.", trust="trusted")
    library.sync()
    assert trusted(library) == {"mail.md": False, "leave.md": True, "vpn.md": True}
    library.indexer.sync(library.indexer.register(library.folder, "default", (), trusted=False))
    assert not any(trusted(library).values())


def test_a_source_stays_untrusted_until_it_is_called_trusted_and_nothing_is_embedded_anew(library):
    library.sync()
    for named, expected in ((False, False), (None, False), (True, True)):
        report = library.indexer.sync(library.indexer.register(library.folder, "default", (), named))
        assert set(trusted(library).values()) == {expected}
        assert report.indexed == 0
