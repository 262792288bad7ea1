"""Settings that would make workers guess are refused by them too, not by the bot alone."""

import pytest

from answerloop.backends.generator_outside import OutsideGenerator
from answerloop.db.repositories import alarms
from answerloop.db.training_tables import TrainingRunRow
from answerloop.domain import Audience
from answerloop.errors import ConfigurationError
from answerloop.settings import Settings
from answerloop.testing.adapter_suite import trained
from answerloop.testing.fakes import FakeGenerator, FakeRedactor
from answerloop.testing.installation import until
from workers.answering.outside import Endpoint
from workers.answering.pipeline import Asked
from workers.evaluation.run import evaluate
from workers.wiring import Workshop

WHOLE = {"teams_app_id": "app", "teams_app_password": "secret", "teams_tenant_id": "tenant"}


@pytest.mark.parametrize("missing", WHOLE)
def test_nobody_is_an_employee_because_a_worker_does_not_know_the_companys_tenant(tmp_path, missing):
    settings = Settings(_env_file=None, home=tmp_path, teams="single_tenant", **{**WHOLE, missing: ""})
    workshop = Workshop(settings, "test")
    with pytest.raises(ConfigurationError, match=f"ANSWERLOOP_{missing.upper()}"):
        _ = workshop.directory
    workshop.database.dispose()


def test_workers_hear_of_a_promotion_and_of_a_rollback_without_a_restart(tmp_path):
    workshop = Workshop(Settings(_env_file=None, home=tmp_path, generator="extractive"), "test")
    workshop.__dict__["language_model"] = FakeGenerator(lambda _: "90 days")
    workshop.database.migrate()
    with workshop.database.writing() as session:
        session.add(TrainingRunRow(id="run"))
    asked = Asked("How long?", (), Audience.of_person("default", {"everyone"}), conversation="c1")
    assert workshop.cast(asked).generator is workshop.generator
    promotion = workshop.promotion
    promotion.take_in("night-1", trained(tmp_path / "out"), run="run", dataset="data", base_model="tiny")
    promotion.begin("night-1", share=0)
    until(lambda: workshop.cast(asked).adapter == "night-1", 5)
    assert workshop.cast(asked).generator is workshop.language_model
    promotion.rollback()
    until(lambda: workshop.cast(asked).generator is workshop.generator, 5)
    workshop.watch_canary()
    workshop.close()


def test_a_language_model_that_is_put_away_is_closed_and_loaded_again_by_who_needs_it(tmp_path):
    workshop = Workshop(Settings(_env_file=None, home=tmp_path, generator="transformers"), "test")
    model = FakeGenerator(lambda _: "90 days")
    closed: list[bool] = []
    model.close = lambda: closed.append(True)
    workshop.__dict__["language_model"] = model
    assert workshop.generator is model
    workshop.put_language_model_away()
    workshop.put_language_model_away()
    assert closed == [True]
    assert not {"language_model", "generator"} & set(workshop.__dict__)
    workshop.database.dispose()


OUTSIDE = {"generator": "openai", "openai_url": "https://models.example/v1", "openai_model": "m"}


def test_a_model_outside_is_reached_through_the_rule_and_the_mask_alone(tmp_path):
    workshop = Workshop(Settings(_env_file=None, home=tmp_path, **OUTSIDE, inside_generator="extractive"), "test")
    workshop.__dict__["redactor"] = FakeRedactor()
    assert isinstance(workshop.endpoint, Endpoint)
    assert isinstance(workshop.endpoint.generator, OutsideGenerator)
    assert workshop.endpoint.door is not None
    assert workshop.generator is workshop.fallback
    asked = Asked("?", (), Audience.of_person("default", {"everyone"}))
    workshop.database.migrate()
    assert workshop.cast(asked).generator is workshop.fallback
    workshop.close()


def test_one_of_the_house_is_asked_as_it_is_and_may_speak_with_adapters(tmp_path):
    inside = {**OUTSIDE, "openai_url": "http://vllm:8000/v1", "openai_leaves_the_house": False}
    workshop = Workshop(Settings(_env_file=None, home=tmp_path / "a", **inside), "test")
    assert workshop.endpoint == Endpoint(workshop.endpoint_model)
    workshop.close()
    adapted = Workshop(Settings(_env_file=None, home=tmp_path / "b", **inside, openai_adapters="vllm"), "test")
    adapted.database.migrate()
    asked = Asked("?", (), Audience.of_person("default", {"everyone"}))
    assert adapted.endpoint is None
    assert adapted.cast(asked).generator is adapted.endpoint_model
    adapted.close()


def test_an_endpoint_that_fails_rings_one_alarm_and_silences_it_when_it_is_well(tmp_path):
    workshop = Workshop(Settings(_env_file=None, home=tmp_path, **OUTSIDE), "test")
    workshop.database.migrate()
    for _ in range(2):
        workshop._endpoint_fails("models.example answers with status 503.")
    with workshop.database.reading() as session:
        [alarm] = alarms.standing(session)
    assert "503" in alarm.text
    workshop._endpoint_is_well()
    with workshop.database.reading() as session:
        assert alarms.standing(session) == []
    workshop.close()


def test_a_question_set_is_never_sent_to_a_model_outside(tmp_path):
    with pytest.raises(ConfigurationError, match="never sent"):
        evaluate(Settings(_env_file=None, home=tmp_path, **OUTSIDE), tmp_path, tmp_path, limit=None, generate=True)
