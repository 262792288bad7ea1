"""Secrets come by file, and what is wrong with one is said without its text."""

import pytest

from answerloop.errors import ConfigurationError
from answerloop.secret_files import is_secret
from answerloop.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def secret(tmp_path):
    def write(text, mode=0o600):
        path = tmp_path / "secret"
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    return write


def test_a_secret_is_read_from_its_file_without_the_line_break(monkeypatch, secret):
    monkeypatch.setenv("ANSWERLOOP_WEB_TOKEN_FILE", secret("a-token-of-twenty-chars\n"))
    assert load_settings().web_token.get_secret_value() == "a-token-of-twenty-chars"


def test_a_list_of_secrets_is_read_from_one_file(monkeypatch, secret):
    monkeypatch.setenv("ANSWERLOOP_SECRET_KEYS_FILE", secret("new,old\n"))
    assert [key.get_secret_value() for key in load_settings().secret_keys] == ["new", "old"]


def test_the_file_may_be_named_in_the_env_file(tmp_path, secret):
    (tmp_path / ".env").write_text(f"ANSWERLOOP_WEB_TOKEN_FILE={secret('a-token-of-twenty-chars')}\n")
    assert load_settings().web_token.get_secret_value() == "a-token-of-twenty-chars"


def test_every_secret_setting_may_come_by_file_and_no_other():
    by_file = {name for name, field in Settings.model_fields.items() if is_secret(field)}
    assert {"database_url", "database_password", "broker_url", "broker_password", "web_token"} <= by_file
    assert {"slack_bot_token", "slack_signing_secret", "teams_app_password", "label_studio_token"} <= by_file
    assert not {"host", "directory_file", "rooms_file", "teams_app_id"} & by_file
    assert not {f"{name}_file" for name in by_file} & set(Settings.model_fields)


def test_both_ways_at_once_are_refused(monkeypatch, secret):
    monkeypatch.setenv("ANSWERLOOP_WEB_TOKEN", "one-token-of-twenty")
    monkeypatch.setenv("ANSWERLOOP_WEB_TOKEN_FILE", secret("another-of-twenty"))
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_WEB_TOKEN is set twice"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "mode", "said"), [("", 0o600, "is empty"), ("\n", 0o600, "is empty"), ("hush", 0o604, "chmod o=")]
)
def test_an_unusable_file_is_named_with_its_variable(monkeypatch, secret, text, mode, said):
    path = secret(text, mode)
    monkeypatch.setenv("ANSWERLOOP_BROKER_PASSWORD_FILE", path)
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert said in str(refused.value)
    assert f"ANSWERLOOP_BROKER_PASSWORD_FILE={path}" in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(("name", "said"), [("nothing", "no such file"), (".", "is not a file")])
def test_what_is_no_file_is_refused(monkeypatch, tmp_path, name, said):
    monkeypatch.setenv("ANSWERLOOP_SLACK_BOT_TOKEN_FILE", str(tmp_path / name))
    with pytest.raises(ConfigurationError, match=said):
        load_settings()


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("postgresql+psycopg://us@db:5432/answers", "postgresql+psycopg://us:a%2Fb%40c@db:5432/answers"),
        ("postgresql+psycopg://us:own@db/answers", "postgresql+psycopg://us:own@db/answers"),
        ("sqlite:////var/answers.db", "sqlite:////var/answers.db"),
    ],
)
def test_the_password_of_the_database_is_put_into_its_url(url, whole):
    assert load_settings(database_url=url, database_password="a/b@c").effective_database_url == whole


def test_the_password_of_the_broker_is_put_into_its_url():
    settings = load_settings(broker_url="redis://redis:6379/0", broker_password="a:b")
    assert settings.effective_broker_url == "redis://:a%3Ab@redis:6379/0"


def test_without_a_database_of_ones_own_a_password_changes_nothing(tmp_path):
    assert load_settings(home=tmp_path, database_password="x").effective_database_url.startswith("sqlite:///")
