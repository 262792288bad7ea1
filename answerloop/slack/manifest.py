"""The app manifest: what Slack is told of us once, when an operator creates the app."""

from __future__ import annotations

from typing import Any

from answerloop.chat import prompts

EVENTS_PATH = "/slack/events"
INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"
DEFAULT_NAME = "Answerloop"
DESCRIPTION = "Answers employees' questions from the company's documents, with sources."

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "reactions:read",
    "reactions:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
)
"""The histories are for follow-ups in threads without a mention, for rooms where every question is answered, and to
look for a message whose posting ended in doubt; the e-mail addresses are for the groups of the directory file."""

EVENTS = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
)

PROMPTS = tuple({"title": title, "message": question} for title, question in prompts.PROMPTS)


def app_manifest(name: str, url: str | None, *, many: bool = False) -> dict[str, Any]:
    """Without a URL for Socket Mode, else for signed requests to it. `many` workspaces install us by OAuth, and their
    tokens expire; the token of a single one does not, as nobody would renew it."""
    events_url = f"{url.rstrip('/')}{EVENTS_PATH}" if url else None
    oauth: dict[str, Any] = {"scopes": {"bot": list(SCOPES)}}
    if url and many:
        oauth["redirect_urls"] = [f"{url.rstrip('/')}{REDIRECT_PATH}"]
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {"name": name, "description": DESCRIPTION, "background_color": "#1d3557"},
        "features": _features(name, events_url),
        "oauth_config": oauth,
        "settings": {
            "event_subscriptions": {**_at("request_url", events_url), "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **_at("request_url", events_url)},
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": many,
        },
    }


def _features(name: str, events_url: str | None) -> dict[str, Any]:
    return {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
        "agent_view": {"agent_description": DESCRIPTION, "suggested_prompts": list(PROMPTS)},
        "bot_user": {"display_name": name, "always_online": True},
        "shortcuts": [
            {
                "name": "Answer this",
                "type": "message",
                "callback_id": "answer_message",
                "description": "Answers this message from the company's documents",
            },
            {
                "name": "Suggest as better answer",
                "type": "message",
                "callback_id": "suggest_answer",
                "description": "Offers this reply as the better answer to the question above it",
            },
        ],
        "slash_commands": [
            {
                "command": "/ask",
                "description": "Ask the company's documents; only you see the answer",
                "usage_hint": "[question]",
                "should_escape": True,
                **_at("url", events_url),
            }
        ],
    }


def _at(key: str, url: str | None) -> dict[str, str]:
    return {key: url} if url else {}
