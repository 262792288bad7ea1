"""What people write becomes a question, a follow-up, a suggestion or nothing; never two of them."""

import time

import pytest

from answerloop.chat.prompts import PROMPTS
from answerloop.domain import Respond
from bot.payload import MalformedPayload
from bot.teams.heard import plain, whereabouts
from bot.teams.messages import IN_OUR_CHAT
from bot.teams.places import Places
from tests.unit.answerloop.teams.messages import every_message
from tests.unit.bot.teams.teams_kit import (
    ALICE,
    BOB,
    BOT,
    CHANNEL,
    GROUP,
    PERSONAL,
    SERVICE,
    TENANT,
    THREAD,
    TeamsKit,
    activity,
    chosen,
    mention,
    message,
)


def test_a_personal_message_is_a_question_for_its_asker_alone(kit: TeamsKit):
    kit.app(message())
    [question] = kit.questions
    assert (question.text, question.asker, question.room) == ("How many days?", f"teams:{TENANT}:{ALICE}", None)
    [address] = kit.addresses
    assert address | {"message": None} == {
        "tenant": TENANT, "service_url": SERVICE, "bot": BOT, "conversation": PERSONAL, "kind": "personal",
        "user": ALICE, "account": f"29:{ALICE}", "message": None, "private": False, "language": "en",
    }  # fmt: skip
    assert [job.task for job in kit.queue.jobs] == ["deliver.progress", "answer.question"]


@pytest.mark.parametrize(("conversation", "room"), [(THREAD, CHANNEL), (GROUP, GROUP)])
def test_a_mention_is_a_question_for_everybody_there(kit: TeamsKit, conversation, room):
    kit.app(mention(conversation=conversation))
    [question] = kit.questions
    assert (question.text, question.room) == ("How many days?", f"teams:{TENANT}:{room}")
    assert kit.addresses[0]["conversation"] == conversation, "the answer stands in the thread"


def test_the_same_message_sent_again_is_one_question(kit: TeamsKit):
    for _ in range(3):
        kit.app(mention(id="m-1"))
    assert len(kit.questions) == 1


def test_what_another_bot_writes_is_nothing(kit: TeamsKit):
    kit.settle(CHANNEL, respond=Respond.ALL)
    written = mention()
    written["from"]["role"] = "bot"
    kit.app(written)
    assert kit.questions == []


@pytest.mark.parametrize(
    ("respond", "text", "asked"),
    [
        (Respond.MENTIONS, "How many days?", 0),
        (Respond.QUESTIONS, "How many days?", 1),
        (Respond.QUESTIONS, "Good morning", 0),
        (Respond.ALL, "Good morning", 1),
        (Respond.OFF, "How many days?", 0),
    ],
)
def test_rooms_say_what_is_answered_without_a_mention(kit: TeamsKit, respond, text, asked):
    kit.settle(CHANNEL, respond=respond)
    kit.app(message(text, THREAD, id="1700"))
    assert len(kit.questions) == asked


def test_the_asker_goes_on_in_the_thread_without_a_mention(kit: TeamsKit):
    kit.app(mention(id="1700"))
    kit.app(message("and for contractors", THREAD))
    first, second = kit.questions
    assert second.conversation_id == first.conversation_id


def test_a_colleagues_reply_may_become_the_better_answer(kit: TeamsKit):
    kit.app(mention(id="1700"))
    kit.answered()
    kit.app(message("It is 95 days now.", THREAD, user=BOB))
    assert kit.notices == [("suggestion", "It is 95 days now.")]
    assert len(kit.questions) == 1


def test_what_is_said_in_a_chat_belongs_together_for_a_day(kit: TeamsKit):
    kit.app(message())
    kit.app(message("And in Berlin?"))
    kit.app(message("How do I claim expenses?", timestamp="2026-11-26T08:00:00Z"))
    first, second, third = (question.conversation_id for question in kit.questions)
    assert first == second != third


def test_a_room_can_be_answered_privately(kit: TeamsKit):
    kit.settle(CHANNEL, ephemeral=True)
    kit.app(mention())
    assert kit.questions[0].room is None
    assert kit.addresses[0]["private"]


def test_who_floods_is_slowed_down_kindly(kit: TeamsKit):
    for _ in range(7):
        kit.app(message())
    assert len(kit.questions) == 5
    assert [kind for kind, _ in kit.notices] == ["slow_down", "slow_down"]


@pytest.mark.parametrize(
    ("written", "told"),
    [(mention(""), "Ask me a question"), (mention("x" * 1500), "keep it under"), (mention("half \ud800"), "no text")],
)
def test_what_is_no_question_is_explained_to_whoever_wrote_it(kit: TeamsKit, written, told):
    kit.app(written)
    assert kit.questions == []
    [(kind, text)] = kit.notices
    assert kind == "refused"
    assert told in text


def test_help_tells_what_the_assistant_knows(kit: TeamsKit):
    kit.app(message("Help"))
    kit.app(mention("help"))
    assert [kind for kind, _ in kit.notices] == ["home"]
    assert [question.text for question in kit.questions] == ["help"], "in a channel it is a question like any other"


def test_a_prompt_is_asked_with_one_click(kit: TeamsKit):
    """Teams writes into the chat what the button says."""
    for shown in every_message()["home"]["attachments"][0]["content"]["body"]:
        for action in shown.get("actions", []):
            assert action["data"]["msteams"]["type"] == "imBack"
            kit.app(message(action["data"]["msteams"]["value"]))
    assert [question.text for question in kit.questions] == [question for _, question in PROMPTS]


def test_an_edited_question_is_answered_anew_while_it_waits(kit: TeamsKit):
    kit.app(mention("How many?", id="m-1"))
    edited = mention("How many days of leave?", id="m-1") | {"type": "messageUpdate"}
    edited["channelData"]["eventType"] = "editMessage"
    kit.app(edited)
    assert [question.text for question in kit.questions] == ["How many days of leave?"]


def test_a_deleted_question_is_answered_by_nobody(kit: TeamsKit):
    kit.app(mention(id="m-1"))
    kit.app(activity("messageDelete", THREAD, id="m-1", channelData={"eventType": "softDeleteMessage"}))
    assert kit.questions[0].state == "cancelled"
    assert kit.queue.jobs[-1].task == "deliver.withdraw"


# --- the menu of a message


def test_answer_this_is_answered_in_the_thread_where_we_are(kit: TeamsKit):
    kit.app(mention(user=BOB))
    assert "thread" in kit.told(chosen("answerThis", "How long is <b>parental</b> leave?"))
    question = kit.questions[-1]
    assert (question.text, question.asker) == ("How long is parental leave?", f"teams:{TENANT}:{ALICE}")
    assert question.room == f"teams:{TENANT}:{CHANNEL}"


def test_answer_this_where_we_are_not_is_answered_in_our_chat(kit: TeamsKit):
    assert "for you alone" in kit.told(chosen("answerThis", "How long is leave?"))
    assert kit.questions[0].room is None
    assert (kit.addresses[0]["conversation"], kit.addresses[0]["kind"]) == ("", "personal")


@pytest.mark.parametrize("said", [{"conversationType": "personal"}, {}, {"isGroup": True}])
def test_answer_this_in_the_chat_of_two_people_is_not_answered_there(kit: TeamsKit, said):
    asked = chosen("answerThis", "How long is leave?", GROUP)
    asked["conversation"] = {"id": "19:alice_bob@unq.gbl.spaces", "tenantId": TENANT, **said}
    assert "for you alone" in kit.told(asked)
    assert (kit.addresses[0]["conversation"], kit.addresses[0]["kind"]) == ("", "personal")


@pytest.mark.parametrize("said", [{"conversationType": "personal"}, {}, {"isGroup": True}])
def test_a_chat_that_does_not_say_who_reads_along_is_read_by_all_who_are_there(kit: TeamsKit, said):
    asked = message("How long is leave?", GROUP)
    asked["conversation"] = {"id": GROUP, "tenantId": TENANT, **said}
    mentioned = {"type": "mention", "text": "<at>A</at>", "mentioned": {"id": BOT}}
    kit.app(asked | {"text": "<at>A</at> How long?", "entities": [mentioned]})
    assert kit.questions[0].room == f"teams:{TENANT}:{GROUP}"


def test_what_two_people_ask_alone_never_gets_one_name(kit: TeamsKit):
    long = f"19:{'x' * 140}"
    for user in (ALICE, BOB):
        asked = chosen("answerThis", "How long is leave?", GROUP, user=user)
        asked["value"]["messagePayload"]["id"] = "1" * 80
        kit.app(asked | {"conversation": {"id": long, "conversationType": "groupChat", "tenantId": TENANT}})
    assert len({question.conversation_id for question in kit.questions}) == 2


def test_two_people_may_have_the_same_message_answered_in_their_own_chats(kit: TeamsKit):
    for user in (ALICE, BOB, BOB):
        kit.app(chosen("answerThis", "How long is leave?", user=user))
    assert {question.asker for question in kit.questions} == {f"teams:{TENANT}:{user}" for user in (ALICE, BOB)}
    assert len(kit.questions) == 2


def test_where_answers_are_private_answer_this_answers_each_of_two_people_alone(kit: TeamsKit):
    kit.app(mention())
    kit.settle(CHANNEL, ephemeral=True)
    for user in (ALICE, BOB):
        assert kit.told(chosen("answerThis", "How many days?", user=user)) == IN_OUR_CHAT
    assert [row.asker for row in kit.questions[1:]] == [f"teams:{TENANT}:{ALICE}", f"teams:{TENANT}:{BOB}"]
    assert all(address["private"] for address in kit.addresses[1:])


def test_a_tenant_is_the_same_in_any_letters(kit: TeamsKit):
    for tenant in (TENANT, TENANT.upper()):
        said = mention(id="m-same")
        said["conversation"]["tenantId"] = tenant
        kit.app(said)
    [row] = kit.questions
    assert (row.asker, row.room) == (f"teams:{TENANT}:{ALICE}", f"teams:{TENANT}:{CHANNEL}")


def test_we_are_back_even_where_another_process_was_told_that_we_had_gone(kit: TeamsKit):
    kit.app(message())
    here = activity("installationUpdate", action="remove")
    Places(kit.database).left(whereabouts(here))
    kit.app(activity("installationUpdate", action="add"))
    assert kit.places.known(f"teams:{TENANT}:{ALICE}")


def test_a_reply_below_an_answer_can_be_suggested_as_the_better_one(kit: TeamsKit):
    kit.app(mention(id="1700"))
    kit.answered()
    assert kit.told(chosen("suggestAnswer", "It is 95 days.", user=BOB)).startswith("Thank you")
    assert kit.feedback == [(f"teams:{TENANT}:{BOB}", None, None, "It is 95 days.")]
    assert "below one of my answers" in kit.told(chosen("suggestAnswer", "No.", conversation=GROUP))


# --- coming and going


def test_whoever_installs_us_is_greeted_once(kit: TeamsKit):
    installed = activity("installationUpdate", action="add")
    for _ in range(2):
        kit.app(installed)
    kit.app(activity("conversationUpdate", membersAdded=[{"id": BOT}]))
    kit.app(activity("conversationUpdate", CHANNEL, membersAdded=[{"id": BOT}]))
    kit.app(activity("conversationUpdate", CHANNEL, membersAdded=[{"id": f"29:{BOB}"}]))
    assert [kind for kind, _ in kit.notices] == ["home"]
    assert set(kit.known) == {f"teams:{TENANT}:{ALICE}", f"teams:{TENANT}:{CHANNEL}"}


@pytest.mark.parametrize(
    "removed",
    [
        activity("installationUpdate", CHANNEL, action="remove"),
        activity("conversationUpdate", CHANNEL, membersRemoved=[{"id": BOT}]),
    ],
)
def test_where_we_were_removed_nothing_is_sent_until_we_are_back(kit: TeamsKit, removed):
    kit.app(mention())
    kit.app(removed)
    assert kit.places.known(f"teams:{TENANT}:{CHANNEL}") is None
    kit.app(mention())
    assert kit.places.known(f"teams:{TENANT}:{CHANNEL}") is not None


def test_the_address_of_a_room_follows_what_teams_says_last(kit: TeamsKit):
    kit.app(mention())
    kit.app(mention(serviceUrl="https://smba.trafficmanager.net/apac/"))
    assert kit.known[f"teams:{TENANT}:{CHANNEL}"].data["service_url"].endswith("/apac/")


def test_no_name_is_one_that_a_database_does_not_take(kit: TeamsKit):
    said = message()
    said["from"]["name"] = "A\0da\n" + "x" * 300
    kit.app(said)
    assert kit.known[f"teams:{TENANT}:{ALICE}"].name == ("Ada" + "x" * 300)[:200]


# --- what is malformed


@pytest.mark.parametrize(
    "broken",
    [
        message() | {"from": {}},
        message() | {"conversation": {"id": "x" * 300, "tenantId": TENANT}},
        message() | {"conversation": {"id": PERSONAL, "conversationType": "other", "tenantId": TENANT}},
        message() | {"conversation": {"id": PERSONAL}, "channelData": {}},
        message() | {"id": None},
        activity("invoke", name="adaptiveCard/action", value=[]),
        activity("invoke", name="adaptiveCard/action", value={"action": {"verb": "rm", "data": {}}}),
        activity("invoke", name="composeExtension/fetchTask", value={"commandId": "answerThis"}),
        message() | {"id": "m\0"},
        *(
            activity(
                "invoke",
                name="composeExtension/fetchTask",
                value={
                    "commandId": "answerThis",
                    "messagePayload": {"id": name, "body": {"content": "How?"}},
                },
            )
            for name in (f"m1:{BOB}", "m\0", "x" * 101)
        ),
    ],
)
def test_what_teams_would_never_send_is_refused(kit: TeamsKit, broken):
    with pytest.raises(MalformedPayload):
        kit.app(broken)
    assert kit.questions == []


def test_an_unknown_invoke_is_not_found_and_an_unknown_activity_is_nothing(kit: TeamsKit):
    assert kit.app(activity("invoke", name="signin/verifyState")).status == 404
    assert kit.app(activity("trace")) is None
    assert kit.app(activity("message", value={"a": "form"})) is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<at>Bob Berg</at> may I?", "Bob Berg may I?"),
        ("<p>One</p><p>two &amp; three</p>", "One\ntwo & three"),
        ("a&nbsp;b<br/>c", "a b\nc"),
        ("3 &lt; 4", "3 < 4"),
        ("a\0b", "ab"),
    ],
)
def test_markup_is_read_as_text(written, read):
    assert plain(written) == read


@pytest.mark.parametrize("piece", ["<at>", "<at", "<", "<br ", "</at>", "&lt;"])
def test_no_markup_keeps_the_reader_busy(piece):
    began = time.monotonic()
    plain(piece * (40_000 // len(piece)))
    assert time.monotonic() - began < 0.25
