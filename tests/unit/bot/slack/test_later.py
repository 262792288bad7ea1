"""What may be lost is shown after the acknowledgement, and takes nothing with it when it fails."""

import threading

import pytest
from slack_sdk.errors import SlackApiError

from answerloop.errors import DirectoryUnavailable
from answerloop.testing.installation import until
from bot.slack.later import THREADS, Later


@pytest.fixture
def later():
    later = Later()
    yield later
    later.close()


def raising(error: Exception):
    def show():
        raise error

    return show


def test_nobody_waits_for_what_is_shown_later(later):
    go = threading.Event()
    later(lambda: go.wait(5))
    assert not go.is_set()
    go.set()


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (SlackApiError("refused", {"error": "expired_trigger_id"}), "WARNING"),
        (DirectoryUnavailable("who knows"), "WARNING"),
        (ConnectionResetError("reset"), "WARNING"),
        (ValueError("a fault of ours"), "ERROR"),
    ],
)
def test_what_fails_is_said_and_the_next_one_is_shown(later, error, level, caplog):
    shown = []
    later(raising(error))
    for _ in range(2 * THREADS):
        later(lambda: shown.append(1))
    until(lambda: len(shown) == 2 * THREADS and caplog.records, 5)
    assert [(record.levelname, record.message) for record in caplog.records] == [(level, "not shown in Slack")]


def test_what_comes_after_the_end_is_lost_without_a_word():
    later = Later()
    later.close()
    later(lambda: pytest.fail("shown"))
