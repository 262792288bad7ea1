"""A whole night with the real model beside a running installation: what it trains is heard there, and rolled back.

A few rows, one epoch; that it is promoted is decided here, since so few questions decide nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from answerloop.backends.local_models.weights import DEFAULT_MODEL, model_folder
from answerloop.db.training_tables import TrainingRunRow
from answerloop.errors import ModelMissing
from answerloop.settings import Settings, load_settings
from answerloop.testing.installation import CHECKOUT, RunningInstallation, until
from workers.training import frozen_test, gate, seed
from workers.training.gate import Decision, Evidence, Outcome
from workers.training.manners import night_settings
from workers.wiring import Workshop

pytestmark = [pytest.mark.model, pytest.mark.stack, pytest.mark.timeout(900)]

QUESTION = "How many days of parental leave do I get?"
ROWS, NOWHERE = 24, 8
ARMS = ["quote only", "base", "base, few-shot", "candidate"]


@pytest.fixture(scope="module")
def models() -> Path:
    folder = load_settings().effective_models_folder
    try:
        model_folder(DEFAULT_MODEL, folder)
    except ModelMissing as missing:
        pytest.skip(str(missing))
    return folder


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, few_documents: Path, models: Path
) -> Iterator[RunningInstallation]:
    home = tmp_path_factory.mktemp("night") / "state"
    installation = RunningInstallation(home, few_documents, models_folder=str(models))
    installation.start()
    yield installation
    installation.stop()
    installation.database.dispose()


@pytest.fixture
def workshop(
    installation: RunningInstallation, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workshop]:
    for module, name, value in (
        (frozen_test, "FIRST", 3),
        (frozen_test, "FIRST_UNANSWERABLE", 1),
        (gate, "MIN_QUESTIONS", 3),
        (gate, "MIN_UNANSWERABLE", 1),
        (gate, "MIN_NEW_ROWS", 4),
    ):
        monkeypatch.setattr(module, name, value)
    (tmp_path / "params.json").write_text(json.dumps({"epochs": 1}))
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        home=installation.home,
        models_folder=models,
        generator="extractive",
        training_params=tmp_path / "params.json",
        canary_share=0,
    )
    workshop = Workshop(night_settings(settings, threads=2), "test-night")
    yield workshop
    workshop.close()


def seeded(workshop: Workshop) -> None:
    """What people approved of some of the documents that are here, but not of the one that is asked about."""
    rows = seed.read(CHECKOUT / "samples" / "corrections.jsonl")
    here = ("hr/annual-leave.md", "hr/sick-leave.html", "finance/expenses.md", "it/vpn-troubleshooting.md")
    chosen = [row for row in rows if row.document in here][:ROWS]
    chosen += [row for row in rows if row.missing_document][:NOWHERE]
    assert seed.seed(workshop.database, "default", chosen, timedelta(days=30)) == ROWS + NOWHERE


def speaks(installation: RunningInstallation) -> str:
    return str(installation.answer(installation.ask(QUESTION))["details"]["adapter"])


def test_what_is_trained_at_night_is_heard_without_a_restart_and_rolled_back(installation, workshop, monkeypatch):
    seeded(workshop)
    evidence: list[Evidence] = []

    def promoted(found: Evidence) -> Decision:
        evidence.append(found)
        return Decision(Outcome.PROMOTE, ("The test says so.",), {})

    monkeypatch.setattr("workers.training.work.decide", promoted)
    assert speaks(installation) == "base"
    assert workshop.nightly.run() == "live"
    [found] = evidence
    assert [arm.name.value for arm in found.arms] == ARMS
    assert len({len(arm.items) for arm in found.arms}) == 1
    gate.decide(found)  # the evidence is whole, whatever it says
    with workshop.database.reading() as session:
        run = session.scalars(select(TrainingRunRow)).one()
    assert (run.state, run.outcome) == ("done", "live")
    assert [arm["name"] for arm in run.ladder["arms"]] == ARMS
    assert run.record["trained_rows"] > 4
    assert run.record["curves"]
    until(lambda: speaks(installation) == run.adapter, 120)
    command = [sys.executable, "-m", "answerloop", "adapters", "rollback"]
    subprocess.run(command, env=installation.environment, check=True, cwd=installation.home.parent, timeout=60)
    until(lambda: speaks(installation) == "base", 30)
