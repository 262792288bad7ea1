"""The environment of Label Studio is made once, and what cannot be made is said and not tried for ever."""

import os
import signal
from pathlib import Path

import pytest

from answerloop.cli import label_studio
from answerloop.cli.console import EXIT_CONFIGURATION
from answerloop.cli.label_studio import LabelStudioServer
from answerloop.errors import AlreadyRunning
from answerloop.label_studio import VERSION, LabelStudioFolder, mode
from answerloop.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _signals_stay():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch) -> Settings:
    monkeypatch.setattr(os, "nice", lambda _: 0)
    return load_settings(_env_file=None, home=tmp_path)


@pytest.fixture
def folder(settings) -> LabelStudioFolder:
    return LabelStudioFolder(settings.state.label_studio)


@pytest.fixture
def commands(monkeypatch, folder) -> list[list[str]]:
    """What would be run to install it."""
    run: list[list[str]] = []

    def command(_: LabelStudioServer, arguments: list[str]) -> None:
        run.append(arguments)
        folder.program.parent.mkdir(parents=True, exist_ok=True)
        folder.program.touch()

    monkeypatch.setattr(LabelStudioServer, "_command", command)
    monkeypatch.setattr(LabelStudioServer, "_serve", lambda _: 0)
    return run


def test_it_is_installed_once_from_the_lock(settings, folder, commands):
    for _ in range(2):
        assert LabelStudioServer(settings).run() == 0
    assert len(commands) == 2, "an environment, and what goes in"
    assert commands[1][-1] == f"label-studio=={VERSION}"
    lock = Path(commands[1][commands[1].index("--constraint") + 1]).read_text()
    assert "Django==" in lock


def test_an_installation_that_broke_off_begins_anew(settings, folder, commands):
    LabelStudioServer(settings).run()
    folder.installed.unlink()
    LabelStudioServer(settings).run()
    assert len(commands) == 4


def test_what_cannot_be_installed_is_said_and_the_page_takes_over(settings, folder, monkeypatch):
    failing = ["sh", "-c", "echo 'ERROR: No matching distribution found for label-studio'; exit 1"]
    whole = LabelStudioServer._command
    monkeypatch.setattr(LabelStudioServer, "_command", lambda self, _: whole(self, failing))
    assert LabelStudioServer(settings).run() == EXIT_CONFIGURATION
    assert folder.impossible.read_text() == "No matching distribution found for label-studio.\n"
    assert "judged on the review page" in folder.status.read_text()
    assert mode(settings) == "page"


def test_too_little_room_is_found_before_anything_is_fetched(settings, folder, commands, monkeypatch):
    monkeypatch.setattr(label_studio, "NEEDED_BYTES", 10**15)
    assert LabelStudioServer(settings).run() == EXIT_CONFIGURATION
    assert commands == []


def test_two_do_not_run_on_the_same_folder(settings):
    with LabelStudioServer(settings)._alone(), pytest.raises(AlreadyRunning):
        LabelStudioServer(settings).run()
