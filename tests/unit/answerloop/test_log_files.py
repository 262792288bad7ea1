"""Lines that name what was erased are overwritten where they stand, and only those."""

import os
import time
from pathlib import Path

import pytest

from answerloop import log_files

ID, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "bot.log"


def blanked(log: Path, lines: list[str], *marks: str) -> list[int]:
    """The numbers of the lines that were overwritten."""
    log.write_text("\n".join(lines) + "\n")
    size = log.stat().st_size
    count = log_files.blank(log.parent, marks)
    assert log.stat().st_size == size
    after = log.read_text().split("\n")[:-1]
    changed = [number for number, (before, now) in enumerate(zip(lines, after, strict=True)) if before != now]
    assert len(changed) == count
    return changed


def test_ids_and_names_are_found_as_whole_words(log):
    lines = [f"a {ID} b", f"{OTHER}", f"x{ID}", f"{ID}0", "dana asked", "danaë asked", "by: dana.", "dana-lee", "xdana"]
    assert blanked(log, lines, ID, "dana") == [0, 2, 4, 6]
    assert "dana asked" not in log.read_text()


def test_a_name_may_look_like_a_pattern(log):
    assert blanked(log, ["slack:T01:U.1", "slack:T01:Ux1", "short"], "slack:T01:U.1") == [0]


def test_a_name_is_found_as_json_writes_it(log):
    assert blanked(log, ['{"by": "j\\u00fcrgen"}', '{"by": "jürgen"}', '{"by": "jurgen"}'], "jürgen") == [0, 1]


def test_nothing_is_named_by_nothing(log):
    assert blanked(log, ["", "one"], "") == []
    assert blanked(log, ["", "one"]) == []


def test_whoever_writes_meanwhile_loses_nothing(log):
    with log.open("a") as writer:
        writer.write(f"one {ID}\n")
        writer.flush()
        log_files.blank(log.parent, [ID])
        writer.write("two\n")
    assert log.read_text().splitlines()[1] == "two"


def test_rotated_files_count_and_other_files_do_not(log):
    log.with_suffix(".log.1").write_text(f"{ID}\n")
    log.with_suffix(".txt").write_text(f"{ID}\n")
    assert log_files.blank(log.parent, [ID]) == 1
    assert log.with_suffix(".txt").read_text() == f"{ID}\n"


def test_files_that_nobody_writes_to_any_more_are_deleted(log):
    old = log.with_suffix(".log.1")
    for path in (log, old):
        path.write_text("line\n")
    os.utime(old, (1, 1))
    assert log_files.delete_older(log.parent, time.time() - 60) == 1
    assert [path.name for path in log.parent.iterdir()] == ["bot.log"]
