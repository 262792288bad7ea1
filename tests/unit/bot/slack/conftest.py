from collections.abc import Iterator

import pytest

from answerloop.db.session import Database
from tests.unit.bot.slack.slack_kit import SlackKit


@pytest.fixture
def kit(database: Database) -> Iterator[SlackKit]:
    kit = SlackKit(database)
    yield kit
    kit.app.later.close()
