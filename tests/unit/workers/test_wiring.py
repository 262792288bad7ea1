"""Settings that would make workers guess are refused by them too, not by the bot alone."""

import pytest

from answerloop.db.training_tables import TrainingRunRow
from answerloop.domain import Audience
from answerloop.errors import ConfigurationError
from answerloop.settings import Settings
from answerloop.testing.adapter_suite import trained
from answerloop.testing.fakes import FakeGenerator
from answerloop.testing.installation import until
from workers.answering.pipeline import Asked
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
