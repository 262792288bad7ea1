"""Every expected figure here was worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from answerloop.domain import Outcome
from answerloop.value import (
    Asked,
    Assumptions,
    Kind,
    Objective,
    Said,
    asked_again,
    by,
    by_day,
    is_resolved,
    standing,
    steps,
    thumbs_by_day,
    value,
)

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
ASSUMED = Assumptions(human_minutes=10, human_hours=4, cost_per_hour=0.5, currency="EUR")
NOBODY: frozenset[str] = frozenset()


def asked(name: str = "q", at: datetime = MONDAY, **columns: object) -> Asked:
    known = {
        "seconds": 2.0, "channel": "web", "topic": "it", "outcome": Outcome.ANSWERED, "curated": False, "ups": 0,
        "downs": 0, "human": False,
    }  # fmt: skip
    return Asked(name, at, **{**known, **columns})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "again", "resolved"),
    [
        (asked(), NOBODY, True),
        (asked(ups=1), NOBODY, True),
        (asked(downs=1), NOBODY, False),
        (asked(human=True), NOBODY, False),
        (asked(outcome=Outcome.ABSTAINED), NOBODY, False),
        (asked(outcome=Outcome.FAILED), NOBODY, False),
        (asked("q"), frozenset({"q"}), False),
    ],
)
def test_resolved_is_what_nobody_complained_of_nor_asked_again(question: Asked, again: frozenset[str], resolved: bool):
    assert is_resolved(question, again) is resolved


def test_the_worth_of_a_week_is_worked_out_from_what_is_assumed():
    questions = [
        asked("1", seconds=1.0),
        asked("2", seconds=3.0),
        asked("3", seconds=5.0, downs=1),
        asked("4", seconds=9.0, outcome=Outcome.ABSTAINED),
    ]
    worth = value(questions, NOBODY, review_seconds=180, running=timedelta(hours=12), assumptions=ASSUMED)
    assert (worth.questions, worth.resolved, worth.share) == (4, 2, 0.5)
    assert worth.median_seconds == 4.0
    assert worth.minutes_saved == 2 * 10 - 3
    assert worth.cost_per_answer == pytest.approx(0.5 * 12 / 3)


def test_where_nothing_was_asked_nothing_is_divided():
    worth = value([], NOBODY, review_seconds=0, running=timedelta(hours=1), assumptions=ASSUMED)
    assert (worth.share, worth.median_seconds, worth.cost_per_answer) == (None, None, None)
    objective = Objective("Resolve half.", 0.5, 10, "", "ops", MONDAY)
    assert standing(objective, worth).share_reached is None
    assert not standing(objective, worth).reached


@pytest.mark.parametrize(("share", "seconds", "reached"), [(0.5, 4, True), (0.51, 4, False), (0.5, 1.9, False)])
def test_an_objective_is_reached_with_its_share_and_in_its_time(share: float, seconds: float, reached: bool):
    worth = value([asked("1"), asked("2", downs=1)], NOBODY, 0, timedelta(hours=1), ASSUMED)
    assert standing(Objective("…", share, seconds, "", "ops", MONDAY), worth).reached is reached


def said(name: str, asker: str, hours: float, angle: float, embedder: str = "e") -> Said:
    vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
    return Said(name, asker, MONDAY + timedelta(hours=hours), embedder, vector.tobytes())


def test_a_question_was_asked_again_by_the_same_person_within_a_day_in_nearly_the_same_words():
    assert asked_again([said("1", "ada", 0, 0.0), said("2", "ada", 5, 0.3)]) == {"1"}  # cos 0.3 = 0.955
    assert asked_again([said("1", "ada", 0, 0.0), said("2", "ada", 5, 0.7)]) == NOBODY  # cos 0.7 = 0.765
    assert asked_again([said("1", "ada", 0, 0.0), said("2", "bob", 5, 0.0)]) == NOBODY
    assert asked_again([said("1", "ada", 0, 0.0), said("2", "ada", 25, 0.0)]) == NOBODY
    assert asked_again([said("1", "ada", 0, 0.0), said("2", "ada", 5, 0.0, "another")]) == NOBODY


def test_questions_are_counted_by_day_and_by_name():
    questions = [
        asked("1"),
        asked("2", curated=True, topic="hr"),
        asked("3", outcome=Outcome.ABSTAINED, ups=1),
        asked("4", at=MONDAY + timedelta(days=1), outcome=Outcome.FAILED, downs=2),
        asked("5", at=MONDAY + timedelta(days=9)),
    ]
    days = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)]
    monday, tuesday, wednesday = by_day(questions, days)
    assert monday == {Kind.ANSWERED: 1, Kind.CURATED: 1, Kind.ABSTAINED: 1}
    assert (tuesday, wednesday) == ({Kind.FAILED: 1}, {})
    assert thumbs_by_day(questions, days) == [(1, 0), (0, 2), (0, 0)]
    assert list(by(questions, lambda each: each.topic)) == ["it", "hr"]


def test_each_step_has_its_median_and_its_slow_end_and_the_whole_comes_last():
    timings = [{"total": 30.0, "retrieve": float(number)} for number in range(11)]
    retrieve, total = steps(timings)
    assert (retrieve.name, retrieve.p50, retrieve.p90, retrieve.n) == ("retrieve", 5.0, 9.0, 11)
    assert total.name == "total"


def test_what_a_model_behind_an_endpoint_charges_is_part_of_the_cost():
    once = [asked("q1")]
    free, charged = (value(once, frozenset(), 0, timedelta(0), ASSUMED, cost) for cost in (0.0, 0.5))
    assert (free.cost_per_answer, charged.cost_per_answer) == (0, 0.5)
