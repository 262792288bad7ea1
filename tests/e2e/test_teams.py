"""People ask and correct in Teams: the whole installation against Microsoft's own simulator."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from answerloop.testing.installation import until
from tests.e2e.teams_office import TeamsOffice
from tests.e2e.teams_playground import (
    ALICE,
    AT_US,
    BOB,
    CHANNEL,
    GROUP,
    OTHER_CHANNEL,
    PERSONAL,
    Message,
    Playground,
    buttons,
    shown,
)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]  # the first one waits for the installation

QUESTION = "How many days of parental leave do I get?"
ANSWER = "90 days of paid parental leave"
SOURCE = "https://intranet.orrenby.example/hr/parental-leave"
LEAVE = "How many days of annual leave does a full-time employee have?"
FOLLOW_UP, FOLLOW_UP_ANSWER = "and for part-timers?", "in proportion to their contracted hours"
RESTRICTED, RESTRICTED_ANSWER = "What is the midpoint for a grade 5 employee?", "55,500"
UNKNOWN, HINT = "I don't know", "A better answer exists"
LOOKING = "👀"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, few_documents: Path) -> Iterator[TeamsOffice]:
    office = TeamsOffice(tmp_path_factory.mktemp("teams"), few_documents, "everyone, hr")
    try:
        office.start()
        yield office
    finally:
        office.stop()


@pytest.fixture
def teams(office: TeamsOffice) -> Playground:
    return office.teams


@pytest.fixture
def thread(teams: Playground) -> str:
    """Begun by Alice's question in the channel of everybody."""
    return teams.mention(QUESTION)


@pytest.fixture
def answer(teams: Playground, thread: str) -> Message:
    return teams.answer(thread, ANSWER)


# --- asking


def test_a_placeholder_is_there_at_once_and_becomes_the_answer(office, teams):
    before, typing = len(teams.seen(PERSONAL)), teams.typing
    with office.answers_on_hold():
        teams.write(QUESTION)
        placeholder = teams.told(PERSONAL, LOOKING, before)
        assert teams.typing > typing
        assert ANSWER not in shown(placeholder)
    answer = teams.answer(PERSONAL, ANSWER, before)
    office.come_to_rest()
    assert [each["messageId"] for each in teams.seen(PERSONAL)[before:]] == [placeholder["messageId"]]
    assert answer["messageId"] == placeholder["messageId"]


def test_an_answer_is_one_card_with_its_sources_and_says_that_a_machine_wrote_it(answer):
    assert len(answer["attachments"]) == 1
    assert not answer.get("text")
    assert SOURCE in shown(answer)
    assert {"up", "down", "human", "retract"} <= buttons(answer).keys()
    assert "AIGeneratedContent" in json.dumps(answer.get("aiEntity") or answer)


def test_in_a_group_chat_a_mention_is_answered_there(teams):
    before = len(teams.seen(GROUP))
    teams.mention(QUESTION, GROUP)
    assert f"Alice Amari asked: {QUESTION}" in shown(teams.answer(GROUP, ANSWER, before))


def test_a_follow_up_in_a_thread_is_understood(teams):
    thread = teams.mention(LEAVE)
    teams.answer(thread, "27 days")
    teams.mention(FOLLOW_UP, thread)
    teams.answer(thread, FOLLOW_UP_ANSWER)
    assert UNKNOWN in shown(teams.answer(teams.mention(FOLLOW_UP)))


def test_what_colleagues_tell_each_other_is_left_alone(office, teams):
    before = len(teams.seen(GROUP))
    teams.send(teams.activity("message", GROUP, BOB, text="Who wants cake? How many days of leave does it take?"))
    office.come_to_rest()
    assert teams.seen(GROUP)[before:] == []


def test_in_a_room_set_so_every_message_is_answered(teams):
    thread = teams.write("Good morning.", OTHER_CHANNEL)
    begins = thread.partition("messageid=")[2]
    teams.send(teams.activity("message", thread, BOB, text="Parental leave in days", id=begins))
    teams.answer(thread, ANSWER)


def test_somebody_elses_message_is_answered_from_its_menu(teams):
    thread = teams.write(QUESTION, CHANNEL)
    payload = {
        "id": thread.partition("messageid=")[2],
        "body": {"contentType": "html", "content": f"<p>{QUESTION}</p>"},
    }
    activity = teams.activity(
        "invoke", thread, name="composeExtension/fetchTask",
        value={"commandId": "answerThis", "commandContext": "message", "messagePayload": payload},
    )  # fmt: skip
    teams.send(activity)
    teams.answer(thread, ANSWER)


def test_whoever_installs_it_is_welcomed_and_told_how_to_ask(teams):
    before = len(teams.seen(PERSONAL))
    teams.send(teams.activity("installationUpdate", PERSONAL, action="add"))
    welcome = teams.told(PERSONAL, "I know", before)
    assert "documents" in shown(welcome)


def test_asked_for_help_it_tells_what_was_asked_last(teams):
    teams.answer(teams.mention(f"{LEAVE} Please."), "27 days")
    before = len(teams.seen(PERSONAL))
    teams.write("help")
    assert f"{LEAVE} Please." in shown(teams.told(PERSONAL, "I know", before))


# --- who may read what


def test_a_restricted_document_is_read_by_who_may_and_only_alone(office, teams):
    """Alice is of the people team, the others are not."""
    before = len(teams.seen(PERSONAL))
    teams.write(RESTRICTED)
    teams.answer(PERSONAL, RESTRICTED_ANSWER, before)
    before = len(teams.seen(PERSONAL))
    thread = teams.mention(RESTRICTED)
    teams.answer(thread, UNKNOWN)
    teams.told(PERSONAL, HINT, before)
    office.come_to_rest()
    assert RESTRICTED_ANSWER not in str(teams.seen(thread))
    assert HINT not in str(teams.seen(thread)), "that one exists is for Alice alone"


# --- after an answer


def test_a_thumb_up_is_kept_and_thanked_for(office, teams, answer):
    assert "Thank you" in teams.click(answer, "up")
    assert office.opinions(answer) == {ALICE: ("up", None, None)}


def test_a_thumb_down_comes_with_a_reason_and_a_better_answer(office, teams, answer):
    teams.click(answer, "down", BOB, reason="incomplete", better="90 days for each child.")
    assert office.opinions(answer) == {BOB: ("down", "incomplete", "90 days for each child.")}
    teams.click(answer, "up", BOB)
    assert office.opinions(answer)[BOB][0] == "up"


def test_a_reaction_counts_while_it_stands(office, teams, thread, answer):
    for change in ("reactionsAdded", "reactionsRemoved"):
        teams.send(teams.activity("messageReaction", thread, BOB, replyToId=answer["messageId"],
                                  **{change: [{"type": "like"}]}))  # fmt: skip
        expected = {BOB: ("up", None, None)} if change == "reactionsAdded" else {}
        until(lambda expected=expected: office.opinions(answer) == expected)


def test_a_human_is_called_and_takes_care_of_it(teams, thread, answer):
    assert "asked" in teams.click(answer, "human")
    call = teams.told(thread, "would like a human")
    assert QUESTION in shown(call)
    teams.told(thread, "A colleague has been asked")
    teams.click(call, "resolve", BOB)
    teams.told(thread, "Taken care of by Bob Berg")
    until(lambda: not buttons(teams.messages[call["messageId"]]))


def test_only_who_asked_takes_an_answer_back(teams, answer):
    assert "Only the person who asked" in teams.click(answer, "retract", BOB)
    teams.click(answer, "retract")
    until(lambda: ANSWER not in shown(teams.messages[answer["messageId"]]))
    assert not buttons(teams.messages[answer["messageId"]])


# --- second thoughts


def _begun(teams: Playground, text: str = QUESTION) -> tuple[str, dict[str, object]]:
    """A thread, and a question in it."""
    thread = teams.write("Good morning.", CHANNEL)
    said = teams.message(text, thread)
    teams.send(said)
    return thread, said


def test_a_question_that_is_edited_while_it_waits_is_answered_anew_in_its_place(office, teams):
    with office.answers_on_hold():
        thread, said = _begun(teams)
        placeholder = teams.told(thread, LOOKING)
        edited = f"{AT_US} What does the error VPN-4471 mean?"
        teams.send({**said, "type": "messageUpdate", "text": edited,
                    "channelData": {**said["channelData"], "eventType": "editMessage"}})  # fmt: skip
    answer = teams.answer(thread, "certificate of your laptop has expired")
    office.come_to_rest()
    assert [each["messageId"] for each in teams.seen(thread)] == [placeholder["messageId"]] == [answer["messageId"]]


def test_a_question_that_is_deleted_while_it_waits_is_not_answered(office, teams):
    with office.answers_on_hold():
        thread, said = _begun(teams)
        teams.told(thread, LOOKING)
        _delete(teams, said)
    office.come_to_rest()
    assert ANSWER not in str(teams.seen(thread))
    assert LOOKING not in str([shown(each) for each in teams.seen(thread)])


def test_with_its_question_the_answer_goes_too(teams):
    thread, said = _begun(teams)
    teams.answer(thread, ANSWER)
    _delete(teams, said)
    until(lambda: ANSWER not in str(teams.seen(thread)))


def _delete(teams: Playground, said: dict[str, object]) -> None:
    teams.send({**said, "type": "messageDelete", "text": "",
                "channelData": {**said["channelData"], "eventType": "softDeleteMessage"}})  # fmt: skip


# --- nothing lost, nothing twice


def test_an_activity_that_is_delivered_again_and_again_is_one_question(office, teams):
    thread = teams.write("Good morning.", CHANNEL)
    deliveries = [teams.message(QUESTION, thread)] * 6
    with ThreadPoolExecutor(len(deliveries)) as pool:
        list(pool.map(teams.send, deliveries))
    teams.answer(thread, ANSWER)
    office.come_to_rest()
    assert len(teams.seen(thread)) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"[]", 400), (b"{", 400), (b'{"type": 1}', 400), (b"\xff\xfe", 400), (b'{"type": "message"}', 401),
        (b'{"type": "x"' + b" " * 1_100_000 + b"}", 413),
    ],
)  # fmt: skip
def test_what_is_no_activity_is_refused(office, body, status):
    request = urllib.request.Request(
        f"{office.installation.url}/api/messages", body, {"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    refused.value.close()
    assert refused.value.code == status


def test_two_hundred_questions_at_once_are_answered_once_each(office, teams, record_property):
    started = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        threads = list(pool.map(lambda number: teams.mention(f"{QUESTION} ({number})"), range(200)))

    def answered() -> bool:
        latest = list(teams.messages.values())
        return sum("retract" in buttons(each) for each in latest if each["conversation"] in threads) >= len(threads)

    until(answered, 300, pause=0.5)
    seconds = round(time.monotonic() - started, 1)
    record_property("seconds", seconds)
    print(f"200 questions: {seconds} s")  # noqa: T201 - shown by `pytest -s`
    office.come_to_rest()
    mine = [each for each in teams.messages.values() if each["conversation"] in threads]
    assert Counter(each["conversation"] for each in mine) == Counter(threads)
    assert {teams.posted[thread] for thread in threads} == {1}
    assert all(ANSWER in shown(each) for each in mine)
