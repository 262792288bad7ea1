"""Who is heard: by conversation, by what the pointer says now, and never somebody who has not rehearsed."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from answerloop.domain import BASE_ADAPTER, Audience, Serving
from answerloop.errors import AdapterRefused, GeneratorUnavailable, ModelMissing
from answerloop.testing.fakes import FakeClock, FakeGenerator
from workers.answering.pipeline import Asked
from workers.answering.speakers import RETRY_SECONDS, Cast

EMPLOYEE = Audience.of_person("default", {"everyone", "public"})


class Stage:
    """A cast with its pointer and a model, whose broken adapters are named."""

    def __init__(self) -> None:
        self.serving: Serving | Exception = Serving()
        self.broken: set[str] = set()
        self.may_load = threading.Event()
        self.may_load.set()
        self.clock = FakeClock()
        self.alarms: dict[str, str] = {}
        self.loaded = 0
        self.configured = FakeGenerator(lambda _: "configured")
        self.model = FakeGenerator(self._speak)
        self.second = FakeGenerator(lambda _: "second")
        self.cast = Cast(self.configured, self._load, self._read, self._ring, "default", self.clock, self.second)

    def _ring(self, key: str, kind: str, text: str) -> None:
        self.alarms[key] = text

    def _read(self) -> Serving:
        if isinstance(self.serving, Exception):
            raise self.serving
        return self.serving

    def _load(self) -> FakeGenerator:
        assert self.may_load.wait(10)
        self.loaded += 1
        return self.model

    def _speak(self, request):
        return GeneratorUnavailable("changed") if request.adapter in self.broken else "hello"

    def point(self, **changes) -> None:
        assert isinstance(self.serving, Serving)
        self.serving = replace(self.serving, **changes, number=self.serving.number + 1)
        self.clock.now += 1

    def hears(self, conversation: str = "c1", audience: Audience = EMPLOYEE) -> str:
        speaker = self.cast(Asked("?", (), audience, conversation=conversation))
        if speaker.generator is self.configured:
            assert (speaker.adapter, speaker.second) == (BASE_ADAPTER, None)
            return "configured"
        assert speaker.generator is self.model
        assert speaker.second is self.second
        return speaker.adapter


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_without_an_adapter_the_configured_generator_speaks_and_no_model_is_loaded(stage):
    stage.cast.warm_up()
    assert stage.hears() == "configured"
    assert stage.loaded == 0


def test_a_live_adapter_speaks_after_the_warm_up(stage):
    stage.point(live="night-1")
    stage.cast.warm_up()
    assert stage.hears() == "night-1"
    assert stage.model.preferred == ["night-1"]


def test_nobody_waits_for_the_model(stage):
    stage.may_load.clear()
    stage.point(live="night-1")
    assert stage.hears() == "configured"
    stage.may_load.set()
    stage.cast.warm_up()
    assert stage.hears() == "night-1"
    assert stage.loaded == 1


def test_the_one_before_speaks_while_the_next_one_rehearses(stage):
    stage.point(live="night-1")
    stage.cast.warm_up()
    stage.point(live="night-2", previous="night-1")
    rehearsed, go_on = threading.Event(), threading.Event()
    speak = stage.model._speak

    def slowly(request):
        rehearsed.set()
        assert go_on.wait(10)
        return speak(request)

    stage.model._speak = slowly
    assert stage.hears() == "night-1"
    assert rehearsed.wait(10)
    assert stage.hears() == "night-1"
    go_on.set()
    stage.cast.warm_up()
    assert stage.hears() == "night-2"
    assert stage.model.preferred == ["night-1", "night-2"]


def test_the_pointer_is_read_once_a_second(stage):
    stage.cast.warm_up()
    assert isinstance(stage.serving, Serving)
    stage.serving = replace(stage.serving, live="night-1")
    stage.clock.now += 0.9
    assert stage.hears() == "configured"
    assert stage.loaded == 0
    stage.clock.now += 0.1
    stage.hears()
    stage.cast.warm_up()
    assert stage.hears() == "night-1"


def test_a_canary_is_heard_by_its_share_and_always_by_the_same(stage):
    stage.point(live="night-1", canary="night-2", canary_share=0.3)
    stage.cast.warm_up()
    heard = [stage.hears(f"conversation {n}") for n in range(1000)]
    assert set(heard) == {"night-1", "night-2"}
    assert heard.count("night-2") == pytest.approx(300, abs=60)
    assert heard == [stage.hears(f"conversation {n}") for n in range(1000)]
    assert stage.model.preferred == []


def test_a_canary_of_the_first_adapter_leaves_the_others_the_configured_generator(stage):
    stage.point(canary="night-1", canary_share=0.5)
    stage.cast.warm_up()
    assert {stage.hears(f"conversation {n}") for n in range(100)} == {"night-1", "configured"}


def test_a_question_without_a_conversation_is_no_canarys(stage):
    stage.point(live="night-1", canary="night-2", canary_share=1.0)
    stage.cast.warm_up()
    assert stage.hears("") == "night-1"


def test_a_rollback_is_heard_with_the_next_look(stage):
    stage.point(live="night-2", previous="night-1")
    stage.cast.warm_up()
    assert stage.hears() == "night-2"
    stage.point(live="night-1", previous=None)
    assert stage.hears() != "night-2"  # also where night-1 has still to rehearse
    stage.cast.warm_up()
    assert stage.hears() == "night-1"
    stage.point(live=None)
    assert stage.hears() == "configured"


def test_a_broken_adapter_rings_and_the_configured_generator_speaks(stage):
    stage.broken = {"night-2"}
    stage.point(live="night-1")
    stage.cast.warm_up()
    stage.point(live="night-2", previous="night-1")
    stage.cast.warm_up()
    assert stage.hears() == "configured"
    assert "night-2 cannot speak" in stage.alarms["adapter:night-2"]


def test_a_broken_canary_leaves_its_conversations_to_the_live_one(stage):
    stage.broken = {"night-2"}
    stage.point(live="night-1", canary="night-2", canary_share=1.0)
    stage.cast.warm_up()
    assert stage.hears() == "night-1"
    assert list(stage.alarms) == ["adapter:night-2"]


def test_what_failed_is_tried_again_after_a_while(stage):
    stage.broken = {"night-1"}
    stage.point(live="night-1")
    stage.cast.warm_up()
    stage.broken = set()
    stage.clock.now += 2
    stage.cast.warm_up()
    assert stage.hears() == "configured"
    stage.clock.now += RETRY_SECONDS
    stage.cast.warm_up()
    assert stage.hears() == "night-1"


def test_a_model_that_is_missing_rings_and_costs_no_answer(stage):
    def missing():
        raise ModelMissing("The model is not there.")

    stage.cast._language_model = missing
    stage.point(live="night-1")
    stage.cast.warm_up()
    assert stage.hears() == "configured"
    assert "The model is not there" in stage.alarms["adapter:night-1"]


def test_a_pointer_that_cannot_be_read_changes_nothing_and_rings(stage):
    stage.point(live="night-1")
    stage.cast.warm_up()
    stage.serving = AdapterRefused("no pointer of ours")
    stage.clock.now += 1
    assert stage.hears() == "night-1"
    assert "no pointer of ours" in stage.alarms["adapter:pointer"]


@pytest.mark.parametrize(
    "audience",
    [
        Audience.of_person("default", {"public"}),
        Audience("default", frozenset({frozenset({"everyone", "public"}), frozenset({"public"})})),
        Audience.of_person("another", {"everyone", "public"}),
        Audience("default", frozenset()),
    ],
)
def test_who_may_not_read_what_it_has_learned_from_does_not_hear_an_adapter(stage, audience):
    stage.point(live="night-1")
    stage.cast.warm_up()
    assert stage.hears() == "night-1"
    assert stage.hears(audience=audience) == "configured"
