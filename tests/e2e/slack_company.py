"""The sample company with its Slack: the whole installation, the simulator, and what its people do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from answerloop.db.repositories import answers, arrivals
from answerloop.domain import Stage
from answerloop.testing.installation import CHECKOUT, RunningInstallation
from bot.slack.payload import message_key
from tests.e2e.local_slack import ALICE, BOB, BOT, GENERAL, SECRET, TEAM, LocalSlack
from tests.e2e.office import Office
from tests.e2e.slack_people import CLUB, HELPDESK, RANDOM, furnish

ROOMS = f"rooms:\n  slack:{TEAM}:{RANDOM}: {{respond: off}}\n  slack:{TEAM}:{CLUB}: {{allow: [{BOB}]}}\n"
QUESTIONS_PER_PERSON = 12


@dataclass
class Company:
    office: RunningInstallation
    slack: LocalSlack

    def asked(self, text: str, user: str = ALICE, channel: str = GENERAL) -> str:
        """The ts of a question, by mention or in somebody's direct messages."""
        mention = "" if channel.startswith("D") else f"<@{BOT}> "
        return self.slack.write(f"{mention}{text}", channel, user)

    def answered(self, text: str, user: str = ALICE, channel: str = GENERAL) -> tuple[str, str]:
        """The ts of a question and of its answer."""
        question = self.asked(text, user, channel)
        return question, str(self.slack.answer(question, channel)["ts"])

    def stage_of(self, question: str, channel: str) -> Stage | None:
        with self.office.database.reading() as session:
            known = arrivals.find_by_key(session, (message_key(TEAM, channel, question),))
            view = answers.view(session, known.question_id) if known else None
        return view.stage if view else None

    def frozen(self) -> AbstractContextManager[None]:
        """Nobody answers meanwhile."""
        return Office(self.office).answers_on_hold()


@contextmanager
def running_company(folder: Path) -> Iterator[Company]:
    """As many messages as people want, and reminders after ten seconds."""
    (folder / "rooms.yaml").write_text(ROOMS)
    office = RunningInstallation(
        folder / "state",
        CHECKOUT / "samples" / "handbook",
        generator="reader",
        lease_seconds="30",
        rooms_file=str(folder / "rooms.yaml"),
        questions_per_person=str(QUESTIONS_PER_PERSON),
        reminder_hours="0.003",
        slack="http",
        slack_bot_token="xoxb-test-token",
        slack_signing_secret=SECRET,
        slack_blocks="classic",
        slack_admins=ALICE,
        slack_escalation=BOB,
        slack_escalation_channel=HELPDESK,
        slack_messages_per_second="50",
        slack_updates_per_minute="3000",
    )
    slack = LocalSlack(folder / "slack", office.url)
    furnish(folder / "slack")
    office.environment |= {"ANSWERLOOP_SLACK_API_URL": f"{slack.url}/api/", "ANSWERLOOP_PUBLIC_URL": office.url}
    slack.start()
    try:
        office.start()
        yield Company(office, slack)
        office.stop()
    finally:
        slack.stop()
        office.database.dispose()
