"""A night ends with a decision, once, whatever happens in the middle of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from answerloop.db.repositories import nights
from answerloop.db.session import Database
from answerloop.db.training_tables import TrainingRunRow
from answerloop.errors import DatabaseUnavailable, NightFailed
from answerloop.heartbeat import Heartbeat
from answerloop.testing.fakes import FakeNotifier
from workers.evaluation.questions import TestQuestion
from workers.training.gate import Decision, Outcome
from workers.training.nightly import Hours, Judged, Nightly
from workers.training.rows import Dataset

TWO = Hours(time(2), ZoneInfo("Europe/Berlin"), timedelta(hours=5))


def question(number: int) -> TestQuestion:
    answerable = number % 5 > 0
    return TestQuestion(
        f"t{number}", "How long?", ("90 days",) if answerable else (), (), answerable, "default", frozenset(), ()
    )


class StandIn:
    """A night's work in which nothing takes long. `fails` are raised by the steps named so, one at a time."""

    def __init__(self) -> None:
        self.outcome = Outcome.PROMOTE
        self.questions, self.new_rows = 120, 40
        self.canary = False
        self.version = "a"
        self.fails: dict[str, list[BaseException]] = {}
        self.done: list[str] = []
        self.live = "base"

    def _step(self, name: str) -> None:
        if self.fails.get(name):
            raise self.fails[name].pop(0)
        self.done.append(name)

    def dataset(self) -> Dataset:
        self._step("dataset")
        return self.read(self.version * 64)

    def read(self, dataset: str) -> Dataset:
        test = tuple(question(number) for number in range(self.questions))
        return Dataset(dataset, (), (), test, 0, self.new_rows, (), {"hash": dataset})

    def fingerprint(self, dataset: Dataset) -> str:
        return dataset.hash

    def canary_runs(self) -> bool:
        return self.canary

    def train(self, night: nights.Night, dataset: Dataset, report: Any) -> tuple[str, Mapping[str, Any]]:
        report(1, 2, "half way")
        self._step("train")
        return f"night-{night.id[:6]}", {"seconds": 1}

    def evaluate(self, night: nights.Night, dataset: Dataset, report: Any) -> Judged:
        self._step("evaluate")
        return Judged(Decision(self.outcome, ("It is better.",), {}), {"questions": len(dataset.test)})

    def promote(self, night: nights.Night) -> str:
        self._step("promote")
        self.live = night.adapter
        return "live"

    def discard(self, adapter: str) -> None:
        self._step("discard")

    def tidy(self, night: nights.Night) -> None: ...


class Scene:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.work = StandIn()
        self.notifier = FakeNotifier()
        self.now = datetime(2026, 11, 26, 3, tzinfo=UTC)
        self.nightly = self.another()

    def another(self) -> Nightly:
        heartbeat = Heartbeat(self.database, "test", 60)
        return Nightly(self.database, self.work, self.notifier, heartbeat, TWO, lambda: self.now)

    def runs(self) -> list[TrainingRunRow]:
        with self.database.reading() as session:
            return list(session.scalars(select(TrainingRunRow).order_by(TrainingRunRow.started_at)))


@pytest.fixture
def scene(database) -> Scene:
    return Scene(database)


def test_a_night_goes_from_the_dataset_to_its_decision(scene):
    assert scene.nightly.run() == "live"
    [run] = scene.runs()
    assert scene.work.done == ["dataset", "train", "evaluate", "promote"]
    assert (run.state, run.outcome, run.adapter) == ("done", "live", scene.work.live)
    assert run.decision["outcome"] == "promote"
    assert run.finished_at is not None
    [report] = scene.notifier.reports.values()
    assert "live" in report
    assert "It is better." in report


def test_a_refused_candidate_is_put_away_and_nothing_changes(scene):
    scene.work.outcome = Outcome.REFUSED
    assert scene.nightly.run() == "refused"
    assert scene.work.done == ["dataset", "train", "evaluate", "discard"]
    assert scene.work.live == "base"


@pytest.mark.parametrize(
    ("change", "words"),
    [({"questions": 60}, "60 test questions"), ({"new_rows": 3}, "3 new rows"), ({"canary": True}, "canary")],
)
def test_without_enough_nothing_is_trained_and_what_is_missing_is_said(scene, change, words):
    for name, value in change.items():
        setattr(scene.work, name, value)
    assert scene.nightly.run() == "not tonight"
    [run] = scene.runs()
    assert scene.work.done == ["dataset"]
    assert words in " ".join(run.reasons)


def test_the_same_dataset_is_not_trained_on_again(scene):
    assert scene.nightly.run() == "live"
    assert scene.nightly.run() == "unchanged"
    scene.work.version = "b"
    assert scene.nightly.run() == "live"
    assert len(scene.runs()) == 2


def test_what_waited_for_a_canary_is_done_when_that_is_over(scene):
    scene.work.canary = True
    assert scene.nightly.run() == "not tonight"
    assert scene.nightly.run() == "unchanged"
    scene.work.canary = False
    assert scene.nightly.run() == "live"


@pytest.mark.parametrize("step", ["dataset", "train", "evaluate", "promote"])
def test_after_a_crash_another_worker_goes_on_where_it_broke_off(scene, step):
    scene.work.fails = {step: [KeyboardInterrupt()]}
    with pytest.raises(KeyboardInterrupt):
        scene.nightly.run()
    assert scene.another().tick() == "live"
    assert scene.work.done == ["dataset", "train", "evaluate", "promote"]
    assert len(scene.runs()) == 1


def test_what_may_succeed_later_is_tried_later(scene):
    scene.work.fails = {"train": [DatabaseUnavailable("locked")]}
    with pytest.raises(DatabaseUnavailable):
        scene.nightly.run()
    assert scene.nightly.tick() == "live"


@pytest.mark.parametrize("error", [NightFailed("question t7 failed"), ZeroDivisionError("question t7 failed")])
def test_what_fails_ends_the_night_with_the_reason(scene, error):
    scene.work.fails = {"evaluate": [error]}
    assert scene.nightly.run() == "failed"
    [run] = scene.runs()
    assert (run.state, run.outcome) == ("failed", "failed")
    assert "question t7 failed" in run.reasons[0]
    assert scene.work.done[-1] == "discard"
    assert scene.nightly.tick() is None


def test_one_that_breaks_off_again_and_again_ends(scene):
    scene.work.fails = {"train": [KeyboardInterrupt() for _ in range(9)]}
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            scene.nightly.run()
    assert scene.nightly.run() == "failed"


def test_while_one_runs_there_is_no_other(scene):
    seen = []

    class Meanwhile(StandIn):
        def train(self, night: nights.Night, dataset: Dataset, report: Any) -> tuple[str, Mapping[str, Any]]:
            seen.append(scene.another().run())
            return super().train(night, dataset, report)

    scene.work = Meanwhile()
    assert scene.another().run() == "live"
    assert seen == [None]


class TestHours:
    def test_a_night_begins_when_it_is_time_by_the_clock_of_its_zone(self, scene):
        scene.now = datetime(2026, 11, 26, 0, 59, tzinfo=UTC)  # 01:59 in Berlin, the night before is over
        assert scene.nightly.tick() is None
        scene.now = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)
        assert scene.nightly.tick() == "live"

    def test_it_is_looked_at_once_a_night_also_when_nothing_has_changed(self, scene):
        assert scene.nightly.tick() == "live"
        assert scene.nightly.tick() is None
        scene.now += timedelta(days=1)
        assert scene.nightly.tick() == "unchanged"
        assert scene.nightly.tick() is None

    def test_who_was_away_all_night_waits_for_the_next_one(self, scene):
        scene.now = datetime(2026, 11, 26, 9, tzinfo=UTC)
        assert scene.nightly.tick() is None

    def test_the_hour_that_does_not_exist_in_march_is_passed_over(self):
        begin = TWO.begin_of(datetime(2026, 3, 29, 12, tzinfo=UTC))
        assert begin.date().isoformat() == "2026-03-29"
