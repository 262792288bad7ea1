"""What docs/slack.md says can be typed, and its tables and pictures are those of the code."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from answerloop.backends.directory_file import FileDirectory
from answerloop.cli import app
from answerloop.domain import Respond, RoomSettings
from answerloop.settings import Settings
from answerloop.slack.manifest import INSTALL_PATH, REDIRECT_PATH, SCOPES
from bot.rooms import Rooms

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "slack.md").read_text()
PICTURES = ROOT / "docs" / "pictures"
MOST_BYTES = 60_000


def example(language: str, beginning: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return next(block for block in blocks if block.lstrip().startswith(beginning))


def rows(heading: str) -> list[list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]


def test_every_setting_it_names_exists():
    known = {f"ANSWERLOOP_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"ANSWERLOOP_[A-Z_]+[A-Z]", PAGE)) <= known


def test_the_directory_file_is_read_as_it_says(tmp_path):
    file = tmp_path / "directory.yaml"
    file.write_text(example("yaml", "# directory"))
    directory = FileDirectory(file, "default")
    assert directory.groups_by_email("harriet@example.com") == {"everyone", "public", "hr"}
    assert directory.groups_by_email("gus@example.com") == {"public"}
    assert directory.groups_of_slack_group("S0123ABCD") == {"finance"}
    assert directory.groups_of_slack_group("people-team") == {"hr"}


def test_the_rooms_file_is_read_as_it_says(tmp_path, database):
    file = tmp_path / "rooms.yaml"
    file.write_text(example("yaml", "# rooms"))
    rooms = Rooms(database)
    rooms.seed(file)
    help_, loud, boss = (rooms.settings_of(room) for room in yaml.safe_load(file.read_text())["rooms"])
    assert (help_.respond, help_.sources, help_.escalation) == (Respond.QUESTIONS, ("/srv/handbook",), ("U0123ABCD",))
    assert loud.respond is Respond.OFF
    assert (boss.ephemeral, boss.allow, boss.language) == (True, ("U0123ABCD",), "de")


def test_every_setting_of_a_channel_is_explained():
    assert [row[0].strip("`") for row in rows("Settings of a channel")] == [
        field.name for field in fields(RoomSettings)
    ]
    [respond] = [row for row in rows("Settings of a channel") if row[0] == "`respond`"]
    assert set(re.findall(r"`(\w+)`", respond[2])) == set(Respond)


def test_every_scope_is_explained():
    named = [scope for row in rows("Scopes, and why") for scope in re.findall(r"`([^`]+)`", row[0])]
    assert sorted(named) == sorted(SCOPES)
    assert f"`{INSTALL_PATH}` and `{REDIRECT_PATH}`" in PAGE


@pytest.mark.parametrize("command", re.findall(r"answerloop (slack manifest [^`\n]+)", PAGE))
def test_its_commands_work(command):
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 0, result.output


def test_every_picture_is_there_small_and_shown():
    shown = set(re.findall(r'<img src="pictures/([^"]+)" width="\d+" alt="[^"]+">', PAGE))
    assert shown == {path.name for path in PICTURES.glob("slack-*.png")}
    for name in shown:
        assert (PICTURES / name).stat().st_size <= MOST_BYTES, name
        Image.open(PICTURES / name).verify()
