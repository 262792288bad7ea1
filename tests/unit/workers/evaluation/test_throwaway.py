"""What is measured touches nothing that serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.errors import ConfigurationError
from answerloop.settings import Settings
from answerloop.testing.fakes import FakeEmbedder
from workers.evaluation.throwaway import MEASURED, OWN_ENDPOINT, closed
from workers.wiring import Workshop

REACHED = {
    "home": Path("/srv/answerloop"),
    "database_url": "postgresql://answerloop@db/answerloop",
    "database_password": "secret",
    "broker_url": "redis://broker",
    "broker_password": "secret",
    "weaviate_url": "http://weaviate:8080",
    "weaviate_api_key": "secret",
    "slack": "http",
    "slack_bot_token": "xoxb-1",
    "slack_signing_secret": "secret",
    "teams": "single_tenant",
    "teams_app_password": "secret",
    "teams_graph_url": "https://graph.microsoft.com/v1.0/",
    "label_studio_url": "http://label-studio:8080",
    "label_studio_token": "secret",
    "label_studio_hint_url": "https://review.example/webhooks/label-studio",
    "reports_room": "slack:T01:C02",
    "secret_keys": "key",
    "directory_file": Path("/etc/answerloop/people.yaml"),
    "rooms_file": Path("/etc/answerloop/rooms.yaml"),
    "first_documents": Path("/srv/handbook"),
    "alive_file": Path("/run/alive"),
    "metrics_port": 9100,
}
ENDPOINT = {"generator": "openai", "openai_url": "https://models.example/v1", "openai_model": "m"}
UNSET_BEFORE_IT_IS_MEASURED = (
    {"home", "models_folder", "database_url", "database_password", "broker_url", "broker_password"}
    | {"host", "port", "dev_user", "identity_header", "trusted_proxies", "web_token", "allowed_hosts"}
    | {"directory_file", "public_url", "questions_per_person", "feedback_per_person", "reminder_hours"}
    | {"rooms_file", "secret_keys", "first_documents", "sync_interval_seconds", "outside_groups"}
    | {"four_eyes_topics", "curated_days", "retire_tainted", "canary_share", "canary_answers", "canary_days"}
    | {"review", "review_budget", "review_overlap", "reviewers_group", "retention_days", "review_port"}
    | {"label_studio_url", "label_studio_token", "label_studio_port", "label_studio_hint_url"}
    | {"nightly", "night_at", "night_hours", "time_zone"}
    | {"operators_group", "reports_room", "human_minutes", "human_answer_hours", "cost_per_hour"}
    | {"metrics_port", "alive_file"}
)


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


def plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def test_nothing_outside_of_its_folder_is_reached(tmp_path):
    """Nor said: not one word of it is left in the settings."""
    made = closed(settings(**REACHED, chunk_tokens=100), tmp_path)
    left = {name: value for name, value in REACHED.items() if plain(getattr(made, name)) == value}
    assert left == {}
    assert "secret" not in " ".join(str(plain(getattr(made, name))) for name in REACHED)
    assert made.home == tmp_path
    assert (made.review, made.nightly, made.slack, made.teams) == ("off", False, "off", "off")
    assert made.effective_database_url == f"sqlite:///{made.state.database}"
    with pytest.raises(ConfigurationError, match="No broker"):
        _ = made.effective_broker_url
    assert (made.chunk_tokens, made.models_folder) == (100, Path("/srv/answerloop/models"))


def test_the_index_is_an_embedded_one_of_its_own(tmp_path):
    workshop = Workshop(closed(settings(weaviate_url="http://weaviate:8080"), tmp_path), "test")
    workshop.__dict__["embedder"] = FakeEmbedder()
    assert isinstance(workshop.index, LanceDocumentIndex)
    assert (tmp_path / "index").is_dir()
    workshop.close()


def test_a_model_outside_of_the_house_is_never_asked_and_one_inside_is_what_is_measured(tmp_path):
    outside = closed(settings(**ENDPOINT, openai_api_key="secret", inside_generator="extractive"), tmp_path)
    assert (outside.generator, outside.openai_url, outside.leaves_the_house) == ("extractive", "", False)
    assert outside.openai_api_key.get_secret_value() == ""
    own = {**ENDPOINT, "openai_url": "http://vllm:8000/v1", "openai_leaves_the_house": False}
    inside = closed(settings(**own), tmp_path)
    assert (inside.generator, inside.openai_url) == ("openai", "http://vllm:8000/v1")


def test_of_every_setting_it_was_decided_whether_a_measurement_takes_it_over():
    chats = {name for name in Settings.model_fields if name.startswith(("slack", "teams", "weaviate", "sample"))}
    assert MEASURED | OWN_ENDPOINT | UNSET_BEFORE_IT_IS_MEASURED | chats == Settings.model_fields.keys()
    assert not MEASURED & (UNSET_BEFORE_IT_IS_MEASURED | chats)
