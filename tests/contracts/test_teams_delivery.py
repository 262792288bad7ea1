"""Delivery to Teams, against a small connector that fails when it is told to."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from answerloop.backends.chat_teams import TeamsDelivery
from answerloop.backends.teams_api import Gone
from answerloop.domain import Escalation, Notice, NoticeKind, Progress, Stage
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DeliveryUncertain
from answerloop.teams.address import Kind
from answerloop.testing.chat_suites import ANSWER, CALL, CORRECTED, READING, WAITING, UnsearchableChatSuite
from answerloop.testing.fake_chat import FakeRateLimiter
from answerloop.testing.teams_server import BLOCKED, LOST, Fault, TeamsServer, too_many
from answerloop.testing.teams_tenant import TENANT
from tests.contracts.teams_kit import DANA, FINN, GROUP, PERSONAL, THREAD, Teams

HANG = Fault(seconds=5.0)
PERSON = {"dana": f"teams:{TENANT}:{DANA}", "finn": f"teams:{TENANT}:{FINN}"}


@pytest.fixture
def teams() -> Iterator[Teams]:
    with TeamsServer() as server:
        teams = Teams(server)
        yield teams
        teams.close()


@pytest.fixture
def chat(teams: Teams) -> TeamsDelivery:
    return teams.delivery()


class TeamsSuite(UnsearchableChatSuite):
    conversation, kind = THREAD, Kind.CHANNEL

    @pytest.fixture
    def platform(self, teams: Teams) -> Teams:
        teams.watched = self.conversation
        return teams

    @pytest.fixture
    def address(self, teams: Teams) -> dict[str, object]:
        return teams.address(self.conversation, self.kind)


class TestTeamsChannel(TeamsSuite):
    """In a thread."""


class TestTeamsGroup(TeamsSuite):
    conversation, kind = GROUP, Kind.GROUP


class TestTeamsPersonal(TeamsSuite):
    conversation, kind = PERSONAL, Kind.PERSONAL


class TestTeamsPrivate(TeamsSuite):
    """Asked in the channel, for the asker's eyes."""

    conversation = PERSONAL

    @pytest.fixture
    def address(self, teams: Teams) -> dict[str, object]:
        return teams.address(private=True)

    def test_a_notice_twice_is_one(self, chat, address, platform):
        """A call for help is private no more than the answer that it is about."""
        chat.notify(address, chat.notify(address, None, CALL), CALL)
        assert platform.seen(THREAD) == []
        assert len(platform.seen()) == 1


# --- what is shown


def test_every_call_carries_our_token_and_says_who_speaks_where(teams, chat):
    chat.deliver(teams.address(), chat.open(teams.address(), WAITING), ANSWER)
    assert [call.what for call in teams.server.calls] == ["typing", "post", "put"]
    assert {call.token for call in teams.server.calls} == {"token"}
    for said in (*teams.server.called("post"), *teams.server.called("put")):
        assert said["conversation"] == {"id": THREAD}
        assert said["from"]["id"].startswith("28:")
        assert said["summary"]


def test_an_answer_is_marked_as_made_by_a_machine_and_with_its_sensitivity(teams, chat):
    chat.deliver(teams.address(), None, replace(ANSWER, sensitivity="Confidential"))
    [message] = teams.tenant.conversations[THREAD].messages
    [entity] = message["entities"]
    assert entity["additionalType"] == ["AIGeneratedContent"]
    assert entity["usageInfo"]["name"] == "Confidential"


def test_a_private_answer_goes_to_the_asker_alone_and_repeats_the_question(teams, chat):
    address = teams.address(private=True)
    asked = replace(ANSWER, question="How long is leave?")
    chat.deliver(address, chat.open(address, WAITING), asked)
    [seen] = teams.seen(PERSONAL)
    assert "How long is leave?" in seen
    assert teams.seen(THREAD) == []


def test_a_personal_chat_is_opened_once_for_many_messages(teams, chat):
    address = teams.address(private=True)
    there = chat.open(address, WAITING)
    chat.show(address, there, READING)
    chat.deliver(address, there, ANSWER)
    assert teams.server.called("open") == [
        {
            "bot": {"id": "28:00000000-0000-0000-0000-0000000000b1"},
            "members": [{"id": "29:dana"}],
            "isGroup": False,
            "tenantId": TENANT,
            "channelData": {"tenant": {"id": TENANT}},
        }
    ]


def test_somebody_whom_teams_never_named_cannot_be_reached(teams, chat):
    with pytest.raises(DeliveryImpossible, match="how to reach"):
        chat.deliver(teams.address("", Kind.PERSONAL, account=""), None, ANSWER)
    assert teams.server.calls == []


@pytest.mark.parametrize("kind", [NoticeKind.HINT, NoticeKind.REMINDER, NoticeKind.SUGGESTION, NoticeKind.THANKS])
def test_a_notice_is_for_its_reader_alone(teams, chat, kind):
    notice = Notice("n1", kind, "Ask me directly.", question="How long?", answer_id="a1")
    chat.notify(teams.address(), chat.notify(teams.address(), None, notice), notice)
    assert len(teams.seen(PERSONAL)) == 1
    assert teams.seen(THREAD) == []


def test_a_call_for_help_tags_people_until_somebody_takes_care(teams, chat):
    call = replace(CALL, people=(PERSON["finn"],), answer_id="a1", escalation=Escalation(PERSON["dana"]))
    there = chat.notify(teams.address(), None, call)
    [message] = teams.tenant.conversations[THREAD].messages
    [mentioned] = message["attachments"][0]["content"]["msteams"]["entities"]
    assert mentioned == {
        "type": "mention",
        "text": "<at>Finn Maertens</at>",
        "mentioned": {"id": FINN, "name": "Finn Maertens"},
    }
    assert mentioned["text"] in teams.seen()[0]
    chat.notify(teams.address(), there, replace(call, escalation=Escalation(PERSON["dana"], PERSON["finn"])))
    assert "Taken care of by Finn Maertens" in teams.seen()[0]


def test_where_messages_cannot_be_deleted_nothing_of_it_is_left(teams, chat):
    teams.tenant.deletes = False
    there = chat.deliver(teams.address(), None, ANSWER)
    for _ in range(2):
        chat.withdraw(teams.address(), there)
    assert teams.seen() == ["This was taken back."]
    assert teams.tenant.conversations[THREAD].messages[0]["entities"] == []


# --- what goes wrong


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (LOST, DeliveryUncertain),
        (Fault(500), DeliveryUncertain),
        (Fault(502), DeliveryUncertain),
        (Fault(504), DeliveryUncertain),
        (Fault(412), DeliveryUnavailable),
        (Fault(429), DeliveryUnavailable),
        (Fault(503), DeliveryUnavailable),
        (BLOCKED, DeliveryImpossible),
        (Fault(400), DeliveryImpossible),
        (Fault(401), DeliveryUnavailable),
        (Fault(404), DeliveryImpossible),
        (Fault(302), DeliveryImpossible),
    ],
)
@pytest.mark.parametrize("what", ["post", "put", "open"])
def test_each_fault_is_what_it_means_for_a_second_try(teams, chat, what, fault, error):
    teams.server.fails(what, fault)
    with pytest.raises(error) as raised:
        chat.deliver(teams.address(private=True), None, ANSWER)
    assert isinstance(raised.value, DeliveryUncertain) is (error is DeliveryUncertain)
    assert isinstance(raised.value, DeliveryImpossible) is (error is DeliveryImpossible)


def test_a_server_that_is_not_there_has_shown_nothing(teams, chat):
    with TeamsServer() as server:
        url = server.url
    with pytest.raises(DeliveryUnavailable) as raised:
        chat.deliver(teams.address(service_url=url), None, ANSWER)
    assert not isinstance(raised.value, DeliveryUncertain)


@pytest.mark.parametrize("there", [True, False])
def test_a_server_that_hangs_is_left_in_time(teams, there):
    message_id = teams.delivery().deliver(teams.address(), None, ANSWER) if there else None
    impatient = teams.delivery(api=teams.api(reply_seconds=0.2))
    teams.server.fails("put" if there else "post", HANG)
    begun = time.monotonic()
    with pytest.raises(DeliveryUncertain):
        impatient.deliver(teams.address(), message_id, CORRECTED)
    assert time.monotonic() - begun < 2


def test_a_reply_that_names_no_message_is_in_doubt(teams, chat, monkeypatch):
    monkeypatch.setattr(teams.tenant, "post", lambda conversation, activity: {})
    with pytest.raises(DeliveryUncertain):
        chat.open(teams.address(), WAITING)


@pytest.mark.parametrize("retry_after", [30, None])
@pytest.mark.parametrize("what", ["post", "put", "delete", "typing"])
def test_what_teams_says_about_waiting_holds_for_every_worker_and_every_call(teams, what, retry_after):
    limiter = FakeRateLimiter()
    one, other = teams.delivery(limiter), teams.delivery(limiter)
    there = one.deliver(teams.address(), None, ANSWER)
    calls = {
        "post": lambda: one.deliver(teams.address(), None, ANSWER),
        "put": lambda: one.deliver(teams.address(), there, CORRECTED),
        "delete": lambda: one.withdraw(teams.address(), there),
        "typing": lambda: one.open(teams.address(), WAITING),
    }
    teams.server.fails(what, too_many(retry_after))
    seconds = retry_after or 2
    with pytest.raises(DeliveryUnavailable) as busy:
        calls[what]()
    assert busy.value.retry_after_seconds == seconds
    before = len(teams.server.calls)
    for again, what_now in ((other.deliver, CORRECTED), (other.show, READING)):
        with pytest.raises(DeliveryUnavailable) as busy:
            again(teams.address(), there, what_now)
        assert busy.value.retry_after_seconds == seconds
    assert len(teams.server.calls) == before
    limiter.pass_time(seconds)
    other.deliver(teams.address(), there, CORRECTED)


def test_a_conversation_gets_no_more_at_once_than_teams_takes(teams):
    chat = teams.delivery()
    for number in range(7):
        chat.open(teams.address(), Progress(f"q{number}", Stage.READING))
    with pytest.raises(DeliveryUnavailable) as busy:
        chat.open(teams.address(), READING)
    assert 0 < busy.value.retry_after_seconds <= 1
    chat.open(teams.address(PERSONAL, Kind.PERSONAL), READING)


def test_news_leave_places_to_answers(teams, chat):
    there = chat.open(teams.address(), READING)
    for _ in range(3):
        chat.show(teams.address(), there, READING)
    with pytest.raises(DeliveryUnavailable):
        chat.show(teams.address(), there, READING)
    chat.deliver(teams.address(), there, ANSWER)
    [seen] = teams.seen()
    assert ANSWER.text in seen


def test_a_sign_of_typing_that_fails_holds_nothing_up(teams, chat):
    for fault in (LOST, Fault(500), BLOCKED):
        teams.server.fails("typing", fault)
        chat.open(teams.address(GROUP, Kind.GROUP), WAITING)
    assert len(teams.seen(GROUP)) == 3


def test_an_answer_that_is_too_large_is_shown_without_its_frame(teams, chat):
    teams.server.fails("put", Fault(413))
    long = replace(ANSWER, text="**Leave is 90 days.**\n" + "And so on. " * 600, sensitivity="Internal")
    chat.deliver(teams.address(), None, long)
    [seen] = teams.seen()
    assert seen.startswith("Leave is 90 days.\nAnd so on.")
    assert len(seen) <= 2000
    assert teams.tenant.conversations[THREAD].messages[0]["entities"][0]["usageInfo"]["name"] == "Internal"


def test_an_answer_to_a_message_that_was_deleted_is_not_posted_anew(teams, chat):
    there = chat.deliver(teams.address(), None, ANSWER)
    teams.tenant.conversations[THREAD].messages.clear()
    with pytest.raises(DeliveryImpossible):
        chat.deliver(teams.address(), there, CORRECTED)
    chat.withdraw(teams.address(), there)
    assert teams.seen() == []


def test_a_message_that_teams_does_not_let_us_delete_is_no_success(teams, chat):
    there = chat.deliver(teams.address(), None, ANSWER)
    teams.server.fails("delete", BLOCKED)
    with pytest.raises(Gone):
        chat.withdraw(teams.address(), there)


def test_where_we_were_removed_nothing_is_tried_again(teams, chat):
    teams.tenant.conversations[THREAD].open = False
    with pytest.raises(DeliveryImpossible, match="BotNotInConversationRoster"):
        chat.deliver(teams.address(), None, ANSWER)


@pytest.mark.parametrize("url", ["https://evil.example/", "http://127.0.0.1@evil.example/", "http://10.0.0.1/", ""])
def test_an_address_that_is_not_trusted_gets_nothing_and_costs_no_token(teams, url):
    chat = teams.delivery(api=teams.api(tokens=lambda: pytest.fail("asked for a token")))
    with pytest.raises(DeliveryImpossible, match="ANSWERLOOP_TEAMS_SERVICE_HOSTS"):
        chat.deliver(teams.address(service_url=url), None, ANSWER)


def test_without_a_token_nothing_is_called(teams):
    def none() -> str:
        raise DeliveryImpossible("the password has expired")

    with pytest.raises(DeliveryImpossible, match="expired"):
        teams.delivery(api=teams.api(tokens=none)).deliver(teams.address(), None, ANSWER)
    assert teams.server.calls == []
