"""What people write becomes a question, a follow-up, a suggestion or nothing; never two of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from answerloop.db.tables import NoticeRow
from answerloop.domain import Notice, NoticeKind, Respond
from answerloop.errors import DatabaseUnavailable, DeliveryImpossible
from answerloop.slack.notices import render_notice
from tests.unit.bot.slack.slack_kit import (
    ALICE,
    BOB,
    BOT,
    CHANNEL,
    RESPONSE_URL,
    TEAM,
    SlackKit,
    direct,
    event,
    mention,
    shortcut,
)


def test_a_mention_is_a_question_for_everybody_in_the_channel(kit: SlackKit):
    assert kit.send(mention()).status == 200
    [question] = kit.questions()
    assert (question.text, question.asker, question.room) == (
        "How many days?",
        f"slack:{TEAM}:{ALICE}",
        "slack:T01:C01",
    )
    assert kit.address() == {
        "workspace": TEAM, "channel": CHANNEL, "user": ALICE, "mode": "thread", "thread": "1700.0001",
        "message": "1700.0001", "response_url": None, "language": "en",
    }  # fmt: skip
    assert [job.task for job in kit.queue.jobs] == ["deliver.progress", "answer.question"]


def test_a_direct_message_is_a_question_for_its_asker_alone(kit: SlackKit):
    kit.send(direct())
    assert [(q.text, q.room) for q in kit.questions()] == [("How many days?", None)]


def test_one_mention_that_arrives_as_two_events_three_times_is_one_question(kit: SlackKit):
    for _ in range(3):
        kit.send(mention(event_id="Ev1"))
        kit.send(event("Ev2", text=f"<@{BOT}> How many days?", client_msg_id="c1"))
    assert len(kit.questions()) == 1


@pytest.mark.parametrize(
    "noise",
    [
        event(text="How many?", bot_id="B1"),
        event(text="How many?", subtype="bot_message"),
        event(subtype="channel_join", text=f"<@{ALICE}> has joined"),
        mention(bot_id="B1"),
        event("Ev9", type="team_rename", name="x"),
    ],
)
def test_bots_and_noise_are_acknowledged_and_nothing_else(kit: SlackKit, noise):
    kit.settings(respond=Respond.ALL)
    assert kit.send(noise).status == 200
    assert kit.questions() == []


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
def test_rooms_say_what_is_answered_without_a_mention(kit: SlackKit, respond, text, asked):
    kit.settings(respond=respond)
    kit.send(event(text=text))
    assert len(kit.questions()) == asked


def test_the_asker_goes_on_in_the_thread_without_a_mention(kit: SlackKit):
    kit.send(mention())
    kit.send(event("Ev2", text="and for contractors", ts="1700.0003", thread_ts="1700.0001"))
    first, second = kit.questions()
    assert second.conversation_id == first.conversation_id


def test_a_thread_that_is_not_ours_is_left_alone(kit: SlackKit):
    kit.send(event(text="and for contractors?", ts="1700.0003", thread_ts="1600.0001"))
    assert kit.questions() == []


def test_a_mention_where_we_are_off_is_answered_for_its_person_alone(kit: SlackKit):
    kit.settings(respond=Respond.OFF)
    for _ in range(2):
        kit.send(mention())
    assert kit.questions() == []
    [(kind, text)] = kit.notices()
    assert (kind, "direct message" in text) == ("refused", True)


def test_only_the_allowed_people_are_listened_to(kit: SlackKit):
    kit.settings(allow=(BOB,))
    kit.send(mention())
    kit.send(mention(event_id="Ev2", user=BOB, ts="1700.0002"))
    assert [question.asker for question in kit.questions()] == [f"slack:{TEAM}:{BOB}"]


def test_a_private_room_answers_with_the_askers_own_rights(kit: SlackKit):
    kit.settings(ephemeral=True)
    kit.send(mention())
    assert (kit.questions()[0].room, kit.address()["mode"]) == (None, "ephemeral")


def test_a_room_may_be_limited_to_some_sources(kit: SlackKit):
    kit.settings(sources=("/srv/hr",))
    kit.send(mention())
    assert kit.questions()[0].sources == ["/srv/hr"]


def test_an_empty_mention_is_told_how_to_ask(kit: SlackKit):
    kit.send(mention(f"<@{BOT}>"))
    assert kit.questions() == []
    [(kind, text)] = kit.notices()
    assert text.startswith("Ask me a question")
    assert render_notice(Notice("n1", NoticeKind(kind), text), "en").text == text, "it has no markup to lose"


def test_too_many_questions_are_slowed_down_and_said_so(kit: SlackKit):
    for number in range(22):
        assert kit.send(mention(event_id=f"Ev{number}", ts=f"1700.1{number:03}")).status == 200
    assert len(kit.questions()) == 20
    assert [kind for kind, _ in kit.notices()] == ["slow_down", "slow_down"]


def test_an_edited_question_is_asked_anew_and_a_deleted_one_is_not_answered(kit: SlackKit):
    kit.send(mention())
    changed = {"user": ALICE, "ts": "1700.0001", "text": f"<@{BOT}> How many weeks?"}
    kit.send(event("Ev2", subtype="message_changed", message=changed, user=None))
    assert [question.text for question in kit.questions()] == ["How many weeks?"]
    kit.send(event("Ev3", subtype="message_deleted", deleted_ts="1700.0001", user=None))
    assert [question.state for question in kit.questions()] == ["cancelled"]
    assert [job.task for job in kit.queue.jobs][-2:] == ["answer.question", "deliver.withdraw"]


def test_a_question_whose_thread_lives_on_is_withdrawn_too(kit: SlackKit):
    """Slack leaves a tombstone where a message with replies was deleted, and calls it a change."""
    kit.send(mention())
    kit.answer()
    tombstone = {"user": "USLACKBOT", "subtype": "tombstone", "ts": "1700.0001", "text": "This message was deleted."}
    kit.send(event("Ev2", subtype="message_changed", message=tombstone, user=None))
    kit.run_jobs()
    assert [question.text for question in kit.questions()] == ["How many days?"]
    assert kit.chat.messages == {}


def test_a_preview_that_slack_adds_is_no_edit(kit: SlackKit):
    text = f"<@{BOT}> How many days of &lt;leave&gt;, see <https://a.example>?"
    kit.send(mention(text))
    kit.queue.jobs.clear()
    changed = {"user": ALICE, "ts": "1700.0001", "text": text, "attachments": [{"title": "A"}]}
    kit.send(event("Ev2", subtype="message_changed", message=changed, user=None))
    assert kit.queue.jobs == []


def test_our_own_message_that_was_changed_or_deleted_is_nothing_to_us(kit: SlackKit):
    kit.send(mention())
    kit.queue.jobs.clear()
    ours = {"user": BOT, "bot_id": "B1", "ts": "1700.0001", "text": "90 days"}
    kit.send(event("Ev2", subtype="message_changed", message=ours, user=None))
    kit.send(event("Ev3", subtype="message_deleted", deleted_ts="1700.0002", user=None))
    assert (kit.queue.jobs, kit.questions()[0].text) == ([], "How many days?")


def test_a_follow_up_that_is_also_sent_to_the_channel_is_one(kit: SlackKit):
    kit.send(mention())
    kit.send(event("Ev2", text="and weeks?", ts="1700.0003", thread_ts="1700.0001", subtype="thread_broadcast"))
    assert [question.text for question in kit.questions()] == ["How many days?", "and weeks?"]


def test_somebody_whose_id_begins_like_ours_is_somebody_else(kit: SlackKit):
    kit.send(event(text=f"<@{BOT}2> How many days?"))
    assert kit.questions() == []
    kit.send(event("Ev2", text=f"<@{BOT}|ask> How many days?"))
    assert kit.questions()[0].text == "How many days?"


def test_a_private_question_in_a_thread_is_no_part_of_what_is_asked_there_before_all(kit: SlackKit):
    kit.settings(ephemeral=True)
    kit.send(mention(f"<@{BOT}> Am I being dismissed?"))
    kit.answer("Not as far as I know [1]")
    kit.settings()
    kit.send(mention(f"<@{BOT}> How much notice?", event_id="Ev2", ts="1700.0002", thread_ts="1700.0001"))
    kit.answer("Four weeks [1]")
    kit.send(mention(f"<@{BOT}> And for managers?", event_id="Ev3", ts="1700.0003", thread_ts="1700.0001"))
    kit.answer()
    assert len({question.conversation_id for question in kit.questions()}) == 1
    assert [turn.question for turn in kit.asked.history] == ["How much notice?"]
    kit.settings(ephemeral=True)
    kit.send(mention(f"<@{BOT}> And for me?", event_id="Ev4", ts="1700.0004", thread_ts="1700.0001"))
    kit.answer()
    assert [turn.question for turn in kit.asked.history][:2] == ["Am I being dismissed?", "How much notice?"]


def test_the_command_answers_its_sender_alone_once(kit: SlackKit):
    for _ in range(2):
        assert "looking" in kit.ask().body
    assert [(q.text, q.room) for q in kit.questions()] == [("How many days?", None)]
    assert kit.address()["response_url"] == "https://hooks.slack.com/commands/1"
    assert "/ask" in kit.ask("", "t2").body


# --- the shortcut "Answer this"


def answer_this(text: str = "How many days?", user: str = BOB, **fields: Any) -> dict[str, Any]:
    return shortcut("answer_message", text, user, **fields)


def test_the_shortcut_answers_a_message_in_its_thread_once(kit: SlackKit):
    for user in (BOB, BOB, ALICE):
        assert kit.send(answer_this(user=user)).status == 200
    [question] = kit.questions()
    assert (question.text, question.asker, question.room) == ("How many days?", f"slack:{TEAM}:{BOB}", "slack:T01:C01")
    assert (kit.address()["thread"], kit.address()["mode"]) == ("1700.0009", "thread")


def test_the_shortcut_brings_along_how_to_reach_its_person_where_we_are_no_member(kit: SlackKit):
    kit.chat.failures = [DeliveryImpossible("not_in_channel")] * 2  # for the news, and for the answer
    kit.send(answer_this())
    kit.run_jobs()
    kit.answer()
    [told] = kit.told()
    assert "“How many days?”" in told
    assert "invite me" in told
    with kit.database.reading() as session:
        [notice] = session.scalars(select(NoticeRow))
    assert (notice.address["user"], notice.address["response_url"]) == (BOB, RESPONSE_URL)


def test_in_direct_messages_the_shortcut_answers_whoever_chose_it_alone(kit: SlackKit):
    """They may be those of two people, where we can write nothing for both."""
    kit.send(answer_this(channel="DBOBANDALICE"))
    assert [(q.asker, q.room) for q in kit.questions()] == [(f"slack:{TEAM}:{BOB}", None)]
    assert (kit.address()["mode"], kit.address()["response_url"]) == ("ephemeral", RESPONSE_URL)


def test_what_was_answered_for_one_alone_is_answered_for_another_one_too(kit: SlackKit):
    kit.settings(ephemeral=True)
    kit.send(mention("How many days?", ts="1700.0009"))
    for user in (BOB, BOB, ALICE):
        kit.send(answer_this(user=user))
    assert [q.asker for q in kit.questions()] == [f"slack:{TEAM}:{user}" for user in (ALICE, BOB, ALICE)]


def test_our_own_name_is_no_part_of_a_message_that_the_shortcut_answers(kit: SlackKit):
    kit.send(answer_this(f"<@{BOT}> How many days?"))
    assert kit.questions()[0].text == "How many days?"


@pytest.mark.parametrize(
    ("settings", "text"), [({"respond": Respond.OFF}, "hi?"), ({"allow": ("UEVE",)}, "hi?"), ({}, "")]
)
def test_everybody_whom_the_shortcut_does_not_answer_is_told_why(kit: SlackKit, settings, text):
    kit.settings(**settings)
    for user in (ALICE, BOB, BOB):
        kit.send(answer_this(text, user=user))
    kit.run_jobs()
    assert kit.questions() == []
    assert len(kit.told()) == 2


@pytest.mark.parametrize("missing", ["team", "channel", "user", "message"])
def test_a_shortcut_that_lacks_something_is_refused(kit: SlackKit, missing):
    payload = answer_this()
    del payload[missing]
    assert kit.send(payload).status == 400
    assert kit.questions() == []


# --- everything else


def test_what_was_not_stored_is_not_acknowledged(kit: SlackKit, monkeypatch):
    def down(**_: object) -> None:
        raise DatabaseUnavailable("disk full")

    monkeypatch.setattr(kit.database, "writing", down)
    assert kit.send(mention()).status == 503


def test_an_uninstalled_workspace_is_forgotten(kit: SlackKit):
    kit.send(event(type="app_uninstalled"))
    kit.send(event(type="tokens_revoked", tokens={"bot": ["UBOT"]}))
    assert kit.forgotten == [(TEAM, datetime.fromtimestamp(1_700_000_000, UTC))] * 2


def test_a_deleted_question_that_was_replied_to_leaves_a_tombstone_and_is_not_answered(kit: SlackKit):
    kit.send(mention())
    tombstone = {"subtype": "tombstone", "user": "USLACKBOT", "ts": "1700.0001", "text": "This message was deleted."}
    kit.send(event("Ev2", subtype="message_changed", message=tombstone, user=None))
    assert [(question.text, question.state) for question in kit.questions()] == [("How many days?", "cancelled")]


def test_in_a_private_room_each_person_has_a_message_answered(kit: SlackKit):
    kit.settings(ephemeral=True)
    for user in (ALICE, BOB, BOB):
        message = {"ts": "1700.0009", "text": "How many days?", "user": ALICE}
        kit.send({"type": "message_action", "callback_id": "answer_message", "team": {"id": TEAM}, "user": {"id": user},
                  "channel": {"id": CHANNEL}, "message": message, "trigger_id": "t"})  # fmt: skip
    assert [question.asker[-len(BOB) :] for question in kit.questions()] == [ALICE[-len(BOB) :], BOB]


@pytest.mark.parametrize("at", [None, "yesterday", 10**20])
def test_a_removal_at_no_time_is_refused(kit: SlackKit, at):
    assert kit.send(event(type="app_uninstalled") | {"event_time": at}).status == 400
    assert kit.forgotten == []
