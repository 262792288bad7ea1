"""What is found in a source, and who may read it: whatever is unclear is closed."""

import json
import os
from pathlib import Path

import pytest

from answerloop.errors import DocumentRejected
from workers.indexing.sources import SourceItem, walk


def put(path: Path, text: str = "Some words.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def by_key(location: Path, *allow: str) -> dict[str, SourceItem]:
    return {item.key: item for item in walk(location, allow)}


def test_a_folder_is_walked_sorted_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.md", "a/y.txt", ".git/x.md", ".hidden.md", "c.xyz", "a/.access.yaml"):
        put(tmp_path / name, "allow: [hr]")
    items = list(walk(tmp_path))
    assert [item.key for item in items] == ["a/y.txt", "a/z.md", "b.md", "c.xyz"]
    assert items[3].skipped == "not a format we read (.xyz)"
    assert items[3].rejected is None


def test_the_nearest_access_file_wins_over_the_source_and_the_source_over_everyone(tmp_path: Path) -> None:
    put(tmp_path / "open.md")
    put(tmp_path / "hr" / ".access.yaml", "allow: [hr, leads]")
    put(tmp_path / "hr" / "deep" / "bands.md")
    put(tmp_path / "hr" / "board" / ".access.yaml", "allow: [board]")
    put(tmp_path / "hr" / "board" / "minutes.md")
    items = by_key(tmp_path)
    assert items["open.md"].allow == ("everyone",)
    assert items["hr/deep/bands.md"].allow == ("hr", "leads")
    assert items["hr/board/minutes.md"].allow == ("board",)
    assert by_key(tmp_path, "staff")["open.md"].allow == ("staff",)
    assert by_key(tmp_path, "staff")["hr/deep/bands.md"].allow == ("hr", "leads")


@pytest.mark.parametrize(
    "content",
    [
        "allow: hr", "allow: []", "allow: [1]", "allow: ['']", "allow:", "alow: [hr]", "allow: [hr", "", "- hr",
        "allow: [hr]\ndeny: [all]", "trust: untrusted", "allow: [hr]\ntrust: maybe", "[" * 500, "#" * 20_000,
    ],
)  # fmt: skip
def test_a_malformed_access_file_closes_its_folder(tmp_path: Path, content: str) -> None:
    put(tmp_path / "open.md")
    put(tmp_path / "hr" / ".access.yaml", content)
    put(tmp_path / "hr" / "deep" / "bands.md")
    items = by_key(tmp_path, "everyone")
    assert items["open.md"].rejected is None
    assert items["hr/deep/bands.md"].rejected
    assert ".access.yaml" in items["hr/deep/bands.md"].rejected
    assert items["hr/deep/bands.md"].path is None


def test_an_access_file_that_cannot_be_read_or_is_misnamed_closes_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a" / ".access.yaml").mkdir(parents=True)
    put(tmp_path / "a" / "x.md")
    put(tmp_path / "b" / "x.md")
    (tmp_path / "b" / ".access.yaml").symlink_to(tmp_path / "gone")
    put(tmp_path / "c" / ".access.yml", "allow: [hr]")
    put(tmp_path / "c" / "x.md")
    assert all(item.rejected for item in walk(tmp_path))


def test_links_are_not_followed(tmp_path: Path) -> None:
    put(tmp_path / "outside" / "secret.md")
    root = tmp_path / "root"
    put(root / "a.md")
    (root / "file.md").symlink_to(tmp_path / "outside" / "secret.md")
    (root / "folder").symlink_to(tmp_path / "outside")
    items = by_key(root)
    assert items.keys() == {"a.md", "file.md", "folder"}
    assert items["file.md"].skipped == items["folder"].skipped == "a link: links are not followed"


def test_what_is_no_regular_file_is_rejected(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert by_key(tmp_path)["pipe.md"].rejected == "not a regular file"


def test_a_single_file_obeys_the_access_file_beside_it(tmp_path: Path) -> None:
    file = put(tmp_path / "bands.md")
    put(tmp_path / ".access.yaml", "allow: [hr]")
    assert [(item.key, item.allow) for item in walk(file)] == [("bands.md", ("hr",))]


def test_a_location_that_is_gone_is_an_error_and_not_an_empty_source(tmp_path: Path) -> None:
    with pytest.raises(DocumentRejected, match="no such file"):
        list(walk(tmp_path / "gone"))


def test_the_fingerprint_changes_with_content_and_access(tmp_path: Path) -> None:
    file = put(tmp_path / "a.md")
    first = by_key(tmp_path)["a.md"].fingerprint
    assert by_key(tmp_path)["a.md"].fingerprint == first
    assert len(first) == 64
    assert by_key(tmp_path, "hr")["a.md"].fingerprint != first
    before = file.stat()
    file.write_text("Same words.", encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert by_key(tmp_path)["a.md"].fingerprint != first


def test_jsonl_rows_carry_their_own_access_and_tenant(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "title": "A", "text": "x", "source": "s"},
        {"id": "b", "title": "B", "text": "x", "source": "s", "allow": ["hr", "hr "], "tenant": "acme"},
    ]
    file = put(tmp_path / "d.jsonl", "\n\n".join(json.dumps(row) for row in rows))
    items = by_key(file, "staff")
    assert (items["a"].allow, items["a"].tenant) == (("staff",), None)
    assert (items["b"].allow, items["b"].tenant) == (("hr",), "acme")
    assert items["b"].row == rows[1]


def test_bad_rows_are_reported_by_line_and_the_rest_is_read(tmp_path: Path) -> None:
    good = '{"id": "a", "title": "A", "text": "x", "source": "s"}'
    bad = {
        "{oops": "not valid JSON",
        "[1]": "not a JSON object",
        '{"title": "no id", "text": "x"}': "id is missing or no text",
        '{"id": "c", "text": 7}': "text is missing or no text",
        '{"id": "d", "text": "x", "allow": null}': "row: allow is not a list of group names",
        '{"id": "e", "text": "x", "allow": "hr"}': "row: allow is not a list of group names",
        '{"id": "f", "text": "x", "allow": ["hr", 3]}': "row: allow holds something that is not a group name",
        '{"id": "g", "text": "x", "tenant": "a/b"}': "tenant is not a name",
        '{"id": "h", "text": "x", "trust": true}': "row: trust is neither trusted nor untrusted",
        good: "the id 'a' was used before",
        "[" * 100_000: "not valid JSON",
    }  # fmt: skip
    file = put(tmp_path / "d.jsonl", "\n".join([good, *bad, good.replace('"a"', '"z"')]))
    items = list(walk(file))
    assert [item.rejected for item in items[1:-1]] == [
        f"line {number}: {reason}" for number, reason in enumerate(bad.values(), start=2)
    ]
    assert [items[0].key, items[-1].key] == ["a", "z"]


def test_trust_is_lost_on_the_way_down_and_never_won_back(tmp_path: Path) -> None:
    put(tmp_path / "open.md")
    put(tmp_path / "mail" / ".access.yaml", "allow: [everyone]\ntrust: untrusted")
    put(tmp_path / "mail" / "in" / ".access.yaml", "allow: [everyone]\ntrust: trusted")
    put(tmp_path / "mail" / "in" / "a.md")
    assert {key: item.trusted for key, item in by_key(tmp_path).items()} == {"mail/in/a.md": False, "open.md": True}
    assert not any(item.trusted for item in walk(tmp_path, (), trusted=False))
    rows = put(tmp_path / "d.jsonl", '{"id": "a", "text": "x", "trust": "untrusted"}\n{"id": "b", "text": "x"}')
    assert [item.trusted for item in walk(rows)] == [False, True]


def test_the_fingerprint_changes_with_trust(tmp_path: Path) -> None:
    put(tmp_path / "a.md")
    [trusted], [untrusted] = walk(tmp_path), walk(tmp_path, (), trusted=False)
    assert trusted.fingerprint != untrusted.fingerprint


def test_rows_beside_a_broken_access_file_need_their_own_access(tmp_path: Path) -> None:
    put(tmp_path / ".access.yaml", "allow: hr")
    file = put(tmp_path / "d.jsonl", '{"id": "a", "text": "x"}\n{"id": "b", "text": "x", "allow": ["hr"]}')
    first, second = walk(file)
    assert first.rejected
    assert second.allow == ("hr",)


def test_two_tenants_may_use_the_same_id(tmp_path: Path) -> None:
    file = put(
        tmp_path / "d.jsonl", '{"id": "a", "text": "x", "tenant": "t1"}\n{"id": "a", "text": "x", "tenant": "t2"}'
    )
    assert [(item.tenant, item.key, item.rejected) for item in walk(file)] == [("t1", "a", None), ("t2", "a", None)]


def leaving(folder: Path, **source) -> dict[str, bool | None]:
    return {item.key: item.may_leave for item in walk(folder, **source)}


def test_what_may_leave_is_said_from_above_and_a_no_cannot_be_overruled(tmp_path: Path) -> None:
    put(tmp_path / "a.md")
    put(tmp_path / "yes" / ".access.yaml", "allow: [everyone]\nmay_leave: true")
    put(tmp_path / "yes" / "a.md")
    put(tmp_path / "yes" / "no" / ".access.yaml", "allow: [everyone]\nmay_leave: false")
    put(tmp_path / "yes" / "no" / "yes" / ".access.yaml", "allow: [everyone]\nmay_leave: true")
    put(tmp_path / "yes" / "no" / "yes" / "a.md")
    assert leaving(tmp_path) == {"a.md": None, "yes/a.md": True, "yes/no/yes/a.md": False}
    assert leaving(tmp_path, may_leave=True) == {"a.md": True, "yes/a.md": True, "yes/no/yes/a.md": False}
    assert set(leaving(tmp_path, may_leave=False).values()) == {False}


@pytest.mark.parametrize("above", ["allow: [everyone]\nmay_leave: false", "allow: nonsense", "may_leave: true"])
def test_a_no_anywhere_above_the_source_holds_also_one_that_is_not_understood(tmp_path: Path, above: str) -> None:
    put(tmp_path / ".access.yaml", above)
    put(tmp_path / "in" / ".access.yaml", "allow: [everyone]")
    put(tmp_path / "in" / "source" / "a.md")
    assert leaving(tmp_path / "in" / "source", may_leave=True, allow=("hr",)) == {"a.md": False}


@pytest.mark.parametrize("value", ["yes please", "1", "[]", "''", "null"])
def test_a_may_leave_that_is_neither_true_nor_false_closes_its_folder(tmp_path: Path, value: str) -> None:
    put(tmp_path / ".access.yaml", f"allow: [everyone]\nmay_leave: {value}")
    put(tmp_path / "a.md")
    assert "may_leave" in (by_key(tmp_path)["a.md"].rejected or "")


def test_a_row_may_leave_when_it_says_so_and_the_company_alone_writes_it(tmp_path: Path) -> None:
    rows = [
        '{"id": "a", "text": "x", "may_leave": true}', '{"id": "b", "text": "x"}',
        '{"id": "c", "text": "x", "may_leave": true, "trust": "untrusted"}',
        '{"id": "d", "text": "x", "may_leave": "true"}',
    ]  # fmt: skip
    file = put(tmp_path / "d.jsonl", "\n".join(rows))
    items = list(walk(file))
    assert [item.may_leave for item in items] == [True, None, None, None]
    assert items[3].rejected
    assert [item.may_leave for item in walk(file, may_leave=False)][:3] == [False] * 3


def test_rows_beside_a_broken_access_file_are_not_trusted_and_stay(tmp_path: Path) -> None:
    put(tmp_path / ".access.yaml", "allow: hr")
    file = put(tmp_path / "d.jsonl", '{"id": "a", "text": "x", "allow": ["hr"], "may_leave": true}')
    [row] = walk(file)
    assert (row.allow, row.trusted, row.may_leave) == (("hr",), False, False)


def test_the_fingerprint_changes_with_may_leave_and_is_what_it_was_where_nothing_is_said(tmp_path: Path) -> None:
    put(tmp_path / "a.md")
    [silent], [yes], [no] = walk(tmp_path), walk(tmp_path, may_leave=True), walk(tmp_path, may_leave=False)
    assert len({silent.fingerprint, yes.fingerprint, no.fingerprint}) == 3
