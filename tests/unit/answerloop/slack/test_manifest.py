import pytest

from answerloop.slack.manifest import app_manifest

NEEDED_BY_EVENT = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}
HTTP = app_manifest("askbot", "https://ask.example.com/")
SOCKET = app_manifest("askbot", None)


def test_over_http_every_request_comes_to_the_one_signed_door():
    events = "https://ask.example.com/slack/events"
    assert HTTP["settings"]["event_subscriptions"]["request_url"] == events
    assert HTTP["settings"]["interactivity"] == {"is_enabled": True, "request_url": events}
    assert [command["url"] for command in HTTP["features"]["slash_commands"]] == [events]
    assert not HTTP["settings"]["socket_mode_enabled"]


def test_in_socket_mode_there_is_no_address_at_all():
    assert SOCKET["settings"]["socket_mode_enabled"]
    assert "https:" not in str(SOCKET)


@pytest.mark.parametrize("manifest", [HTTP, SOCKET])
def test_every_event_has_the_scope_it_needs(manifest):
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    subscribed = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert {NEEDED_BY_EVENT[event] for event in subscribed if event in NEEDED_BY_EVENT} <= scopes
    assert {"users:read.email", "usergroups:read", "assistant:write", "commands", "chat:write"} <= scopes


def test_it_keeps_to_slacks_limits():
    features = HTTP["features"]
    assert len(HTTP["display_information"]["description"]) <= 140
    assert len(features["agent_view"]["agent_description"]) <= 300
    assert len(features["agent_view"]["suggested_prompts"]) <= 4
    assert {shortcut["callback_id"] for shortcut in features["shortcuts"]} == {"answer_message", "suggest_answer"}
    assert all(
        len(shortcut["name"]) <= 24 and len(shortcut["description"]) <= 150 for shortcut in features["shortcuts"]
    )


def test_only_the_tokens_of_many_workspaces_expire_as_only_those_are_renewed():
    many = app_manifest("askbot", "https://ask.example.com", many=True)
    assert many["settings"]["token_rotation_enabled"]
    assert many["oauth_config"]["redirect_urls"] == ["https://ask.example.com/slack/oauth_redirect"]
    assert not HTTP["settings"]["token_rotation_enabled"]
    assert "redirect_urls" not in HTTP["oauth_config"]
