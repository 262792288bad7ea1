"""People ask and correct in Slack: the whole installation against an independent simulator, over both transports."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from answerloop.testing.installation import until
from tests.e2e.local_slack import (
    ALICE,
    ALICES,
    ASK_ANYTHING,
    BOB,
    BOT,
    GENERAL,
    HARRIET,
    HARRIETS,
    TEAM,
    LocalSlack,
    Message,
    elements,
    shown,
)
from tests.e2e.slack_office import SlackOffice

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]  # the first one waits for both installations

QUESTION = "How many days of parental leave do I get?"
ANSWER = "90 days of paid parental leave"
SOURCE = "<https://intranet.orrenby.example/hr/parental-leave|Parental leave>"
LEAVE = "How many days of annual leave does a full-time employee have?"
FOLLOW_UP, FOLLOW_UP_ANSWER = "and for part-timers?", "in proportion to their contracted hours"
RESTRICTED, RESTRICTED_ANSWER = "What is the midpoint for a grade 5 employee?", "55,500"
UNKNOWN = "I don't know"
HINT = "A better answer exists"


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory, few_documents: Path) -> Iterator[dict[str, SlackOffice]]:
    both = {each: SlackOffice(each, tmp_path_factory.mktemp(each), few_documents) for each in ("http", "socket")}
    with ExitStack() as stack:
        for office in both.values():
            stack.callback(office.stop)
        with ThreadPoolExecutor(len(both)) as pool:
            list(pool.map(SlackOffice.start, both.values()))
        yield both


@pytest.fixture(scope="module", params=["http", "socket"])
def office(offices: dict[str, SlackOffice], request: pytest.FixtureRequest) -> SlackOffice:
    return offices[request.param]


@pytest.fixture
def slack(office: SlackOffice) -> LocalSlack:
    return office.slack


@pytest.fixture
def question(slack: LocalSlack) -> str:
    """Asked by Alice in the channel of everybody."""
    return slack.mention(QUESTION)


@pytest.fixture
def answer(slack: LocalSlack, question: str) -> Message:
    return slack.answer(question)


@pytest.fixture
def before(slack: LocalSlack) -> str:
    """The last message in the channel of everybody, before anybody asks."""
    return slack.write("Good morning.")


# --- asking


def test_a_mention_is_answered_once_where_the_placeholder_stood(office, slack):
    with office.answers_on_hold():
        question = slack.mention(QUESTION)
        [placeholder] = until(lambda: slack.replies(question))
        assert slack.reactions(question) == {"eyes"}
        assert ANSWER not in shown(placeholder)
    answer = slack.answer(question)
    assert ANSWER in shown(answer)
    assert SOURCE in shown(answer)
    office.come_to_rest()
    assert [reply["ts"] for reply in slack.replies(question)] == [placeholder["ts"]] == [answer["ts"]]
    assert slack.reactions(question) == set()


def test_an_answer_has_the_blocks_that_were_chosen(office, answer):
    kinds = {"http": ["section", "context", "actions"], "socket": ["markdown", "context", "context_actions", "actions"]}
    assert [block["type"] for block in answer["blocks"]] == kinds[office.transport]


def test_what_colleagues_tell_each_other_is_left_alone(slack):
    chatter = slack.write("Who wants cake?")
    slack.write("I do. How many days of parental leave does it take?", user=BOB, thread=chatter)
    question = slack.mention(QUESTION)
    slack.answer(question)
    ours = [message for message in slack.messages(GENERAL, chatter) if message["user"] == BOT]
    assert {message["thread_ts"] for message in ours} == {question}
    assert slack.reactions(chatter) == set()


def test_a_direct_message_is_answered_and_a_follow_up_understood(slack):
    alone = slack.write(FOLLOW_UP, ALICES)
    assert UNKNOWN in shown(slack.answer(alone, ALICES))
    question = slack.write(LEAVE, ALICES)
    assert "27 days" in shown(slack.answer(question, ALICES))
    follow_up = slack.write(FOLLOW_UP, ALICES, thread=question)
    assert FOLLOW_UP_ANSWER in shown(slack.answer(question, ALICES, after=follow_up))


def test_a_follow_up_in_a_thread_needs_no_mention(slack):
    question = slack.mention(LEAVE)
    slack.answer(question)
    follow_up = slack.write(FOLLOW_UP, thread=question)
    assert FOLLOW_UP_ANSWER in shown(slack.answer(question, after=follow_up))


def test_in_a_room_set_so_every_message_is_answered(slack):
    said = slack.write("Parental leave in days", ASK_ANYTHING)
    assert ANSWER in shown(slack.answer(said, ASK_ANYTHING))


def test_what_is_asked_by_command_is_answered_for_its_sender_alone(slack, before):
    slack.command(QUESTION)
    answer = slack.private(ALICE, ANSWER, since=before)
    assert f"You asked: {QUESTION}" in shown(answer)
    assert {message["ephemeral_to"] for message in slack.messages(GENERAL, before)} == {ALICE}
    slack.command("")
    slack.private(ALICE, "Ask me a question", since=answer["ts"])


def test_a_private_answer_is_shared_with_the_channel_once(office, slack, before):
    slack.command(QUESTION)
    answer = slack.private(ALICE, ANSWER, since=before)
    for _ in range(2):
        slack.click(GENERAL, answer, "answer_share")
    shared = slack.public(ANSWER, before)
    assert f"<@{ALICE}> asked: {QUESTION}" in shown(shared)
    office.come_to_rest()
    public = [message for message in slack.messages(GENERAL, before) if "ephemeral_to" not in message]
    assert public == [shared]


def test_what_not_everybody_may_read_is_not_shared(slack, before):
    slack.command(RESTRICTED, user=HARRIET)
    slack.click(GENERAL, slack.private(HARRIET, RESTRICTED_ANSWER, since=before), "answer_share", HARRIET)
    assert RESTRICTED_ANSWER not in shown(slack.public(UNKNOWN, before))


@pytest.mark.parametrize("office", ["http"], indirect=True)  # the simulator knows no shortcuts
def test_somebody_elses_message_is_answered_by_a_shortcut(office, slack):
    said = slack.write(QUESTION, user=BOB)
    assert office.send({
        "type": "message_action", "callback_id": "answer_message", "trigger_id": f"trigger-{said}",
        "team": {"id": TEAM}, "user": {"id": ALICE}, "channel": {"id": GENERAL},
        "message": {"type": "message", "ts": said, "user": BOB, "text": QUESTION},
    }) == 200  # fmt: skip
    assert ANSWER in shown(slack.answer(said))


# --- who may read what


def test_a_restricted_document_is_read_by_who_may_and_only_alone(slack):
    alone = slack.write(RESTRICTED, HARRIETS, HARRIET)
    assert RESTRICTED_ANSWER in shown(slack.answer(alone, HARRIETS))
    alices = slack.write(RESTRICTED, ALICES)
    assert UNKNOWN in shown(slack.answer(alices, ALICES))
    public = [slack.mention(RESTRICTED, user) for user in (ALICE, HARRIET)]
    for question in public:
        assert UNKNOWN in shown(slack.answer(question))
    hint = slack.private(HARRIET, HINT, since=public[0])
    assert hint["thread_ts"] == public[1]
    told = [message["ephemeral_to"] for message in slack.messages(GENERAL, public[0]) if "ephemeral_to" in message]
    assert told == [HARRIET]
    assert RESTRICTED_ANSWER not in str(slack.messages(GENERAL, public[0]))


# --- after an answer


def test_a_thumb_up_is_kept_and_thanked_for(office, slack, answer):
    slack.rate(GENERAL, answer, "up")
    assert office.opinions(answer) == {ALICE: ("up", None, None)}
    slack.private(ALICE, "Thank you", since=answer["ts"])


def test_a_thumb_down_is_asked_why(office, slack, answer):
    slack.rate(GENERAL, answer, "down", BOB)
    assert office.opinions(answer) == {BOB: ("down", None, None)}
    assert slack.dialog()["callback_id"] == "feedback_details"
    assert slack.submit_dialog(BOB, {})["errors"].keys() == {"reason"}
    reason = {"reason": {"type": "radio_buttons", "selected_option": {"value": "incomplete"}}}
    better = {"better": {"type": "plain_text_input", "value": "90 days for each child."}}
    [thanks] = slack.submit_dialog(BOB, {"reason": reason, "better": better})["stack"]
    assert "Thank you" in shown(thanks)
    slack.close_dialog(BOB)
    assert office.opinions(answer) == {BOB: ("down", "incomplete", "90 days for each child.")}


def test_a_reaction_counts_while_it_stands(office, slack, answer):
    slack.react(GENERAL, answer, "-1", BOB)
    slack.react(GENERAL, answer, "+1", HARRIET)
    slack.react(GENERAL, answer, "tada", ALICE)
    assert office.opinions(answer) == {BOB: ("down", None, None), HARRIET: ("up", None, None)}
    slack.react(GENERAL, answer, "-1", BOB, present=False)
    assert office.opinions(answer) == {HARRIET: ("up", None, None)}


def test_a_reaction_in_direct_messages_counts(office, slack):
    answer = slack.answer(slack.write(QUESTION, ALICES), ALICES)
    slack.react(ALICES, answer, "+1", ALICE)
    assert office.opinions(answer) == {ALICE: ("up", None, None)}


def test_a_human_is_called_and_takes_care_of_it(slack, question, answer):
    slack.click(GENERAL, answer, "answer_human")
    asked = slack.answer(question, contains="A colleague has been asked")
    assert asked["ts"] == answer["ts"]
    [call] = until(lambda: [reply for reply in slack.replies(question) if "escalation_resolved" in elements(reply)])
    assert f"<@{BOB}>: <@{ALICE}> would like a human" in shown(call)
    until(lambda: slack.reactions(question) == {"sos"})
    slack.click(GENERAL, call, "escalation_resolved", BOB)
    slack.answer(question, contains=f"Taken care of by <@{BOB}>")
    until(lambda: slack.reactions(question) == {"white_check_mark"})
    until(lambda: not elements(slack.message(call["ts"])))
    assert len(slack.replies(question)) == 2


def test_help_with_a_private_answer_is_asked_for_in_a_direct_message(slack, before):
    slack.command(QUESTION)
    slack.click(GENERAL, slack.private(ALICE, ANSWER, since=before), "answer_human")
    bobs = until(lambda: slack.direct_channel(BOB))
    [call] = until(lambda: slack.messages(bobs, before))
    assert f"<@{ALICE}> would like a human" in shown(call)
    assert QUESTION in shown(call)


def test_only_who_asked_takes_an_answer_back(slack, question, answer):
    slack.click(GENERAL, answer, "answer_retract", BOB)
    slack.private(BOB, "Only the person who asked", since=question)
    assert slack.replies(question) == [answer]
    slack.click(GENERAL, answer, "answer_retract", ALICE)
    until(lambda: not slack.replies(question))


def test_a_colleagues_reply_becomes_the_better_answer_with_one_click(office, slack, question, answer):
    slack.write("In Leeds it is 100 days.", user=BOB, thread=question)
    prompt = slack.private(BOB, "Shall I suggest your reply", since=question)
    assert office.opinions(answer) == {}
    slack.click(GENERAL, prompt, "suggestion_accept", BOB)
    assert office.opinions(answer) == {BOB: (None, None, "In Leeds it is 100 days.")}
    slack.react(GENERAL, answer, "-1", BOB)
    assert office.opinions(answer) == {BOB: ("down", None, "In Leeds it is 100 days.")}
    until(lambda: prompt["ts"] not in [message["ts"] for message in slack.messages(GENERAL, question)])
    assert [reply["ts"] for reply in slack.replies(question)] == [answer["ts"]]


def test_the_home_tells_what_may_be_read_how_to_ask_and_what_was_asked(slack):
    last = f"{LEAVE} Please."
    slack.answer(slack.write(last, ALICES), ALICES)
    homes = {user: slack.home(user) for user in (ALICE, HARRIET)}
    readable = {user: int(re.search(r"I know (\d+) documents", home)[1]) for user, home in homes.items()}
    assert readable[HARRIET] == readable[ALICE] + 3  # those of the people team
    assert "/ask" in homes[ALICE]
    assert last in homes[ALICE]
    assert last not in homes[HARRIET]


# --- second thoughts


def test_a_question_that_is_edited_while_it_waits_is_answered_anew_in_its_place(office, slack):
    with office.answers_on_hold():
        question = slack.mention(QUESTION)
        [placeholder] = until(lambda: slack.replies(question))
        slack.edit(question, f"<@{BOT}> What does the error VPN-4471 mean?")
    answer = slack.answer(question, contains="certificate of your laptop has expired")
    office.come_to_rest()
    assert slack.replies(question) == [answer]
    assert answer["ts"] == placeholder["ts"]


def test_an_edit_after_the_answer_changes_nothing(office, slack, question, answer):
    stored = office.stored(answer)
    slack.edit(question, f"<@{BOT}> What does the error VPN-4471 mean?")
    office.come_to_rest()
    assert slack.replies(question) == [answer]
    assert office.stored(answer) == stored


def test_a_question_that_is_deleted_while_it_waits_is_not_answered(office, slack):
    with office.answers_on_hold():
        question = slack.mention(QUESTION)
        until(lambda: slack.replies(question))
        slack.delete(question)
        until(lambda: not slack.replies(question))
    office.come_to_rest()
    assert slack.replies(question) == []


def test_with_its_question_the_answer_goes_too(slack, question, answer):
    slack.delete(question)
    until(lambda: not slack.replies(question))


# --- nothing lost, nothing twice


@pytest.mark.parametrize("office", ["http"], indirect=True)
def test_an_event_that_is_delivered_again_and_again_is_one_question(office, slack):
    said = slack.write("Something that means nothing to us.")
    event = {"type": "app_mention", "channel": GENERAL, "user": ALICE, "ts": said, "text": f"<@{BOT}> {QUESTION}"}
    deliveries = [{"type": "event_callback", "team_id": TEAM, "event_id": f"Ev{said}", "event": event}] * 6
    with ThreadPoolExecutor(len(deliveries)) as pool:
        assert set(pool.map(office.send, deliveries)) == {200}
    slack.answer(said)
    office.come_to_rest()
    assert len(slack.replies(said)) == 1


@pytest.mark.parametrize("office", ["socket"], indirect=True)
def test_an_event_that_reaches_two_bots_is_one_question(office, slack):
    with office.another_bot():
        questions = [slack.mention(QUESTION) for _ in range(5)]
        for question in questions:
            slack.answer(question)
        office.come_to_rest()
    assert [len(slack.replies(question)) for question in questions] == [1] * 5


def test_two_hundred_questions_at_once_are_answered_once_each(office, slack, record_property):
    started = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        questions = set(pool.map(lambda number: slack.mention(f"{QUESTION} ({number})"), range(200)))

    def answered() -> bool:
        ours = [message for message in slack.messages() if message.get("thread_ts") in questions]
        return sum("answer_retract" in elements(message) for message in ours) >= len(questions)

    until(answered, 300, pause=0.5)
    seconds = round(time.monotonic() - started, 1)
    record_property("seconds", seconds)
    print(f"200 questions over {office.transport}: {seconds} s")  # noqa: T201 - shown by `pytest -s`
    office.come_to_rest()
    replies = [message for message in slack.messages() if message.get("thread_ts") in questions]
    assert Counter(reply["thread_ts"] for reply in replies) == Counter(questions)
    assert all(ANSWER in shown(reply) for reply in replies)
    assert not any(slack.reactions(question) for question in questions)
