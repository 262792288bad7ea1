"""A canary that fares worse is rolled back with an alarm, one that does not goes live; looking often costs nothing."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from answerloop.db.audit_tables import AlarmRow
from answerloop.db.repositories import adapters
from answerloop.db.tables import now
from answerloop.db.training_tables import AdapterRow
from answerloop.domain import Serving
from tests.unit.workers.training.adapter_kit import House
from workers.training import sequential
from workers.training.canary import CanaryWatch, Rule


@pytest.fixture
def house(tmp_path, database) -> House:
    house = House(tmp_path, database)
    house.take_in("night-1", "night-2")
    house.promotion.begin("night-1", 0)
    house.promotion.begin("night-2", 0.3)
    return house


def look(house: House, answers: int = 200, days: float = 7.0) -> Serving:
    CanaryWatch(house.database, house.promotion, Rule(answers, days, late_seconds=30)).look()
    return house.store.serving()


def both(house: House, count: int, mine: dict, others: dict) -> None:
    """Twice as many conversations of the rest, mixed with the canary's in time."""
    serving, at = house.store.serving(), now()
    canaries = house.conversations(serving, count, drawn=True)
    rest = house.conversations(serving, 2 * count, drawn=False)
    for number in range(count):
        moment = at + timedelta(seconds=number + 1)
        house.answered(canaries[number : number + 1], "night-2", at=moment, **mine)
        house.answered(rest[2 * number : 2 * number + 2], "night-1", at=moment, **others)


def alarms(house: House) -> dict[str, str]:
    with house.database.reading() as session:
        return {row.key: row.text for row in session.query(AlarmRow)}


def test_without_a_canary_there_is_nothing_to_watch(house):
    house.promotion.rollback("night-2")
    assert look(house).live == "night-1"


@pytest.mark.parametrize(
    ("mine", "others", "signal"),
    [
        ({"thumbs": ["down"]}, {"thumbs": ["up", "up"]}, "thumbs"),
        ({"verdicts": ["wrong"]}, {"verdicts": ["correct", "correct"]}, "verdicts"),
        ({"grounded": 0.4}, {"grounded": 0.95}, "groundedness"),
        ({"seconds": 40.0}, {"seconds": 1.0}, "lateness"),
    ],
)
def test_a_canary_that_fares_worse_is_rolled_back_and_an_alarm_rings(house, mine, others, signal):
    both(house, 30, mine, others)
    serving = look(house)
    assert (serving.live, serving.canary) == ("night-1", None)
    assert house.states()["night-2"] == "rolled back"
    assert alarms(house)["canary:night-2"].startswith(f"The new adapter night-2 is rolled back: {signal} worse")


def test_a_canary_that_fares_alike_goes_on_and_then_live(house):
    both(house, 40, {"thumbs": ["up"]}, {"thumbs": ["up", "down"]})
    assert look(house).canary == "night-2"
    with house.database.reading() as session:
        watch = adapters.get(session, "night-2").watch
    assert watch["answers"] == 40
    assert watch["known"]["thumbs"] == [40, 80]
    serving = look(house, answers=40)
    assert (serving.live, serving.canary, serving.previous) == ("night-2", None, "night-1")
    assert alarms(house) == {}


def test_after_the_days_fewer_answers_are_enough_but_not_none(house):
    with house.database.writing() as session:
        row = session.get_one(AdapterRow, "night-2")
        row.watch = {"since": (now() - timedelta(days=8)).isoformat()}
    assert look(house).canary == "night-2"
    both(house, 30, {}, {})
    assert look(house).live == "night-2"


def test_one_that_nobody_hears_makes_room_for_the_next(house):
    with house.database.writing() as session:
        row = session.get_one(AdapterRow, "night-2")
        row.watch = {"since": (now() - timedelta(days=15)).isoformat()}
    serving = look(house)
    assert (serving.live, serving.canary) == ("night-1", None)
    assert "gave 0 answers" in alarms(house)["canary:night-2"]


def test_answers_from_before_the_canary_do_not_count(house):
    canaries = house.conversations(house.store.serving(), 60, drawn=True)
    house.answered(canaries, "night-1", thumbs=["down"] * 60, at=now() - timedelta(hours=1))
    assert look(house, answers=1).canary == "night-2"


def test_verdicts_on_what_somebody_complained_of_are_counted_as_complaints_alone(house):
    both(house, 30, {"verdicts": ["wrong"], "flags": ["thumb_down"]}, {"verdicts": ["correct", "correct"]})
    assert look(house).canary == "night-2"


def test_answers_for_which_nobody_spoke_tell_nothing(house):
    both(house, 30, {"thumbs": ["down"], "model": "none"}, {"thumbs": ["up", "up"]})
    assert look(house).canary == "night-2"


def test_a_conversation_counts_once_however_much_is_said_in_it(house):
    serving = house.store.serving()
    [loud] = house.conversations(serving, 1, drawn=True)
    both(house, 30, {"thumbs": ["up"]}, {"thumbs": ["up", "up"]})
    for _ in range(60):
        house.answered([loud], "night-2", thumbs=["down"])
    assert look(house).canary == "night-2"


class TestSequential:
    @pytest.mark.parametrize("share", [0.1, 0.5])
    @pytest.mark.parametrize("rate", [0.02, 0.1, 0.5])
    def test_without_harm_it_hardly_ever_finds_some_however_often_one_looks(self, rate, share):
        rng, found = np.random.default_rng(3), 0
        for _ in range(500):
            drawn, bad = rng.random(1500) < share, rng.random(1500) < rate
            found += sequential.luck(drawn, bad.astype(float), share) <= 0.05  # of the worst moment of all
        assert found <= 0.05 * 500

    def test_it_finds_harm_soon(self):
        rng, when = np.random.default_rng(4), []
        for _ in range(40):
            drawn = rng.random(1000) < 0.1
            bad = (rng.random(1000) < np.where(drawn, 0.4, 0.05)).astype(float)
            when.append(next(n for n in range(10, 1001, 10) if sequential.luck(drawn[:n], bad[:n], 0.1) <= 0.0125))
        assert np.median(when) < 200  # conversations, 20 of which the canary's

    def test_a_margin_is_left_alone(self):
        rng = np.random.default_rng(5)
        drawn = rng.random(3000) < 0.3
        bad = np.where(drawn, 0.12, 0.10)
        assert sequential.luck(drawn, bad, 0.3) < 0.01
        assert sequential.luck(drawn, bad, 0.3, margin=0.02) > 0.05

    def test_what_is_known_of_the_past_stays_known(self):
        drawn, bad = [True] * 30, [1.0] * 30
        rest = [False] * 60
        worst = sequential.luck(rest + drawn, [0.0] * 60 + bad, 0.3)
        assert sequential.luck(rest + drawn + rest, [0.0] * 60 + bad + [0.5] * 60, 0.3) <= worst

    def test_nothing_known_is_no_harm(self):
        assert sequential.luck([], [], 0.1) == 1.0

    @pytest.mark.parametrize(("bad", "share"), [([1.1], 0.1), ([float("nan")], 0.1), ([1.0], 0.0), ([1.0, 0.0], 0.1)])
    def test_values_that_are_none_are_an_error(self, bad, share):
        with pytest.raises(ValueError, match="expected"):
            sequential.luck([True], bad, share)
