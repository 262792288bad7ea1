import pytest

from answerloop.db.session import Database
from tests.unit.bot.teams.teams_kit import TeamsKit


@pytest.fixture
def kit(database: Database) -> TeamsKit:
    return TeamsKit(database)
