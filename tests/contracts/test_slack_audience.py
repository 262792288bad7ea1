"""What somebody is told in Slack when rights or readers change on the way: between a question and its answer, between
the answer and its delivery, and between that and a later click."""

from collections.abc import Iterator

import pytest

from answerloop.domain import Person
from answerloop.testing.audience import HOME, PEOPLE, STRANGER, Company, Page
from answerloop.testing.slack_server import Fault
from tests.contracts.audience_house import FOLLOW_UP, QUESTION
from tests.contracts.slack_office import HELPERS, PRIVATE, SHARED, USERS, SlackOffice, an_office
from tests.contracts.test_audience_matrix import a_house
from tests.unit.bot.slack.slack_kit import BOT, shortcut
from workers.answering.deliver import WITHHELD

ANN, BRIEN, GUEST = PEOPLE[:3]
TEAM_ROOM, MINE = "CTEAM", f"D{USERS[ANN]}"
READERS = {"parking": "hr", "pension": "everyone", "canteen": "public"}
PAGES = tuple(Page(topic, HOME, frozenset({group})) for topic, group in READERS.items())
TODAY = Company(
    (
        Person(ANN, ANN, frozenset({"everyone", "public", "hr"}), HOME),
        Person(BRIEN, BRIEN, frozenset({"everyone", "public"}), HOME),
        Person(GUEST, GUEST, frozenset({"public"}), HOME),
    ),
    PAGES,
)
WITHOUT_HR = Company((Person(ANN, ANN, frozenset({"everyone", "public"}), HOME), *TODAY.people[1:]), PAGES)


@pytest.fixture
def office() -> Iterator[SlackOffice]:
    with a_house("fake") as house, an_office(house) as office:
        office.channel(TEAM_ROOM, [ANN], PRIVATE)
        office.channel(MINE, [ANN], {"is_im": True})
        office.channel(HELPERS, [BRIEN], PRIVATE)
        office.becomes(TODAY)
        house.late.catch_up()
        yield office


def told(office: SlackOffice) -> str:
    """Everything since the last look, judged."""
    return "".join(shown.text for shown in office.judge())


# --- readers who come, rights that go


def test_an_answer_is_withheld_from_whoever_joined_while_it_waited(office):
    office.answer(office.write(TEAM_ROOM, ANN), deliver=False)
    assert "zqparking" in told(office), "the news are for those who are there"
    office.channel(TEAM_ROOM, [ANN, GUEST], PRIVATE)
    office.now += 60
    office.deliver()
    assert WITHHELD in told(office)


def test_an_answer_that_was_shown_goes_when_somebody_clicks_after_a_guest_has_joined(office):
    question = office.write(TEAM_ROOM, ANN)
    office.answer(question)
    assert "zqparking" in told(office)
    office.channel(TEAM_ROOM, [ANN, GUEST], PRIVATE)
    office.now += 60
    office.click("answer_human", question, ANN, TEAM_ROOM)
    office.deliver()
    assert WITHHELD in told(office)


def test_a_channel_that_is_shared_with_another_company_meanwhile_reads_what_is_public(office):
    question = office.write(TEAM_ROOM, ANN)
    office.answer(question)
    told(office)
    office.channel(TEAM_ROOM, [ANN, STRANGER], SHARED)
    office.now += 60
    office.answer(office.write(TEAM_ROOM, STRANGER, f"<@{BOT}> {FOLLOW_UP}", office.threads[question]))
    office.judge_history(office.readers(TEAM_ROOM))
    assert "zqparking" not in told(office)


@pytest.mark.parametrize("channel", [MINE, TEAM_ROOM])
def test_an_answer_is_withheld_from_an_asker_who_lost_a_group_while_it_waited(office, channel):
    office.answer(office.write(channel, ANN), deliver=False)
    told(office)
    office.becomes(WITHOUT_HR)
    office.deliver()
    assert WITHHELD in told(office)


def test_a_private_answer_goes_when_its_asker_clicks_after_losing_a_group(office):
    office.channel("CALL", [ANN, BRIEN], PRIVATE)
    question = office.command("CALL", ANN)
    office.answer(question)
    assert "zqparking" in told(office)
    office.becomes(WITHOUT_HR)
    office.click("answer_human", question, ANN, "CALL")
    office.deliver()
    assert WITHHELD in told(office)


# --- what one person was told alone


def test_sharing_takes_nothing_of_the_private_answer_along(office):
    office.channel("CALL", [ANN, BRIEN, GUEST], PRIVATE)
    question = office.command("CALL", ANN)
    office.answer(question)
    assert "zqparking" in told(office)
    office.click("answer_share", question, ANN, "CALL")
    office.answer(office.newest())
    office.judge_history(office.readers("CALL"))
    shared = told(office)
    assert "zqcanteen" in shared
    assert "zqpension" not in shared


def test_a_private_question_is_no_history_of_what_is_asked_before_all(office):
    office.channel("CALL", [ANN, GUEST], PRIVATE)
    office.answer_alone_in("CALL", alone=True)
    question = office.write("CALL", ANN, f"<@{BOT}> {QUESTION} My salary is 4711.")
    office.answer(question)
    assert "zqparking" in told(office)
    office.answer_alone_in("CALL", alone=False)
    office.answer(office.write("CALL", ANN, f"<@{BOT}> {FOLLOW_UP}", office.threads[question]))
    assert office.house.answering.last.history == ()
    office.judge_history(office.readers("CALL"))
    assert "4711" not in told(office)


def test_a_call_for_help_tells_the_helpers_the_question_and_no_answer(office):
    question = office.write(MINE, ANN)
    office.answer(question)
    told(office)
    office.click("answer_human", question, ANN, MINE)
    office.deliver()
    calls = [shown for shown in office.judge() if shown.surface == f"slack: {HELPERS}"]
    assert len(calls) == 1
    assert "What are the rules about" in calls[0].text


def test_a_reminder_asks_about_the_question_and_tells_no_answer(office):
    office.answer(office.write(TEAM_ROOM, ANN))
    told(office)
    office.channel(TEAM_ROOM, [ANN, GUEST], PRIVATE)
    office.remind()
    [reminder] = office.judge()
    assert (reminder.surface, "How was my answer" in reminder.text, "zq" in reminder.text) == (
        "slack: for one alone", True, False,
    )  # fmt: skip


def test_the_app_home_counts_what_may_be_read_now(office):
    office.answer(office.write(MINE, ANN))
    told(office)
    for company, documents in ((TODAY, 3), (WITHOUT_HR, 2)):
        office.becomes(company)
        home = office.open_home(ANN)
        office.judge(home)
        assert f"I know {documents} documents" in home.text


def test_the_app_home_shows_a_private_answer_as_long_as_its_asker_may_read_it(office):
    office.channel("CALL", [ANN, BRIEN], PRIVATE)
    office.answer(office.command("CALL", ANN))
    told(office)
    home = office.open_home(ANN)
    office.judge(home, office.open_home(BRIEN))
    assert "zqparking" in home.text
    office.becomes(WITHOUT_HR)
    office.judge(office.open_home(ANN))


# --- a click on what one person sees alone is answered there


@pytest.mark.parametrize("action", ["answer_human", "answer_retract"])
@pytest.mark.parametrize("asked_by", ["command", "mention"])
def test_what_came_of_a_click_on_a_private_answer_is_seen_in_its_place(office, action, asked_by):
    office.channel("CALL", [ANN, BRIEN], PRIVATE)
    office.answer_alone_in("CALL", alone=True)
    question = office.command("CALL", ANN) if asked_by == "command" else office.write("CALL", ANN)
    office.answer(question)
    told(office)
    office.click(action, question, ANN, "CALL", alone="after-click")
    office.deliver()
    [said] = office.server.called("response/after-click")
    if action == "answer_human":
        assert said["replace_original"] is True
        assert "A colleague has been asked" in str(said["blocks"])
    else:
        assert said == {"delete_original": True}


def test_a_thumb_on_a_private_answer_is_thanked_for_where_we_are_no_member(office):
    office.channel("CALL", [ANN, BRIEN], PRIVATE)
    question = office.command("CALL", ANN)
    office.answer(question)
    office.server.fails("chat.postEphemeral", Fault(error="not_in_channel"))
    office.click("answer_up", question, ANN, "CALL", alone="after-click")
    office.deliver()
    [said] = office.server.called("response/after-click")
    assert (said["replace_original"], "Thank you" in said["text"]) == (False, True)


# --- where we are no member


@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found"])
def test_whoever_asks_for_an_answer_where_we_are_no_member_is_told_so(office, error):
    """A public channel tells us who is in it, a private one not even that."""
    office.channel("CELSEWHERE", [ANN, BRIEN], {"is_channel": True, "is_private": False})
    if error == "channel_not_found":
        office.server.fails("conversations.info", *[Fault(error=error)] * 9)
    for method in ("chat.startStream", "chat.postMessage", "chat.postEphemeral"):
        office.server.fails(method, *[Fault(error=error)] * 9)
    payload = shortcut("answer_message", QUESTION, USERS[ANN], "CELSEWHERE")
    office.send(payload | {"response_url": office.response_url("chosen", ANN)})
    office.answer(office.newest())
    [said] = office.server.called("response/chosen")
    assert "invite me" in said["text"]
    assert (said["response_type"], said["replace_original"]) == ("ephemeral", False)
    assert office.server.workspace.written_by_us("CELSEWHERE") == []
