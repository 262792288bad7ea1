from slack_bolt import App

from answerloop.testing.installation import until
from bot.slack.socket import Connection
from tests.slack_stub import slack_stub


def test_a_slack_that_takes_no_connection_is_asked_again_and_stops_nobody(caplog):
    bolt = App(token="xoxb-1", token_verification_enabled=False, request_verification_enabled=False)
    with slack_stub() as slack:
        slack.replies["apps.connections.open"] = {"ok": False, "error": "invalid_auth"}
        connection = Connection(bolt, "xapp-1", slack.url, first_wait_seconds=0.01)
        until(lambda: slack.times("apps.connections.open") >= 2, 10)
        connection.close()
        until(lambda: "invalid_auth" in {getattr(record, "error", "") for record in caplog.records}, 10)
    assert slack.calls[0][1]["token"] == "xapp-1"
