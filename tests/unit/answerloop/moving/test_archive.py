"""An archive is whole and what it says it is, or nothing of it is taken."""

import gzip
import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from answerloop.db.session import newest_version
from answerloop.errors import ArchiveRefused, ConfigurationError
from answerloop.moving.archive import Manifest, Reader, Writer, is_inside, second_name

LINES = [b'["one",1]\n', b'["two",2]\n']


@pytest.fixture
def archive(tmp_path) -> Path:
    (tmp_path / "key").write_bytes(b"k" * 32)
    with Writer(tmp_path / "state.tar") as writer:
        writer.add_table("rooms", ("a", "b"), LINES)
        writer.add_file("session.key", tmp_path / "key")
        writer.finish(
            Manifest(
                answerloop="0",
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
                revision="1",
                database="sqlite",
                live=False,
                embedder="e",
                tables=tuple(writer.tables),
                files=tuple(writer.files),
            )
        )
    return tmp_path / "state.tar"


def rewritten(archive: Path, change) -> Path:
    """`change` is given the members (name → header and content) and may do with them what it wants."""
    with tarfile.open(archive) as tar:
        members = [(member, (tar.extractfile(member) or io.BytesIO()).read()) for member in tar]
    target = archive.with_name("changed.tar")
    with tarfile.open(target, "w") as tar:
        for member, content in change(members):
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    return target


def with_manifest(archive: Path, **changes) -> Path:
    def change(members):
        for member, content in members:
            told = json.loads(content) | changes if member.name == "manifest.json" else None
            yield member, json.dumps(told).encode() if told else content

    return rewritten(archive, change)


def replaced(archive: Path, name: str, content: bytes) -> Path:
    return rewritten(archive, lambda members: [(m, content if m.name == name else old) for m, old in members])


def refused(archive: Path, match: str) -> None:
    with pytest.raises(ArchiveRefused, match=match), Reader(archive) as reader:
        reader.verify()


def test_what_was_written_is_read(archive, tmp_path):
    with Reader(archive) as reader:
        reader.verify()
        assert list(reader.lines(reader.manifest.tables[0])) == LINES
        reader.copy(reader.manifest.files[0], tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"k" * 32
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


def test_something_else_is_refused(tmp_path):
    (tmp_path / "text").write_text("no archive")
    refused(tmp_path / "text", "no archive of ours")
    refused(tmp_path / "nothing", "There is no")


def test_a_folder_is_no_archive_and_must_be_there(tmp_path):
    refused(tmp_path, "cannot be read")
    with pytest.raises(ConfigurationError, match="There is no folder"):
        Writer(tmp_path / "none" / "state.tar")


def test_a_second_name_on_another_file_system_is_a_copy(tmp_path):
    elsewhere = Path("/dev/shm") / f"answerloop-{tmp_path.name}-{id(tmp_path)}"
    if not elsewhere.parent.is_dir() or elsewhere.parent.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system here")
    (tmp_path / "one").write_bytes(b"content")
    try:
        second_name(tmp_path / "one", elsewhere)
        assert elsewhere.read_bytes() == b"content"
        assert elsewhere.stat().st_mode & 0o777 == 0o600
        with pytest.raises(FileExistsError):
            second_name(tmp_path / "one", elsewhere)
    finally:
        elsewhere.unlink()


def test_a_part_of_one_is_refused(archive):
    with tarfile.open(archive) as tar:
        manifest = tar.getmember("manifest.json")
    for length in range(0, manifest.offset_data + manifest.size, 37):
        part = archive.with_name("part.tar")
        part.write_bytes(archive.read_bytes()[:length])
        refused(part, "a part of one")


def test_a_changed_file_is_refused(archive):
    refused(replaced(archive, "files/session.key", b"K" * 32), "session.key is damaged")


def test_a_changed_row_is_refused(archive):
    with tarfile.open(archive) as tar:
        size = tar.getmember("tables/rooms.jsonl.gz").size
    packed = gzip.compress(b"".join(LINES).replace(b"two", b"six"), mtime=0)
    refused(replaced(archive, "tables/rooms.jsonl.gz", packed), "damaged|is not the file")
    refused(replaced(archive, "tables/rooms.jsonl.gz", b"x" * size), "rooms is damaged")


def test_every_flipped_byte_of_rows_and_files_is_noticed(archive):
    whole = archive.read_bytes()
    with tarfile.open(archive) as tar:
        places = [m.offset_data + at for m in tar if m.name != "manifest.json" for at in range(12, m.size)]
    for place in places:
        flipped = archive.with_name("flipped.tar")
        flipped.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        refused(flipped, "damaged|has no end")


def test_a_missing_or_additional_member_is_refused(archive):
    refused(rewritten(archive, lambda members: members[1:]), "do not agree about tables/rooms")
    refused(
        rewritten(archive, lambda members: [*members, (tarfile.TarInfo("files/more"), b"")]), "agree about files/more"
    )
    refused(rewritten(archive, lambda members: [*members, members[1]]), "twice")


def test_without_a_manifest_it_is_refused(archive):
    refused(rewritten(archive, lambda members: members[:-1]), "no manifest")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_anything_but_a_plain_file_is_refused(archive, kind):
    def change(members):
        for member, content in members:
            if member.name == "files/session.key":
                member.type, member.linkname = kind, "/etc/passwd"
            yield member, content

    refused(rewritten(archive, change), "is not the file|twice")


@pytest.mark.parametrize(
    "path",
    ["../evil", "/etc/passwd", "adapters/../../evil", "a//b", "./a", "", "a\\..\\b", "c:evil", "a\0b", "adapters/"],
)
def test_a_path_that_leads_out_is_refused(archive, path):
    assert not is_inside(path)
    if "\0" in path:
        return  # no tar can hold it
    with tarfile.open(archive) as tar:
        told = json.load(tar.extractfile("manifest.json"))
    changed = with_manifest(archive, files=[told["files"][0] | {"path": path}])

    def change(members):
        for member, content in members:
            member.name = f"files/{path}" if member.name == "files/session.key" else member.name
            yield member, content

    refused(rewritten(changed, change), "outside|agree")


def test_another_format_names_what_to_do(archive):
    refused(with_manifest(archive, format=2), "another format than 1.*import it with the answerloop that wrote it")


@pytest.mark.parametrize(
    "changes", [{"more": 1}, {"tables": 3}, {"created_at": "yesterday"}, {"files": [{"size": -1}]}]
)
def test_a_manifest_that_is_none_is_refused(archive, changes):
    refused(with_manifest(archive, **changes), "manifest")


# --- into an installation --------------------------------------------------------------------------------------------


def test_other_tables_than_ours_are_refused(new, exported):
    with pytest.raises(ArchiveRefused, match=f"tables of version 0001 .* has {newest_version()}"):
        new.arrive(with_manifest(exported, revision="0001"))
    assert new.is_empty()


def test_a_file_that_is_no_state_is_refused(new, exported):
    """It could be one that we run, or read secrets from."""

    def change(members):
        for member, content in members:
            member.name = "files/broker/valkey.conf" if member.name == "files/session.key" else member.name
            yield member, content.replace(b'"session.key"', b'"broker/valkey.conf"')

    with pytest.raises(ArchiveRefused, match=r"no state: broker/valkey\.conf"):
        new.arrive(rewritten(exported, change))
    assert new.is_empty()


def test_a_damaged_archive_leaves_an_installation_empty(new, exported, tmp_path):
    damaged = tmp_path / "damaged.tar"
    content = bytearray(exported.read_bytes())
    with tarfile.open(exported) as tar:
        member = tar.getmember("files/adapters/serving.json")
    content[member.offset_data] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(ArchiveRefused, match=r"serving\.json is damaged"):
        new.arrive(damaged)
    assert new.is_empty()


def test_a_row_that_is_none_leaves_an_installation_empty(new, exported, tmp_path):
    """Its sums are right: whoever wrote it has made an error, or means harm."""
    lines = b'["only one column"]\n'
    packed = gzip.compress(lines, mtime=0)

    def change(members):
        for member, content in members:
            if member.name == "tables/rooms.jsonl.gz":
                yield member, packed
            elif member.name == "manifest.json":
                told = json.loads(content)
                [entry] = [table for table in told["tables"] if table["name"] == "rooms"]
                entry |= {"rows": 1, "size": len(packed), "sha256": hashlib.sha256(lines).hexdigest()}
                yield member, json.dumps(told).encode()
            else:
                yield member, content

    with pytest.raises(ArchiveRefused, match="A row of rooms is none"):
        new.arrive(rewritten(exported, change))
    assert new.is_empty()
