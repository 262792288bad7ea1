import json

import pytest
from typer.testing import CliRunner

from answerloop.cli import app


def manifest(*options: str):
    return CliRunner().invoke(app, ["slack", "manifest", *options])


def test_the_manifest_is_json_ready_to_be_pasted():
    printed = json.loads(manifest("--url", "https://ask.example.com", "--name", "Ask HR & IT").stdout)
    assert printed["display_information"]["name"] == "Ask HR & IT"
    assert printed["settings"]["event_subscriptions"]["request_url"] == "https://ask.example.com/slack/events"
    assert json.loads(manifest("--socket").stdout)["settings"]["socket_mode_enabled"]


def test_the_public_address_of_the_settings_is_the_default(monkeypatch):
    monkeypatch.setenv("ANSWERLOOP_PUBLIC_URL", "https://set.example.com")
    assert "https://set.example.com/slack/events" in manifest().stdout


def test_what_the_settings_say_of_the_transport_holds_without_an_option(monkeypatch):
    monkeypatch.setenv("ANSWERLOOP_SLACK", "socket")
    assert json.loads(manifest().stdout)["settings"]["socket_mode_enabled"]
    assert not json.loads(manifest("--url", "https://ask.example.com").stdout)["settings"]["socket_mode_enabled"]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--url", "http://ask.example.com"],
        ["--url", "https://"],
        ["--url", "https://ask.example.com/?a=b"],
        ["--socket", "--many"],
        ["--socket", "--name", ""],
        ["--socket", "--name", "a name that is longer than Slack takes"],
    ],
)
def test_what_slack_would_not_take_is_wrong_usage(options):
    result = manifest(*options)
    assert result.exit_code == 2
    assert result.stdout == ""
