"""`python -m workers adapters …`: who speaks, said and changed by a person."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from answerloop.db.session import Database
from answerloop.settings import Settings
from tests.unit.workers.training.adapter_kit import House
from workers.__main__ import app


@pytest.fixture
def house(tmp_path, monkeypatch) -> House:
    monkeypatch.setenv("ANSWERLOOP_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)  # away from anybody's .env
    database = Database(Settings(_env_file=None).effective_database_url)
    database.migrate()
    house = House(tmp_path, database)
    house.take_in("night-1", "night-2", "night-3")
    for judged in ("night-1", "night-2"):
        house.promotion.begin(judged, 0)
    house.promotion.rollback()
    house.promotion.rollback()
    yield house
    database.dispose()


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["adapters", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_person_promotes_and_rolls_back(house):
    run("promote", "night-1")
    assert house.store.serving().live == "night-1"
    run("promote", "night-2")
    run("rollback")
    assert house.store.serving().live == "night-1"
    run("rollback", "night-1")
    assert house.store.serving().live is None


def test_the_list_tells_who_speaks(house):
    run("promote", "night-1")
    told = json.loads(run("list", "--json"))
    assert told["serving"]["live"] == "night-1"
    assert {row["name"]: row["state"] for row in told["adapters"]} == {
        "night-1": "live",
        "night-2": "rolled back",
        "night-3": "candidate",
    }
    run("list")


def test_one_adapter_is_shown_with_its_hashes(house):
    told = json.loads(run("show", "night-1"))
    assert told["base_model"] == "tiny"
    assert set(told["files"]) == {"adapter_model.safetensors", "adapter_config.json"}


@pytest.mark.parametrize("arguments", [["show", "ghost"], ["promote", "ghost"], ["rollback"]])
def test_what_cannot_be_done_is_told_in_a_sentence(house, arguments):
    result = CliRunner().invoke(app, ["adapters", *arguments])
    assert result.exit_code == 5
    assert "Traceback" not in result.output
