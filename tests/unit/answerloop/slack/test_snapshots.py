"""What each message looks like, block by block. After a change that is meant, write them anew with
ANSWERLOOP_WRITE_SNAPSHOTS=1 and look at the difference."""

import json
import os
from pathlib import Path

import pytest
from slack_sdk.models.blocks import Block

from answerloop.slack.mrkdwn import JOINER
from answerloop.slack.rendered import problems
from tests.unit.answerloop.slack.messages import every_message

SNAPSHOTS = Path(__file__).with_name("snapshots.json")
MESSAGES = every_message()


def written() -> str:
    """JSON with a line for each text and each block, and joiners that can be seen."""
    looks = []
    for name, message in MESSAGES.items():
        parts = [json.dumps(part, ensure_ascii=False) for part in (message.text, *message.blocks)]
        looks.append(f"{json.dumps(name)}: [\n  " + ",\n  ".join(parts) + "\n]")
    return ("{\n" + ",\n".join(looks) + "\n}\n").replace(JOINER, "\\u2060")


def test_every_message_looks_as_it_did():
    if os.environ.get("ANSWERLOOP_WRITE_SNAPSHOTS"):
        SNAPSHOTS.write_text(written())
    assert json.loads(written()) == json.loads(SNAPSHOTS.read_text())


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_keeps_to_the_limits(name):
    assert problems(MESSAGES[name]) == []


@pytest.mark.parametrize("name", MESSAGES)
def test_the_vendor_knows_every_block_and_all_that_is_in_it(name):
    for block in MESSAGES[name].blocks:
        parsed = Block.parse(block)
        assert parsed is not None
        assert parsed.to_dict() == block  # validates, and drops what it does not know
