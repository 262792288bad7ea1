"""docs/channels.md says what each channel can do; the code says whether that is true.

A row's last cell names, in backticks, what in the code makes it possible. `Class.method` and `Wording.key` are
anybody's; `slack:x`, `teams:x` and `web:x` are one channel's own. A channel of whose code nothing of the row is found
has to say "no, because …" there, and one of whose code something is found must not. What the code has and no row names,
fails.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.unit.project.channels import CHANNELS, OWN, ROWS

# --- the page is the code


def test_the_page_has_rows_and_each_is_whole():
    assert len(ROWS) > 20
    for row in ROWS:
        assert row.items, f"{row.what}: nothing of the code is named"
        assert all(row.says.values()), row.what


def test_nothing_of_the_code_stands_in_two_rows():
    assert [item for item, times in Counter(item for row in ROWS for item in row.items).items() if times > 1] == []


@pytest.mark.parametrize("channel", CHANNELS)
def test_everything_a_channel_can_do_has_its_row(channel):
    everybodys = OWN["slack"] & OWN["teams"] if channel != "web" else set()
    alike = {"Hearing.ask"} | {item for item in everybodys if item.startswith("Wording.")}
    wanted = OWN[channel] - alike
    assert wanted - {item for row in ROWS for item in row.items} == set()


def test_no_row_names_what_the_code_has_not():
    assert {item for row in ROWS for item in row.items} - set().union(*OWN.values()) == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_a_channel_that_lacks_something_says_why(row):
    for channel in CHANNELS:
        found = {item for item in row.items if item in OWN[channel]}
        refused = row.says[channel].startswith("no, because ")
        assert bool(found) != refused, f"{channel}: {row.says[channel]!r}, in the code {sorted(found) or 'nothing'}"
