"""What people click: it counts once, for whoever may, and everybody else is told that there is no such answer."""

import json

import pytest
from sqlalchemy import select

from answerloop.db.session import DuplicateKey
from answerloop.db.tables import DeliveryRow, FeedbackRow, NoticeRow
from answerloop.domain import NoticeKind, Respond, Thumb
from bot.feedback import FeedbackBox
from bot.slack import views
from bot.slack.actions import GONE, Actions
from bot.slack.messages import OFF
from tests.unit.bot.slack.slack_kit import (
    ALICE,
    BOB,
    CHANNEL,
    DIRECT,
    RESPONSE_URL,
    TEAM,
    SlackKit,
    click,
    direct,
    event,
    mention,
    reaction,
    shortcut,
    submitted,
)

ELSEWHERE = "C02"
DETAILS = {"reason": {"reason": {"selected_option": {"value": "outdated"}}}, "better": {"better": {"value": "95 days"}}}


@pytest.fixture
def answer(kit: SlackKit) -> str:
    """Alice asked where everybody in the channel reads along."""
    kit.send(mention())
    return kit.answer()


@pytest.fixture
def private(kit: SlackKit) -> str:
    """Alice asked for herself, in the channel."""
    kit.ask()
    return kit.answer()


def escalations(kit: SlackKit) -> list[NoticeRow]:
    with kit.database.reading() as session:
        return list(session.scalars(select(NoticeRow).where(NoticeRow.kind == NoticeKind.ESCALATION)))


# --- whose answer it is


STRANGERS = [
    pytest.param({"user": BOB, "channel": ELSEWHERE}, id="another channel"),
    pytest.param({"user": BOB, "team": "T02"}, id="the same channel id of another workspace"),
    pytest.param({"user": ALICE, "team": "T02", "channel": ELSEWHERE}, id="the same user id of another workspace"),
]
CLICKS = [
    ("answer_up", "{}"),
    ("answer_down", "{}"),
    ("answer_feedback", "up:{}"),
    ("answer_human", "{}"),
    ("answer_share", "{}"),
    ("escalation_resolved", "{}"),
]


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize(("action", "value"), CLICKS)
def test_an_answer_of_another_place_is_not_there(kit, answer, action, value, who):
    assert kit.send(click(action, value.format(answer), **who)).status == 200
    kit.run_jobs()
    assert kit.told() == [GONE]
    assert (kit.opinions(), escalations(kit), len(kit.questions())) == ({}, [], 1)


@pytest.mark.parametrize("user", [BOB, "UHELP"])
@pytest.mark.parametrize(("action", "value"), CLICKS)
def test_a_private_answer_is_nobody_elses_in_the_same_channel(kit, private, action, value, user):
    kit.send(click(action, value.format(private), user=user))
    kit.run_jobs()
    assert kit.told() == [GONE]
    assert (kit.opinions(), escalations(kit), len(kit.questions())) == ({}, [], 1)


@pytest.mark.parametrize(("action", "value"), [*CLICKS, ("answer_retract", "{}"), ("suggestion_accept", "{}")])
@pytest.mark.parametrize("unknown", ["none", "0" * 32, "x" * 2000, "' OR 1=1 --", "up:up:up"])
def test_what_never_was_is_not_there(kit, answer, action, value, unknown):
    kit.send(click(action, value.format(unknown)))
    kit.run_jobs()
    assert kit.told() == [GONE]


@pytest.mark.parametrize(
    ("action", "value"), [("answer_feedback", "sideways:a1"), ("answer_feedback", "up:"), ("answer_feedback", "up")]
)
def test_a_thumb_that_is_none_is_refused(kit, answer, action, value):
    assert kit.send(click(action, value)).status == 400
    assert (kit.opinions(), kit.notices()) == ({}, [])


def test_a_click_without_a_value_is_refused(kit, answer):
    payload = click("answer_human", "x")
    del payload["actions"][0]["value"]
    assert kit.send(payload).status == 400


def test_an_answer_that_was_taken_back_takes_nothing_any_more(kit, answer):
    kit.send(click("answer_retract", answer))
    kit.run_jobs()
    for action in ("answer_up", "answer_human", "answer_share"):
        kit.send({**click(action, answer), "trigger_id": action})
    kit.run_jobs()
    assert kit.told() == [GONE] * 3


# --- thumbs


@pytest.mark.parametrize("user", [ALICE, BOB])
@pytest.mark.parametrize(("action", "value"), [("answer_up", "{}"), ("answer_feedback", "up:{}")])
def test_whoever_reads_along_rates_once_and_is_thanked_once(kit, answer, user, action, value):
    for _ in range(2):
        assert kit.send(click(action, value.format(answer), user=user)).status == 200
    kit.run_jobs()
    assert kit.opinions() == {user: ("up", None, None)}
    assert kit.told() == ["thanks"]


def test_changing_ones_mind_changes_the_thumb(kit, answer):
    for action in ("answer_up", "answer_down", "answer_up"):
        kit.send(click(action, answer))
    assert kit.opinions() == {ALICE: ("up", None, None)}


def test_a_thumb_down_asks_why_and_names_the_answer_and_nothing_else(kit, answer):
    dialog = kit.actions.thumb(click("answer_down", answer), f"down:{answer}")
    assert dialog["private_metadata"] == answer
    assert kit.actions.thumb(click("answer_up", answer), f"up:{answer}") is None
    assert kit.actions.thumb(click("answer_down", "none"), "down:none") is None


def test_an_answer_that_is_not_finished_cannot_be_rated_and_that_is_said(kit):
    kit.send(mention())
    [question] = kit.questions()
    kit.send(click("answer_up", kit.view(question.id).answer_id))
    kit.run_jobs()
    assert kit.told() == ["The answer is not finished yet."]
    assert kit.opinions() == {}


def test_what_is_told_to_one_person_stays_where_they_clicked(kit, answer):
    kit.send(click("answer_up", answer, user=BOB))
    with kit.database.reading() as session:
        [told] = session.scalars(select(NoticeRow))
    assert told.address == {
        "workspace": TEAM, "channel": CHANNEL, "user": BOB, "mode": "ephemeral", "thread": "1700.0001",
        "message": None, "response_url": None, "language": "en",
    }  # fmt: skip


def test_a_second_click_at_the_same_moment_is_no_error(kit, answer):
    class Raced(FeedbackBox):
        raced = False

        def give(self, *arguments, **named):
            if not self.raced:
                self.raced = True
                raise DuplicateKey("UNIQUE constraint failed: feedback.answer_id, feedback.person")
            super().give(*arguments, **named)

    actions = Actions(Raced(kit.database), kit.people, kit.messages)
    actions.thumb(click("answer_up", answer), f"up:{answer}")
    assert kit.opinions() == {ALICE: ("up", None, None)}


# --- why the thumb is down


def test_reason_and_better_answer_are_kept_beside_the_thumb(kit, answer):
    kit.send(click("answer_down", answer, user=BOB))
    for _ in range(2):
        response = kit.send(submitted(views.FEEDBACK_DETAILS, answer, DETAILS, user=BOB))
        assert response.status == 200
        told = json.loads(response.body)
        assert (told["response_action"], told["view"]) == ("update", views.thanked())
    assert kit.opinions() == {BOB: ("down", "outdated", "95 days")}


def test_the_dialog_takes_words_and_where_the_better_answer_is_written(kit, answer):
    kit.send(click("answer_down", answer))
    for name, value in (("source", "page 3"), ("comment", "Too short."), ("better", "95 days")):
        kit.send(submitted(views.FEEDBACK_DETAILS, answer, {name: {name: {"value": value}}}))
    with kit.database.reading() as session:
        [row] = session.scalars(select(FeedbackRow))
    assert (row.correction, row.source, row.comment, row.via) == ("95 days", "page 3", "Too short.", "form")


def test_a_second_click_does_not_lose_what_was_written(kit, answer):
    kit.send(click("answer_down", answer))
    kit.send(submitted(views.FEEDBACK_DETAILS, answer, DETAILS))
    kit.send(click("answer_down", answer))
    assert kit.opinions() == {ALICE: ("down", "outdated", "95 days")}
    kit.send(click("answer_up", answer))
    assert kit.opinions() == {ALICE: ("up", None, "95 days")}


@pytest.mark.parametrize(
    ("values", "block"),
    [
        ({}, "reason"),
        ({"reason": {"reason": {"selected_option": None}}, "better": {"better": {"value": None}}}, "reason"),
        ({"better": {"better": {"value": "x" * 4001}}}, "better"),
        ({"better": {"better": {"value": "a\0b"}}}, "better"),
        ({"source": {"source": {"value": "x" * 1001}}}, "source"),
        ({"comment": {"comment": {"value": "a\0b"}}}, "comment"),
    ],
)
def test_a_dialog_that_lacks_something_says_where(kit, answer, values, block):
    kit.send(click("answer_down", answer))
    response = kit.send(submitted(views.FEEDBACK_DETAILS, answer, values))
    assert f'"errors": {{"{block}"' in response.body
    assert kit.opinions() == {ALICE: ("down", None, None)}


@pytest.mark.parametrize("who", [{"user": BOB}, {"team": "T02"}])
def test_whoever_gave_no_thumb_explains_none(kit, answer, who):
    """The answer's id in the dialog is what its sender says."""
    kit.send(click("answer_down", answer))
    assert GONE in kit.send(submitted(views.FEEDBACK_DETAILS, answer, DETAILS, **who)).body
    assert kit.opinions() == {ALICE: ("down", None, None)}


def test_a_dialog_about_an_answer_that_was_taken_back_says_so(kit, answer):
    kit.send(click("answer_down", answer))
    kit.send(click("answer_retract", answer))
    for named in (answer, "none"):
        assert GONE in kit.send(submitted(views.FEEDBACK_DETAILS, named, DETAILS)).body


@pytest.mark.parametrize(
    "view",
    [
        {"private_metadata": ""},
        {"state": {"values": {"reason": {"reason": {"selected_option": {"value": "because"}}}}}},
    ],
)
def test_a_dialog_that_is_none_of_ours_is_refused(kit, answer, view):
    kit.send(click("answer_down", answer))
    payload = submitted(views.FEEDBACK_DETAILS, answer, DETAILS)
    payload["view"] |= view
    assert kit.send(payload).status == 400
    assert kit.opinions() == {ALICE: ("down", None, None)}


# --- asking for a human, and taking care


@pytest.mark.parametrize("user", [ALICE, BOB])
def test_whoever_reads_along_may_call_for_help_once(kit, answer, user):
    for _ in range(2):
        kit.send(click("answer_human", answer, user=user))
    kit.run_jobs()
    [call] = escalations(kit)
    assert (call.room, call.people, call.address["thread"]) == (
        f"slack:{TEAM}:{CHANNEL}",
        [f"slack:{TEAM}:UHELP"],
        "1700.0001",
    )
    [shown] = kit.chat.shown.values()
    assert shown.escalation.asked_by == f"slack:{TEAM}:{user}"


def test_where_there_is_nobody_to_call_that_is_said(database):
    kit = SlackKit(database, helpers=())
    kit.ask()
    answer = kit.answer()
    kit.send(click("answer_human", answer))
    kit.run_jobs()
    assert kit.told() == ["I know nobody here whom I could ask for you."]
    assert escalations(kit) == []
    kit.app.later.close()


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ({"user": "UHELP", "channel": "DHELP"}, True),
        ({"user": ALICE, "channel": DIRECT}, True),
        ({"user": BOB, "channel": CHANNEL}, True),
        ({"user": BOB, "channel": ELSEWHERE}, False),
        ({"user": "UHELP", "channel": "DHELP", "team": "T02"}, False),
    ],
)
def test_who_was_called_and_who_stands_there_take_care(kit, answer, who, may):
    kit.send(click("answer_human", answer))
    for _ in range(2):
        kit.send(click("escalation_resolved", answer, **who))
    kit.run_jobs()
    [shown] = kit.chat.shown.values()
    assert (shown.escalation.resolved_by == f"slack:{TEAM}:{who['user']}") is may
    assert (GONE in kit.told()) is not may


def test_what_nobody_called_for_cannot_be_taken_care_of(kit, answer):
    kit.send(click("escalation_resolved", answer))
    kit.run_jobs()
    [shown] = kit.chat.shown.values()
    assert shown.escalation is None


# --- taking back


def test_the_asker_takes_an_answer_back_once(kit, answer):
    for _ in range(2):
        kit.send(click("answer_retract", answer))
    kit.run_jobs()
    assert (kit.chat.messages, kit.told()) == ({}, [])


@pytest.mark.parametrize("who", [{"user": BOB}, {"team": "T02"}])
def test_nobody_else_takes_an_answer_back(kit, answer, who):
    kit.send(click("answer_retract", answer, **who))
    kit.run_jobs()
    assert kit.told() == ["Only the person who asked can take the answer back."]
    assert len(kit.chat.shown) == 1


# --- sharing


def test_a_private_answer_is_shared_once_and_that_is_said(kit, private):
    kit.send(click("answer_share", private, alone=True))
    kit.send({**click("answer_share", private, alone=True), "trigger_id": "again"})
    kit.run_jobs()
    asked, shared = kit.questions()
    assert (shared.text, shared.room, shared.asker) == (asked.text, f"slack:{TEAM}:{CHANNEL}", asked.asker)
    assert shared.conversation_id != asked.conversation_id
    assert kit.told() == ["You have shared this already."]


def test_the_same_question_can_be_shared_again_when_it_was_asked_again(kit, private):
    kit.send(click("answer_share", private))
    kit.answer()
    kit.ask(trigger="t2")
    kit.send(click("answer_share", kit.answer()))
    assert [question.room is None for question in kit.questions()] == [True, False, True, False]


def test_sharing_too_much_is_slowed_down_and_no_error(kit, private):
    for number in range(19):
        kit.ask(trigger=f"t-{number}")
    assert kit.send(click("answer_share", private)).status == 200
    kit.run_jobs()
    assert "20 questions" in kit.told()[0]
    assert len(kit.questions()) == 20


@pytest.mark.parametrize(
    ("settings", "why"), [({"respond": Respond.OFF}, OFF), ({"allow": (BOB,)}, "only answer some")]
)
def test_nothing_is_shared_where_we_are_not_to_speak(kit, private, settings, why):
    kit.settings(**settings)
    kit.send(click("answer_share", private))
    kit.run_jobs()
    assert why in kit.told()[0]
    assert len(kit.questions()) == 1


# --- a click lets us change what only its reader sees


def address_of(kit: SlackKit, answer: str) -> dict:
    with kit.database.reading() as session:
        rows = {kit.view(row.question_id).answer_id: row.address for row in session.scalars(select(DeliveryRow))}
    return rows[answer]


@pytest.mark.parametrize("action", ["answer_human", "answer_retract"])
def test_what_came_of_a_click_on_a_private_answer_is_shown_in_its_place(kit, private, action):
    assert address_of(kit, private)["response_url"] != RESPONSE_URL
    kit.send(click(action, private, alone=True))
    assert address_of(kit, private)["response_url"] == RESPONSE_URL
    assert kit.queue.jobs[0].task in ("deliver.answer", "deliver.withdraw")


@pytest.mark.parametrize(("user", "alone"), [(BOB, True), (ALICE, False)])
def test_a_click_elsewhere_does_not_lead_a_private_answer_away(kit, private, user, alone):
    before = address_of(kit, private)
    kit.send(click("answer_human", private, user=user, alone=alone))
    assert address_of(kit, private) == before


def test_an_answer_for_all_keeps_its_place(kit, answer):
    before = address_of(kit, answer)
    kit.send(click("answer_human", answer, alone=True))
    assert address_of(kit, answer) == before


# --- better answers


def suggestion(kit: SlackKit) -> str:
    """Bob's reply below the answer has been offered to him; the id of the notice."""
    kit.send(event("Ev2", user=BOB, text="It is 95 days.", ts="1700.0005", thread_ts="1700.0001"))
    with kit.database.reading() as session:
        return session.scalars(select(NoticeRow.id).where(NoticeRow.kind == NoticeKind.SUGGESTION)).one()


def test_ones_own_reply_becomes_the_better_answer_once(kit, answer):
    notice = suggestion(kit)
    for _ in range(2):
        kit.send(click("suggestion_accept", notice, user=BOB))
    kit.run_jobs()
    assert kit.opinions() == {BOB: (None, None, "It is 95 days.")}
    assert [kind for kind, _ in kit.notices()].count("thanks") == 1


def test_a_reply_that_is_to_stay_a_reply_is_nothing_more(kit, answer):
    kit.send(click("suggestion_dismiss", suggestion(kit), user=BOB))
    assert kit.opinions() == {}


@pytest.mark.parametrize("who", [{"user": ALICE}, {"user": BOB, "team": "T02"}])
def test_nobody_accepts_somebody_elses_reply(kit, answer, who):
    kit.send(click("suggestion_accept", suggestion(kit), **who))
    kit.run_jobs()
    assert kit.opinions() == {}
    assert GONE in kit.told()


def test_the_shortcut_suggests_any_reply_below_an_answer(kit, answer):
    kit.send(shortcut("suggest_answer", "<@UALICE> it is &gt; 90", user=BOB, thread_ts="1700.0001"))
    kit.run_jobs()
    assert kit.opinions() == {BOB: (None, None, "@UALICE it is > 90")}
    assert kit.told() == ["thanks"]


@pytest.mark.parametrize("message", [{}, {"thread_ts": "1700.0001", "text": ""}])
def test_what_is_no_reply_cannot_be_suggested_and_that_is_said(kit, answer, message):
    assert kit.send(shortcut("suggest_answer", **{"text": "It is 95 days.", **message})).status == 200
    kit.run_jobs()
    assert kit.told() == ["Choose a reply below one of my answers."]


@pytest.mark.parametrize("thread", ["1600.0001", f"ask:{ALICE}", ""])
def test_a_thread_that_is_none_of_ours_takes_no_suggestion(kit, private, thread):
    """The thread is what its sender says: it names no private conversation."""
    kit.send(shortcut("suggest_answer", "It is 95 days.", user=BOB, thread_ts=thread))
    assert kit.opinions() == {}
    assert [kind for kind, _ in kit.notices()] == ["refused"]


def test_nobody_suggests_a_better_answer_for_one_that_they_do_not_see(kit):
    kit.settings(ephemeral=True)
    kit.send(mention())
    kit.answer()
    kit.send(event("Ev2", user=BOB, text="It is 95 days.", ts="1700.0005", thread_ts="1700.0001"))
    kit.send(shortcut("suggest_answer", "It is 95 days.", user=BOB, thread_ts="1700.0001"))
    kit.run_jobs()
    assert (kit.opinions(), kit.told()) == ({}, [GONE])


# --- reactions


def shown_as(kit: SlackKit) -> str:
    with kit.database.reading() as session:
        return session.scalars(select(DeliveryRow.message_id)).one()


@pytest.mark.parametrize(("name", "thumb"), [("+1", "up"), ("thumbsup::skin-tone-2", "up"), ("-1", "down")])
def test_a_thumb_below_an_answer_counts_while_it_stands(kit, answer, name, thumb):
    kit.send(reaction(name, shown_as(kit), BOB))
    assert kit.opinions() == {BOB: (thumb, None, None)}
    kit.send(reaction(name, shown_as(kit), BOB, given=False))
    assert kit.opinions() == {}


def test_a_thumb_in_direct_messages_counts_too(kit):
    kit.send(direct())
    kit.answer()
    kit.send(reaction("+1", shown_as(kit), channel=DIRECT))
    assert kit.opinions() == {ALICE: ("up", None, None)}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "eyes"},
        {"name": "+1", "message": "1700.0001"},
        {"name": "+1", "channel": ELSEWHERE},
    ],
)
def test_what_is_no_thumb_below_an_answer_of_that_channel_counts_nothing(kit, answer, changes):
    assert kit.send(reaction(**{"message": shown_as(kit), "user": BOB, **changes})).status == 200
    assert kit.opinions() == {}


def test_a_thumb_below_somebodys_direct_answer_is_nobody_elses(kit):
    kit.send(direct())
    kit.answer()
    kit.send(reaction("+1", shown_as(kit), BOB, channel=DIRECT))
    kit.send(reaction("+1", shown_as(kit), BOB, channel=CHANNEL))
    assert kit.opinions() == {}


def test_a_thumb_below_an_answer_never_replaces_a_click(kit, answer):
    kit.feedback.rate(f"slack:{TEAM}:{BOB}", answer, Thumb.DOWN, f"slack:{TEAM}:{CHANNEL}")
    kit.send(reaction("+1", shown_as(kit), BOB))
    kit.send(reaction("+1", shown_as(kit), BOB, given=False))
    assert kit.opinions() == {BOB: ("down", None, None)}


# --- the shown answer follows the rows


def test_every_click_changes_one_message(kit, answer):
    for action in ("answer_up", "answer_human", "escalation_resolved"):
        kit.send(click(action, answer))
        kit.run_jobs()
    assert len(kit.chat.shown) == 1
