"""Who speaks after each step, also when it is repeated or was the last one of its process."""

from __future__ import annotations

import pytest

from answerloop.db.tables import now
from answerloop.db.training_tables import TrainingRunRow
from answerloop.domain import Serving
from answerloop.errors import AdapterRefused, DatabaseUnavailable, NotFound
from tests.unit.workers.training.adapter_kit import House
from workers.training.promote import Promotion


@pytest.fixture
def house(tmp_path, database) -> House:
    house = House(tmp_path, database)
    house.take_in("night-1", "night-2", "night-3")
    return house


def speaks(serving: Serving) -> tuple[str | None, str | None, str | None]:
    return serving.live, serving.canary, serving.previous


def test_a_candidate_is_heard_by_nobody(house):
    house.take_in("night-1")
    assert speaks(house.store.serving()) == (None, None, None)
    assert house.states()["night-1"] == "candidate"


def test_from_canary_to_live_and_the_one_before_is_remembered(house):
    house.promotion.begin("night-1", 0)
    assert speaks(house.promotion.begin("night-2", 0.1)) == ("night-1", "night-2", None)
    assert house.states() == {"night-1": "live", "night-2": "canary", "night-3": "candidate"}
    assert speaks(house.promotion.promote("night-2")) == ("night-2", None, "night-1")
    assert house.states() == {"night-1": "replaced", "night-2": "live", "night-3": "candidate"}


def test_every_step_may_be_repeated(house):
    for step in (
        lambda: house.promotion.begin("night-1", 0),
        lambda: house.promotion.begin("night-2", 0.1),
        lambda: house.promotion.promote("night-2"),
        lambda: house.promotion.begin("night-2", 0.1),
        lambda: house.promotion.rollback("night-2"),
        lambda: house.promotion.retire("night-2"),
    ):
        once, states = step(), house.states()
        assert step() == once
        assert house.states() == states


def test_one_canary_at_a_time(house):
    house.promotion.begin("night-2", 0)
    house.promotion.rollback()
    house.promotion.begin("night-1", 0.1)
    for act in (lambda: house.promotion.begin("night-3", 0.1), lambda: house.promotion.promote("night-2")):
        with pytest.raises(AdapterRefused, match="canary night-1 is running"):
            act()


def test_a_candidate_that_is_being_judged_cannot_be_promoted_by_hand(house):
    with pytest.raises(AdapterRefused, match="is being judged"):
        house.promotion.promote("night-1")


def test_the_watch_does_not_bring_back_a_canary_that_was_rolled_back_meanwhile(house):
    house.promotion.begin("night-1", 0.1)
    house.promotion.rollback()
    assert speaks(house.promotion.promote("night-1", only_canary=True)) == (None, None, None)


def test_what_a_night_has_left_behind_is_taken_away_when_it_is_over(house):
    house.promotion.begin("night-1", 0)
    with house.database.writing() as session:
        session.get_one(TrainingRunRow, "run").finished_at = now()
    house.promotion.settle()
    assert house.states() == {"night-1": "live", "night-2": "retired", "night-3": "retired"}
    assert list(house.store.names()) == ["night-1"]


def test_a_rollback_takes_the_canary_first_and_then_the_live_one(house):
    house.promotion.begin("night-1", 0)
    house.promotion.begin("night-2", 0)
    house.promotion.begin("night-3", 0.1)
    assert speaks(house.promotion.rollback()) == ("night-2", None, "night-1")
    assert speaks(house.promotion.rollback()) == ("night-1", None, None)
    assert speaks(house.promotion.rollback()) == (None, None, None)
    assert set(house.states().values()) == {"rolled back"}
    with pytest.raises(AdapterRefused, match="none to roll back"):
        house.promotion.rollback()


def test_what_was_rolled_back_does_not_begin_again_by_itself_but_a_person_may_promote_it(house):
    house.promotion.begin("night-1", 0.1)
    house.promotion.rollback("night-1")
    with pytest.raises(AdapterRefused, match="rolled back"):
        house.promotion.begin("night-1", 0.1)
    assert house.promotion.promote("night-1").live == "night-1"
    assert house.states()["night-1"] == "live"


def test_the_one_before_comes_back_only_if_it_may(house, tmp_path):
    house.promotion.begin("night-1", 0)
    house.promotion.begin("night-2", 0)
    house.taint("night-1")
    assert speaks(house.promotion.rollback()) == (None, None, None)
    house.promotion.promote("night-2")
    house.promotion.begin("night-3", 0)
    (tmp_path / "adapters" / "night-2" / "adapter_config.json").write_text("{}")
    assert speaks(house.promotion.rollback()) == (None, None, None)


def test_a_tainted_adapter_is_neither_begun_nor_promoted(house):
    house.taint("night-1")
    for act in (lambda: house.promotion.begin("night-1", 0), lambda: house.promotion.promote("night-1")):
        with pytest.raises(AdapterRefused, match="tainted: a person was erased"):
            act()


def test_who_retires_is_forgotten_with_all_files(house):
    house.promotion.begin("night-1", 0)
    house.promotion.begin("night-2", 0)
    house.taint("night-1")
    house.taint("night-2")
    assert set(house.promotion.retire_tainted()) == {"night-1", "night-2"}
    assert speaks(house.store.serving()) == (None, None, None)
    assert list(house.store.names()) == ["night-3"]
    assert house.states() == {"night-1": "retired", "night-2": "retired", "night-3": "candidate"}
    assert house.promotion.retire_tainted() == []


def test_who_is_not_known_is_told(house):
    for act in (lambda: house.promotion.begin("ghost", 0.1), lambda: house.promotion.promote("ghost")):
        with pytest.raises(AdapterRefused, match="no adapter ghost"):
            act()
    with pytest.raises(NotFound):
        house.promotion.retire("ghost")


def test_rows_that_a_crash_left_behind_follow_the_pointer(house):
    house.store.point(lambda old: Serving(live="night-1", canary="night-2", canary_share=0.1))
    house.promotion.settle()
    assert house.states() == {"night-1": "live", "night-2": "canary", "night-3": "candidate"}
    house.store.point(lambda old: Serving(live="night-2", previous="night-1"))
    house.promotion.settle()
    assert house.states() == {"night-1": "replaced", "night-2": "live", "night-3": "candidate"}
    house.store.point(lambda old: Serving())
    house.promotion.settle()
    assert house.states() == {"night-1": "replaced", "night-2": "rolled back", "night-3": "candidate"}


def test_a_rollback_works_without_the_database(house):
    house.promotion.begin("night-1", 0)

    class Gone:
        def writing(self):
            raise DatabaseUnavailable("gone")

        reading = writing

    assert Promotion(Gone(), house.store).rollback("night-1").live is None
