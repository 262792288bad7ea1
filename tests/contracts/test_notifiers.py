"""What those who run us are told arrives in their room once, where everybody there reads it."""

from collections.abc import Iterator

import pytest

from answerloop.backends.notifier_chat import ChatNotifier
from answerloop.backends.notifier_log import LogNotifier
from answerloop.db.repositories import places
from answerloop.ports import Notifier
from answerloop.testing.slack_server import SlackServer
from answerloop.testing.slack_workspace import TEAM
from answerloop.testing.teams_server import TeamsServer
from answerloop.testing.teams_tenant import BOT, TENANT
from tests.contracts.slack_kit import CHANNEL, Slack
from tests.contracts.teams_kit import GROUP, Teams
from tests.unit.workers.answering.desk_kit import Scene

TEXT = "Twelve questions about parking had no answer."


@pytest.fixture
def slack() -> Iterator[Slack]:
    with SlackServer() as server:
        yield Slack(server)


@pytest.fixture
def teams() -> Iterator[Teams]:
    with TeamsServer() as server:
        teams = Teams(server)
        teams.watched = GROUP
        yield teams
        teams.close()


def test_in_a_channel_of_slack(database, slack):
    stage = Scene(database, slack.delivery(), slack.address())
    notifier: Notifier = ChatNotifier(database, stage.queue, f"slack:{TEAM}:{CHANNEL}")
    notifier.report("week 7", TEXT)
    notifier.report("week 7", TEXT)
    stage.run_jobs()
    [seen] = slack.seen()
    assert TEXT in seen


def test_in_a_room_of_teams_to_which_we_were_added(database, teams):
    stage = Scene(database, teams.delivery(), teams.address())
    notifier: Notifier = ChatNotifier(database, stage.queue, f"teams:{TENANT}:{GROUP}")
    notifier.report("week 6", "before anybody has added us")
    with database.writing() as session:
        reached = {"service_url": teams.server.url, "conversation": GROUP, "kind": "groupChat", "bot": BOT}
        places.put(session, f"teams:{TENANT}:{GROUP}", "teams", "Operations", reached)
    notifier.report("week 7", TEXT)
    notifier.report("week 7", TEXT)
    stage.run_jobs()
    [seen] = teams.seen()
    assert TEXT in seen


def test_without_a_room_the_log_names_it_and_no_more(caplog):
    caplog.set_level("INFO")
    notifier: Notifier = LogNotifier()
    notifier.report("week 7", TEXT)
    [record] = caplog.records
    assert record.report == "week 7"
    assert TEXT not in caplog.text
