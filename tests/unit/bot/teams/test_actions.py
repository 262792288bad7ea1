"""Clicks carry an id; whether the person may is asked of the database."""

import pytest

from answerloop.db.repositories import feedback
from answerloop.domain import Respond
from bot.payload import MalformedPayload
from tests.unit.bot.teams.teams_kit import (
    ADA,
    ALICE,
    BOB,
    CHANNEL,
    GROUP,
    PERSONAL,
    TENANT,
    THREAD,
    TeamsKit,
    activity,
    click,
    mention,
    message,
)

ME, BOBS = f"teams:{TENANT}:{ALICE}", f"teams:{TENANT}:{BOB}"


@pytest.fixture
def answer(kit: TeamsKit) -> str:
    kit.app(message())
    return kit.answered()


@pytest.fixture
def shared(kit: TeamsKit) -> str:
    kit.app(mention())
    return kit.answered()


def test_a_thumb_counts_once_and_can_be_changed(kit: TeamsKit, answer):
    assert kit.told(click("up", {"answer": answer})).startswith("Thank you")
    kit.app(click("up", {"answer": answer}))
    kit.app(click("down", {"answer": answer, "reason": "outdated", "better": "95 days, see the new handbook."}))
    assert kit.feedback == [(ME, "down", "outdated", "95 days, see the new handbook.")]


def test_somebody_may_say_in_their_words_what_is_wrong_and_where_it_is_written(kit: TeamsKit, answer):
    said = {"comment": "These are last year's numbers.", "source": "The handbook, chapter 3"}
    assert kit.told(click("down", {"answer": answer, **said})).startswith("Thank you")
    with kit.database.reading() as session:
        given = feedback.of_person(session, answer, ME)
    assert given is not None
    assert (given.comment, given.source) == (said["comment"], said["source"])


def test_who_rates_too_much_is_told_so(database):
    kit = TeamsKit(database, ratings_a_day=0)
    kit.app(message())
    answer = kit.answered()
    assert "answers today" in kit.told(click("up", {"answer": answer}))


@pytest.mark.parametrize("verb", ["up", "down", "human"])
def test_a_private_answer_is_nobody_elses(kit: TeamsKit, answer, verb):
    for elsewhere in (PERSONAL, GROUP, THREAD):
        assert "not there" in kit.told(click(verb, {"answer": answer}, elsewhere, user=BOB))
    assert kit.feedback == []


def test_everybody_in_the_channel_may_rate_and_nobody_outside(kit: TeamsKit, shared):
    kit.app(click("up", {"answer": shared}, THREAD, user=BOB))
    assert "not there" in kit.told(click("up", {"answer": shared}, GROUP, user=ADA))
    assert kit.feedback == [(BOBS, "up", None, None)]


def test_only_the_asker_takes_an_answer_back(kit: TeamsKit, shared):
    assert "Only the person who asked" in kit.told(click("retract", {"answer": shared}, THREAD, user=BOB))
    assert kit.told(click("retract", {"answer": shared}, THREAD)) == "The answer is taken back."
    assert "not there" in kit.told(click("up", {"answer": shared}, THREAD))


@pytest.mark.parametrize(
    "data", [{}, {"answer": 5}, {"answer": "unknown", "reason": "rude"}, {"answer": ["a"]}, {"answer": None}]
)
def test_what_no_card_of_ours_could_send_is_refused(kit: TeamsKit, data):
    with pytest.raises(MalformedPayload):
        kit.app(click("down", data))


def test_a_human_is_called_in_the_thread(database):
    kit = TeamsKit(database, people=[ADA])
    kit.app(mention())
    answer = kit.answered()
    assert "asked" in kit.told(click("human", {"answer": answer}, THREAD, user=BOB))
    kit.app(click("human", {"answer": answer}, THREAD))
    [(kind, _)] = kit.notices
    assert kind == "escalation"
    assert kit.told(click("resolve", {"answer": answer}, THREAD, user=ADA)).startswith("Thank you")


def test_a_private_question_calls_people_in_their_own_chats(database):
    kit = TeamsKit(database, people=[ADA, BOB])
    kit.app(message(user=ADA))
    kit.app(message())
    answer = kit.answered()
    kit.app(click("human", {"answer": answer}))
    notices = [row for row in kit.rows(_notice_table()) if row.kind == "escalation"]
    assert sorted((row.address["account"], row.address["conversation"]) for row in notices) == [
        (f"29:{ADA}", ""),
        (BOB, ""),
    ], "whom Teams has not named to us is called by their Entra id"
    assert kit.told(click("resolve", {"answer": answer}, user=ADA)).startswith("Thank you")
    assert "not there" in kit.told(click("resolve", {"answer": answer}, user="oid-eve"))


def test_a_private_question_is_called_for_in_the_channel_for_that(database):
    kit = TeamsKit(database, people=[ADA], channel=CHANNEL)
    kit.app(message())
    kit.app(click("human", {"answer": kit.answered()}))
    [row] = [row for row in kit.rows(_notice_table()) if row.kind == "escalation"]
    assert (row.address["conversation"], row.room) == (CHANNEL, f"teams:{TENANT}:{CHANNEL}")


def test_where_nobody_can_be_called_the_asker_is_told(kit: TeamsKit, answer):
    assert "I know nobody" in kit.told(click("human", {"answer": answer}))


def test_a_private_answer_can_be_shared_and_is_then_answered_for_everybody_there(kit: TeamsKit):
    kit.settle(CHANNEL, ephemeral=True)
    kit.app(mention())
    share = click("share", {"answer": kit.answered()})
    assert "for everybody who reads along" in kit.told(share)
    assert "shared this already" in kit.told(share)
    private, shared = kit.questions
    assert (private.room, shared.room) == (None, f"teams:{TENANT}:{CHANNEL}")
    assert (shared.text, shared.asker) == (private.text, ME)
    assert kit.addresses[1] == kit.addresses[0] | {"private": False, "message": None}


def test_what_was_asked_alone_or_by_somebody_else_is_not_shared(kit: TeamsKit, answer):
    assert "nowhere to share it" in kit.told(click("share", {"answer": answer}))
    kit.settle(CHANNEL, ephemeral=True)
    kit.app(mention())
    assert "not there" in kit.told(click("share", {"answer": kit.answered()}, user=BOB))
    kit.settle(CHANNEL, respond=Respond.OFF)
    assert "do not answer in this channel" in kit.told(click("share", {"answer": kit.answered()}))
    assert len(kit.questions) == 2


def test_a_suggestion_is_accepted_by_its_author_alone(kit: TeamsKit):
    kit.app(mention(id="1700"))
    kit.answered()
    kit.app(message("It is 95 days.", THREAD, user=BOB))
    [notice] = kit.rows(_notice_table())
    assert "not there" in kit.told(click("accept", {"notice": notice.id}, user=ADA))
    assert kit.told(click("dismiss", {"notice": notice.id}, user=BOB)) == "All right."
    assert kit.feedback == []
    kit.app(click("accept", {"notice": notice.id}, user=BOB))
    assert kit.feedback == [(BOBS, None, None, "It is 95 days.")]


@pytest.mark.parametrize("conversation", [PERSONAL, THREAD])
def test_a_reaction_is_a_weak_verdict(kit: TeamsKit, conversation):
    kit.app((message if conversation == PERSONAL else mention)(conversation=conversation))
    answer = kit.answered()
    like = {"reactionsAdded": [{"type": "like"}], "replyToId": "shown"}
    kit.app(activity("messageReaction", conversation, **like))
    assert kit.feedback == [(ME, "up", None, None)]
    kit.app(activity("messageReaction", conversation, reactionsRemoved=[{"type": "like"}], replyToId="shown"))
    assert kit.feedback == []
    kit.app(click("down", {"answer": answer}, conversation))
    kit.app(activity("messageReaction", conversation, **like))
    assert kit.feedback == [(ME, "down", None, None)]


def _notice_table() -> type:
    from answerloop.db.tables import NoticeRow

    return NoticeRow
