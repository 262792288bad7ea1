"""Where somebody is told something that need not stand where they asked."""

import pytest

from answerloop.slack.address import Mode, SlackAddress, to_person


@pytest.mark.parametrize("mode", [Mode.THREAD, Mode.EPHEMERAL])
def test_whoever_asked_in_a_channel_is_told_in_direct_messages(mode):
    asked = SlackAddress("T1", "C1", "U1", mode, thread="1.0", message="1.1", response_url="https://x", language="de")
    told = SlackAddress.parse(to_person(asked.as_json()))
    assert (told.workspace, told.channel, told.user, told.mode) == ("T1", "U1", "U1", Mode.DIRECT)
    assert (told.thread, told.response_url, told.language) == (None, None, "de")


def test_whoever_asked_in_direct_messages_is_told_there():
    asked = SlackAddress("T1", "D1", "U1", Mode.DIRECT, thread="1.0")
    assert to_person(asked.as_json()) == asked.as_json()
