"""What lets us into Label Studio, and what it sees of us."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from answerloop.errors import ConfigurationError
from answerloop.label_studio import LabelStudioFolder, access, mode, own_secrets, server_environment
from answerloop.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(_env_file=None, home=tmp_path)


@pytest.fixture
def folder(settings) -> LabelStudioFolder:
    return LabelStudioFolder(settings.state.label_studio)


def test_secrets_are_made_once_and_are_their_owners_alone(folder):
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: own_secrets(folder), range(16)))
    assert len(made) == 1
    (secrets,) = made
    assert len({secrets.password, secrets.token, secrets.hint_secret}) == 3
    assert len(secrets.token) == 40
    assert stat.S_IMODE(folder.secrets.stat().st_mode) == 0o600
    assert [path.name for path in folder.root.iterdir()] == ["secrets.json"]


def test_there_is_nothing_to_enter_before_the_server_is_up(settings, folder):
    assert access(settings) is None
    own_secrets(folder)
    folder.url.write_text("http://127.0.0.1:8080")
    found = access(settings)
    assert found is not None
    assert (found.url, found.token) == ("http://127.0.0.1:8080", own_secrets(folder).token)


def test_an_operators_own_server_comes_with_its_own_token(tmp_path):
    settings = load_settings(
        _env_file=None, home=tmp_path, label_studio_url="https://ls.example/", label_studio_token="theirs"
    )
    found = access(settings)
    assert found is not None
    assert (found.url, found.token) == ("https://ls.example", "theirs")
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_LABEL_STUDIO_TOKEN"):
        load_settings(_env_file=None, home=tmp_path, label_studio_url="https://ls.example/")


def test_where_it_cannot_be_installed_people_judge_on_the_page(settings, folder):
    assert mode(settings) == "label-studio"
    folder.root.mkdir(parents=True)
    folder.impossible.write_text("no network")
    assert mode(settings) == "page"
    assert mode(settings.model_copy(update={"label_studio_url": "https://ls.example"})) == "label-studio"
    assert mode(settings.model_copy(update={"review": "off"})) == "off"


def test_the_server_sees_nothing_of_our_environment(folder, monkeypatch):
    for name in ("HOST", "USERNAME", "DEBUG", "DATABASE_NAME", "ANSWERLOOP_WEB_TOKEN", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "leaked")
    seen = server_environment(folder.data, own_secrets(folder))
    assert "leaked" not in seen.values()
    assert {name for name in seen if not name.startswith("LABEL_STUDIO_")} == {"PATH", "HOME", "LANG"}
    assert seen["LABEL_STUDIO_COLLECT_ANALYTICS"] == "false"
    assert seen["LABEL_STUDIO_SENTRY_DSN"] == seen["LABEL_STUDIO_FRONTEND_SENTRY_DSN"] == ""
    assert seen["LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK"] == "true"
