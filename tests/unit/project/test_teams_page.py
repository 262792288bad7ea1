"""What docs/teams.md says can be typed, and its tables and pictures are those of the code."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from answerloop.backends.directory_file import FileDirectory
from answerloop.cli import app
from answerloop.domain import Respond, RoomSettings
from answerloop.settings import Settings
from bot.rooms import Rooms

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "teams.md").read_text()
PICTURES = ROOT / "docs" / "pictures"
MOST_BYTES = 150_000
APP_ID = "0b7c0000-1111-2222-3333-444455556666"


def example(beginning: str) -> str:
    return next(block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if block.startswith(beginning))


def rows(after: str) -> list[list[str]]:
    section = PAGE.split(after)[1].split("\n\n#")[0]
    return [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]


def test_every_setting_it_names_exists():
    known = {f"ANSWERLOOP_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"ANSWERLOOP_[A-Z_]+[A-Z]", PAGE)) <= known


def test_every_kind_of_registration_is_explained():
    named = {row[0].strip("`") for row in rows("| `ANSWERLOOP_TEAMS` | when |")}
    assert named == set(get_args(Settings.model_fields["teams"].annotation)) - {"off"}


def test_the_directory_file_is_read_as_it_says(tmp_path):
    file = tmp_path / "directory.yaml"
    file.write_text(example("# directory"))
    directory = FileDirectory(file, "default")
    assert directory.groups_by_entra("5b1c9a7f-0000-4000-8000-0000000000aa") == {"everyone", "public", "hr"}
    assert directory.groups_by_email("finn@example.com") == {"everyone", "public", "finance"}
    assert directory.groups_of_entra_group("5b1c9a7f-0000-4000-8000-0000000000f1") == {"finance"}


def test_the_rooms_file_is_read_as_it_says(tmp_path, database):
    file = tmp_path / "rooms.yaml"
    file.write_text(example("# rooms"))
    rooms = Rooms(database)
    rooms.seed(file)
    help_, board = (rooms.settings_of(room) for room in yaml.safe_load(file.read_text())["rooms"])
    assert (help_.respond, help_.sources) == (Respond.QUESTIONS, ("/srv/handbook",))
    assert (board.ephemeral, board.language) == (True, "de")


def test_every_setting_of_a_channel_is_explained():
    explained = rows("\n## Settings of a channel\n")
    assert [row[0].strip("`") for row in explained] == [field.name for field in fields(RoomSettings)]
    assert set(re.findall(r"`(\w+)`", explained[0][2])) == set(Respond)


@pytest.mark.parametrize("command", re.findall(r"answerloop (teams manifest [^`\n]+)", PAGE))
def test_its_commands_work(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["--app-id", APP_ID, "--website", "https://ask.example.com"]
    result = CliRunner().invoke(app, [*command.split(), *given])
    assert result.exit_code == 0, result.output


def test_every_picture_is_there_small_and_shown():
    shown = set(re.findall(r'<img src="pictures/([^"]+)" width="\d+" alt="[^"]+">', PAGE))
    assert shown == {path.name for path in PICTURES.glob("teams-*.png")}
    for name in shown:
        assert (PICTURES / name).stat().st_size <= MOST_BYTES, name
        Image.open(PICTURES / name).verify()
