"""What docs/operations.md says can be typed exists."""

import re
from pathlib import Path

import pytest
import typer

from answerloop.cli import app
from answerloop.moving import files
from answerloop.settings import Settings, StateFolder

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "operations.md").read_text()
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_every_setting_it_names_exists():
    known = {f"ANSWERLOOP_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"ANSWERLOOP_[A-Z_]+[A-Z]", PAGE)) <= known


@pytest.mark.parametrize(
    "line", sorted(set(re.findall(r"(?:`|^ *|bin/)answerloop ([a-z][a-z-]*[^`'\n]*)", PAGE, re.MULTILINE)))
)
def test_every_command_exists_with_its_options(line):
    name, *rest = line.split()
    if line.startswith("already runs") or "/opt/answerloop" in line:
        return
    options = {option for parameter in COMMANDS[name].params for option in (*parameter.opts, *parameter.secondary_opts)}
    given = {word.strip("`,.()'") for word in rest if word.startswith("--")}
    assert given <= options or not options, line  # without options it passes them on to another program


def test_the_table_of_what_is_kept_is_the_code():
    state = StateFolder(Path("/home"))
    table = PAGE.split("## What must not be lost")[1].split("\n## ")[0]
    kept = " ".join(line for line in table.splitlines() if line.rstrip().endswith("| yes |"))
    for place in files.kept(state):
        named = place.relative_to(state.root)
        assert f"`{named}" in kept or f"`{named.parts[0]}/`" in kept, named
    for left in (state.index, state.broker, state.training / "runs", state.models, state.logs, state.run):
        assert f"`{left.relative_to(state.root)}/`" in table, left
        assert f"`{left.relative_to(state.root)}/`" not in kept, left
