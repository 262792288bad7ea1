from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from answerloop.db.session import Database, DuplicateKey
from answerloop.domain import Respond, RoomSettings
from answerloop.errors import ConfigurationError
from answerloop.testing.fakes import FakeClock
from bot.rooms import Rooms

FILE = """
default: {respond: mentions, language: de}
rooms:
  slack:T01:C01: {respond: questions, sources: [/srv/handbook], allow: [U01], escalation: [U02, U03], ephemeral: true}
  slack:T01:C02: {respond: off}
"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def rooms(database, clock) -> Rooms:
    return Rooms(database, clock)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rooms.yaml"
    path.write_text(FILE)
    return path


def test_the_file_seeds_rooms_and_the_default_of_all_others(rooms, path):
    rooms.seed(path)
    assert rooms.settings_of("slack:T01:C01") == RoomSettings(
        respond=Respond.QUESTIONS,
        ephemeral=True,
        sources=("/srv/handbook",),
        allow=("U01",),
        escalation=("U02", "U03"),
        language="de",
    )
    assert rooms.settings_of("slack:T01:C02") == RoomSettings(respond=Respond.OFF, language="de")
    assert rooms.settings_of("slack:T01:C09") == RoomSettings(language="de")


def test_what_an_admin_has_changed_is_not_overwritten_by_the_file(rooms, database, path):
    rooms.seed(path)
    rooms.change("slack:T01:C01", RoomSettings(respond=Respond.ALL), "slack:T01:U09")
    again = Rooms(database)
    again.seed(path)
    assert again.settings_of("slack:T01:C01") == RoomSettings(respond=Respond.ALL)


class LateDatabase(Database):
    """Loses every race: whatever it writes, another process has just written."""

    def __init__(self, url: str, other: Callable[[], None]) -> None:
        super().__init__(url)
        self._other = other

    @contextmanager
    def writing(self, *, beside_others: bool = False) -> Iterator[Session]:
        self._other()
        with super().writing(beside_others=beside_others) as session:
            yield session
            raise DuplicateKey("UNIQUE constraint failed: rooms.room")


def test_two_bots_that_start_at_once_seed_once(rooms, database, database_url, path):
    late = LateDatabase(database_url, lambda: rooms.seed(path))
    Rooms(late).seed(path)
    late.dispose()
    assert Rooms(database).settings_of("slack:T01:C01").respond is Respond.QUESTIONS
    assert Rooms(database).settings_of("slack:T01:C02").respond is Respond.OFF


def test_a_change_holds_at_once_here_and_within_seconds_in_other_processes(rooms, database, clock):
    elsewhere = Rooms(database, clock)
    assert elsewhere.settings_of("slack:T01:C01").respond is Respond.MENTIONS
    assert rooms.settings_of("slack:T01:C01").respond is Respond.MENTIONS
    rooms.change("slack:T01:C01", RoomSettings(respond=Respond.OFF), "slack:T01:U09")
    assert rooms.settings_of("slack:T01:C01").respond is Respond.OFF
    clock.now = 3.0
    assert elsewhere.settings_of("slack:T01:C01").respond is Respond.OFF


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("rooms: {r: {respond: sometimes}}", "r: expected off, mentions, questions, all for respond"),
        ("rooms: {r: {answers: all}}", "r: expected a mapping with allow, ephemeral"),
        ("rooms: {r: {allow: U01}}", "r: expected a list for allow"),
        ("rooms: {r: {ephemeral: maybe}}", "r: expected a bool for ephemeral"),
        ("rooms: {r: {language: 7}}", "r: expected a str for language"),
        ("rooms: {r: {respond: [off]}}", "r: expected off, mentions"),
        ("default: all", "default: expected a mapping"),
        ("rooms: [", "not usable"),
        ("[]", "the file: expected a mapping with default, rooms"),
        ("room: {r: {respond: all}}", "the file: expected a mapping with default, rooms"),
        ("rooms: [slack:T01:C01]", "rooms: expected a mapping"),
    ],
)
def test_a_file_with_a_mistake_is_a_clear_error_and_seeds_nothing(rooms, path, content, complaint):
    path.write_text(f"{content}\n")
    with pytest.raises(ConfigurationError, match=complaint):
        rooms.seed(path)
    assert rooms.settings_of("slack:T01:C01") == RoomSettings()


def test_a_file_that_is_not_there_is_a_clear_error(rooms, tmp_path):
    with pytest.raises(ConfigurationError, match="not usable"):
        rooms.seed(tmp_path / "none.yaml")
