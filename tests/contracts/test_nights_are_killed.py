"""A hundred nights, each killed at random moments and taken up again: always one valid pointer, never half an adapter.

The training loop is a stand-in, which writes an adapter at once; everything around it is real.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from answerloop.backends.adapters_folder import FolderAdapterStore
from answerloop.db.repositories import adapters, nights
from answerloop.db.session import Database
from answerloop.db.training_tables import TrainingRunRow
from answerloop.heartbeat import Heartbeat
from answerloop.testing.adapter_suite import trained
from answerloop.testing.fakes import FakeNotifier
from tests.contracts.test_adapter_store import DyingDisk
from tests.contracts.test_promotion_is_killed import DyingDatabase
from tests.unit.workers.training.test_nightly import question
from workers.training.gate import Decision, Outcome
from workers.training.nightly import Hours, Judged, Nightly
from workers.training.promote import Promotion
from workers.training.rows import Dataset

NIGHTS = 100
MOST_TRIES = 4
"""Fewer than those after which a night gives up: each of these nights comes to its own end."""
HOURS = Hours(time(2), ZoneInfo("UTC"), timedelta(hours=5))


class Work:
    """`number` is of the night: each has another dataset, and two of three are promoted."""

    def __init__(self, promotion: Promotion, folder: Path, number: int) -> None:
        self._promotion, self._folder, self._number = promotion, folder, number

    def dataset(self) -> Dataset:
        return self.read(f"{self._number:064d}")

    def read(self, dataset: str) -> Dataset:
        return Dataset(dataset, (), (), tuple(map(question, range(120))), 0, 40, (), {"hash": dataset})

    def fingerprint(self, dataset: Dataset) -> str:
        return dataset.hash

    def canary_runs(self) -> bool:
        return False

    def train(self, night: nights.Night, dataset: Dataset, report: Any) -> tuple[str, Mapping[str, Any]]:
        report(1, 1, "done")
        name = f"night-{self._number}"
        folder = self._folder / name
        if not folder.exists():
            trained(folder, float(self._number))
        self._promotion.take_in(name, folder, run=night.id, dataset=dataset.hash, base_model="tiny")
        return name, {}

    def evaluate(self, night: nights.Night, dataset: Dataset, report: Any) -> Judged:
        outcome = Outcome.REFUSED if self._number % 3 == 0 else Outcome.PROMOTE
        return Judged(Decision(outcome, ("as the number says",), {}), {})

    def promote(self, night: nights.Night) -> str:
        self._promotion.begin(night.adapter, 0)
        return "live"

    def discard(self, adapter: str) -> None:
        self._promotion.retire(adapter)

    def tidy(self, night: nights.Night) -> None: ...


class Company:
    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.root, self.url = folder, folder / "adapters", url
        self.database, self.store = Database(self.url), FolderAdapterStore(self.root)

    def night(self, number: int, steps: int, *, half: bool) -> bool:
        """Whether it was killed, after so many steps of disk and database."""
        self.database.dispose()  # no connection goes into the child
        child = os.fork()
        if child == 0:
            disk = DyingDisk(steps, half)
            database = DyingDatabase(self.url, disk)
            work = Work(Promotion(database, FolderAdapterStore(self.root, disk)), self.folder, number)
            heartbeat = Heartbeat(database, "night", 3600)
            code = 1
            try:
                code = 0 if Nightly(database, work, FakeNotifier(), heartbeat, HOURS).run() else 1
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, -9, 9), f"night {number} ended with {code}"
        return code != 0

    def check(self) -> str | None:
        """One pointer that can be read, to adapters that are whole; who is live now."""
        serving, names = self.store.serving(), set(self.store.names())
        assert serving.adapters <= names
        for name in names:
            self.store.manifest(name)
        return serving.live

    def live_rows(self) -> list[str]:
        Promotion(self.database, self.store).settle()
        with self.database.reading() as session:
            return [each.name for each in adapters.everyone(session) if each.state.value == "live"]


def test_a_hundred_nights_with_kills_leave_one_live_adapter_each(tmp_path, database_url, monkeypatch):
    monkeypatch.setattr("workers.training.nightly.LEASE_FOR", timedelta(0))  # whoever is killed has it no longer
    chance = random.Random(20261126)
    company = Company(tmp_path, database_url)
    kills, live = 0, None
    for number in range(1, NIGHTS + 1):
        for left in reversed(range(MOST_TRIES)):
            steps = chance.randint(1, 70) if left else 10_000
            killed = company.night(number, steps, half=chance.random() < 0.5)
            now = company.check()
            assert now in (live, f"night-{number}"), "what people hear is the one before, or tonight's"
            kills += killed
            if not killed:
                break
        expected = live if number % 3 == 0 else f"night-{number}"
        assert company.check() == expected
        live = expected
        assert company.live_rows() == [live]
    with company.database.reading() as session:
        done = session.scalar(select(func.count(TrainingRunRow.id)).where(TrainingRunRow.state == nights.DONE))
        assert session.scalar(select(func.count(TrainingRunRow.id))) == done == NIGHTS
    assert kills > NIGHTS / 2
