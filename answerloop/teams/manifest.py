"""The app package: what Teams is told of us once, when an operator uploads it."""

from __future__ import annotations

import json
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from answerloop import __version__
from answerloop.chat.prompts import PROMPTS

SCHEMA = "https://developer.microsoft.com/json-schemas/teams/v1.22/MicrosoftTeams.schema.json"
DEFAULT_NAME = "Answerloop"
SHORT = "Answers questions from the company's documents."
FULL = (
    "Answers employees' questions from the company's documents, with their sources, and says so when it does not know. "
    "Rate an answer, suggest a better one, or ask a human."
)
SCOPES = ("personal", "team", "groupChat")
COMMANDS = (*((question, title) for title, question in PROMPTS), ("help", "What I know, and how to ask"))
HEAR_EVERYTHING = ("ChannelMessage.Read.Group", "ChatMessage.Read.Chat")
"""Resource-specific permissions: without them Teams passes on only what mentions us."""
ICONS = ("color.png", "outline.png")


def app_manifest(app_id: str, name: str, website: str, *, hear_everything: bool = False) -> dict[str, Any]:
    """`hear_everything` also lets threads go on without a mention, and rooms be answered without one; the owner of each
    team or chat agrees to it."""
    manifest: dict[str, Any] = {
        "$schema": SCHEMA,
        "manifestVersion": "1.22",
        "version": _three_numbers(__version__),
        "id": app_id,
        "developer": {
            "name": name,
            "websiteUrl": website,
            "privacyUrl": website,
            "termsOfUseUrl": website,
        },
        "name": {"short": name, "full": name},
        "description": {"short": SHORT, "full": FULL},
        "icons": {"color": "color.png", "outline": "outline.png"},
        "accentColor": "#1D3557",
        "bots": [
            {
                "botId": app_id,
                "scopes": list(SCOPES),
                "isNotificationOnly": False,
                "supportsFiles": False,
                "supportsCalling": False,
                "supportsVideo": False,
                "commandLists": [
                    {
                        "scopes": list(SCOPES),
                        "commands": [{"title": title, "description": text} for title, text in COMMANDS],
                    }
                ],
            }
        ],
        "composeExtensions": [
            {
                "botId": app_id,
                "commands": [
                    _choice("answerThis", "Answer this", "Answers this message from the company's documents"),
                    _choice("suggestAnswer", "Suggest as better answer", "Makes this reply the better answer"),
                ],
            }
        ],
        "permissions": ["identity", "messageTeamMembers"],
        "validDomains": [],
    }
    if hear_everything:
        wanted = [{"name": permission, "type": "Application"} for permission in HEAR_EVERYTHING]
        manifest["webApplicationInfo"] = {"id": app_id, "resource": f"api://botid-{app_id}"}
        manifest["authorization"] = {"permissions": {"resourceSpecific": wanted}}
    return manifest


def write_package(path: Path, manifest: dict[str, Any]) -> None:
    """A zip with the manifest and both icons. Raises OSError."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False))
        for icon in ICONS:
            package.writestr(icon, (files("answerloop.teams") / "icons" / icon).read_bytes())


def _choice(command: str, title: str, description: str) -> dict[str, Any]:
    """An entry in the menu of a message."""
    return {
        "id": command,
        "type": "action",
        "title": title,
        "description": description,
        "context": ["message"],
        "fetchTask": True,
    }


def _three_numbers(version: str) -> str:
    return ".".join(part if part.isdecimal() else "0" for part in [*version.split("."), "0", "0"][:3])
