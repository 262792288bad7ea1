"""What each message looks like, element by element. After a change that is meant, write them anew with
ANSWERLOOP_WRITE_SNAPSHOTS=1 and look at the difference."""

import json
import os
from pathlib import Path

import pytest

from answerloop.teams.card import problems
from answerloop.testing.adaptive_card import flaws
from tests.unit.answerloop.teams.messages import Message, every_message

SNAPSHOTS = Path(__file__).with_name("snapshots.json")
MESSAGES = every_message()


def parts(message: Message) -> list[object]:
    """The summary, what Teams is to know, what the card is besides its body, and each element."""
    [card] = [attached["content"] for attached in message["attachments"]]
    around = {name: value for name, value in card.items() if name not in ("type", "$schema", "version", "body")}
    return [message["summary"], *message["entities"], *([around] if around else []), *card["body"]]


def written() -> str:
    """JSON with a line for each part."""
    looks = []
    for name, message in MESSAGES.items():
        lines = [json.dumps(part, ensure_ascii=False) for part in parts(message)]
        looks.append(f"{json.dumps(name)}: [\n  " + ",\n  ".join(lines) + "\n]")
    return "{\n" + ",\n".join(looks) + "\n}\n"


def test_every_message_looks_as_it_did():
    if os.environ.get("ANSWERLOOP_WRITE_SNAPSHOTS"):
        SNAPSHOTS.write_text(written())
    assert json.loads(written()) == json.loads(SNAPSHOTS.read_text())


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_keeps_to_the_limits_and_the_schema(name):
    assert problems(MESSAGES[name]) == []
    assert flaws(MESSAGES[name]) == []


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_is_one_card_of_the_version_that_teams_shows(name):
    message = MESSAGES[name]
    assert message["type"] == "message"
    assert "text" not in message
    [attached] = message["attachments"]
    assert attached["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attached["content"]["version"] == "1.5"
