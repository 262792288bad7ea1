"""What docs/channels.md says of each channel, and what the code of each can do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from answerloop.chat.wording import Wording
from answerloop.domain import (
    HomeFacts,
)
from answerloop.settings import Settings
from answerloop.slack.manifest import EVENTS
from answerloop.slack.manifest import app_manifest as slack_manifest
from answerloop.teams.manifest import app_manifest as teams_manifest
from bot.slack import views
from tests.unit.answerloop.slack import messages as slack_messages
from tests.unit.answerloop.slack.messages import NOW
from tests.unit.answerloop.teams import messages as teams_messages

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "channels.md").read_text()
CHANNELS = ("slack", "teams", "web")
ENTRANCES = {"FeedbackBox", "AnswerActions", "Intake", "Hearing", "Rooms", "Home"}
SAID = {"said", "words", "SAID"}
"""What a `Wording` is called where one is used."""
SHARED = {"slack": ["bot/hearing.py"], "teams": ["bot/hearing.py"], "web": []}
"""What stands between them and the entrances, for those who go through it."""


# --- the page


@dataclass(frozen=True)
class Row:
    what: str
    says: Mapping[str, str]
    items: tuple[str, ...]


def rows() -> list[Row]:
    found = []
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 5 and cells[0] != "what":
            what, slack, teams, web, code = cells
            says = {"slack": slack, "teams": teams, "web": web}
            found.append(Row(what, says, tuple(re.findall(r"`([^`]+)`", code))))
    return found


ROWS = rows()


# --- the code


def trees(channel: str) -> Iterator[ast.Module]:
    for file in [*sorted((ROOT / "bot" / channel).glob("*.py")), *(ROOT / name for name in SHARED[channel])]:
        yield ast.parse(file.read_text())


def calls(channel: str) -> set[str]:
    """`Class.method` of the entrances that the channel's code uses, by what its constructors are given."""
    found: set[str] = set()
    for each in (each for tree in trees(channel) for each in ast.walk(tree) if isinstance(each, ast.ClassDef)):
        given: dict[str, str] = {}
        for function in (part for part in each.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"):
            types = {arg.arg: ast.unparse(arg.annotation) for arg in function.args.args if arg.annotation}
            for assigned in (part for part in ast.walk(function) if isinstance(part, ast.Assign)):
                given |= {name: types.get(value, "") for name, value in _assigned(assigned)}
        for part in ast.walk(each):
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Attribute):
                owner = given.get(part.value.attr, "")
                if owner in ENTRANCES:
                    found.add(f"{owner}.{part.attr}")
    return found


def _assigned(node: ast.Assign) -> Iterator[tuple[str, str]]:
    """Pairs of `self._name` and the plain name that it is given."""
    target = node.targets[0]
    pairs = zip(target.elts, node.value.elts) if isinstance(target, ast.Tuple) else [(target, node.value)]  # noqa: B905
    for to, value in pairs:
        if isinstance(to, ast.Attribute) and isinstance(value, ast.Name):
            yield to.attr, value.id


def wordings(channel: str) -> set[str]:
    keys = {field.name for field in fields(Wording)}
    files = [*(ROOT / "answerloop" / channel).glob("*.py"), *(ROOT / "bot" / channel).glob("*.py")]
    used = {
        node.attr
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in SAID
    }
    return {f"Wording.{key}" for key in keys & used}


def things(found: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(found, Mapping):
        yield found
        for value in found.values():
            yield from things(value)
    elif isinstance(found, list):
        for value in found:
            yield from things(value)


def progress(channel: str) -> set[str]:
    tree = ast.parse((ROOT / "answerloop" / channel / "progress.py").read_text())
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef) and each.name.startswith("render")}


def slack_own() -> set[str]:
    manifest = slack_manifest("bot", "https://ask.example.com")
    home = views.home(HomeFacts(1, NOW, ()), NOW, admin=True)
    shown = [*(rendered.blocks for rendered in slack_messages.every_message().values()), home]
    buttons = {str(thing["action_id"]) for each in shown for thing in things(each) if "action_id" in thing}
    features = manifest["features"]
    shortcuts = {each["callback_id"] for each in features["shortcuts"]}
    commands = {each["command"] for each in features["slash_commands"]}
    named = {name for name in Settings.model_fields if name.startswith("slack")}
    commands |= {"suggested_prompts"} if features["agent_view"]["suggested_prompts"] else set()
    return {f"slack:{each}" for each in {*EVENTS, *buttons, *shortcuts, *commands, *named, *progress("slack")}}


def teams_own() -> set[str]:
    verbs = {
        str(thing.get("verb") or thing["data"]["msteams"]["type"])
        for message in teams_messages.every_message().values()
        for thing in things(message["attachments"])
        if "verb" in thing or "msteams" in thing.get("data", {})
    }
    app = ast.parse((ROOT / "bot" / "teams" / "app.py").read_text())
    cases = {
        node.value.value for node in ast.walk(app)
        if isinstance(node, ast.MatchValue) and isinstance(node.value, ast.Constant)
    }  # fmt: skip
    commands = {each["id"] for each in teams_manifest("id", "bot", "https://x")["composeExtensions"][0]["commands"]}
    named = {name for name in Settings.model_fields if name.startswith("teams")}
    return {f"teams:{each}" for each in {*verbs, *cases, *commands, *named, *progress("teams")}}


def web_own() -> set[str]:
    api = (ROOT / "bot" / "web" / "chat.py").read_text()
    named = {name for name in Settings.model_fields if name in ("identity_header", "trusted_proxies", "web_token")}
    page = {"examples"} if 'id="examples"' in (ROOT / "bot/web/static/index.html").read_text() else set()
    return {f"web:{each}" for each in {*re.findall(r'add\("([^"]+)"', api), *named, *page}}


OWN = {
    "slack": calls("slack") | wordings("slack") | slack_own(),
    "teams": calls("teams") | wordings("teams") | teams_own(),
    "web": calls("web") | web_own(),
}
