"""Delivery to Slack, against a small server that fails when it is told to."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from answerloop.backends.chat_slack import PRIVATE, SlackDelivery
from answerloop.db.repositories import posts
from answerloop.db.tables import DeliveryRow, now
from answerloop.domain import Escalation, Notice, NoticeKind, Progress, Stage
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DeliveryUncertain, MessageDeleted
from answerloop.slack.address import Mode
from answerloop.slack.rendered import Style
from answerloop.testing.chat_suites import ANSWER, CALL, CORRECTED, READING, WAITING, SearchableChatSuite
from answerloop.testing.slack_server import BROKEN, GARBLED, LOST, Fault, SlackServer, too_many
from tests.contracts.slack_kit import ASKER, CHANNEL, COLLEAGUE, DIRECT, Slack
from tests.unit.workers.answering.desk_kit import Scene, ScriptedPipeline, says


@pytest.fixture
def slack() -> Iterator[Slack]:
    with SlackServer() as server:
        yield Slack(server)


class SlackSuite(SearchableChatSuite):
    style = Style.MODERN
    streams = True

    @pytest.fixture
    def platform(self, slack: Slack) -> Slack:
        slack.workspace.streams = self.streams
        return slack

    @pytest.fixture
    def chat(self, platform: Slack) -> SlackDelivery:
        return platform.delivery(self.style)

    @pytest.fixture
    def address(self, slack: Slack) -> dict[str, object]:
        return slack.address()


class TestSlack(SlackSuite):
    """With streams and the newest blocks."""


class TestSlackWithoutStreams(SlackSuite):
    streams = False


class TestSlackClassic(SlackSuite):
    style = Style.CLASSIC


class TestSlackDirect(SlackSuite):
    @pytest.fixture
    def platform(self, slack: Slack) -> Slack:
        slack.watched = DIRECT
        return slack

    @pytest.fixture
    def address(self, slack: Slack) -> dict[str, object]:
        question = slack.workspace.say(DIRECT, ASKER, "How long?")
        return slack.address(Mode.DIRECT, channel=DIRECT, thread=question, message=question)


@pytest.fixture
def chat(slack: Slack) -> SlackDelivery:
    return slack.delivery()


# --- what is posted


def test_every_post_says_what_it_is_about_and_previews_nothing(slack):
    chat = slack.delivery(Style.CLASSIC)
    chat.deliver(slack.address(), chat.open(slack.address(), WAITING), ANSWER)
    [posted] = slack.server.called("chat.postMessage")
    [updated] = slack.server.called("chat.update")
    assert posted["unfurl_links"] is posted["unfurl_media"] is False
    assert posted["thread_ts"] == slack.question
    for said in (posted, updated):
        assert said["metadata"] == {"event_type": "answerloop", "event_payload": {"subject": "q1"}}
        assert said["text"]
        assert said["parse"] == "none"
    assert {call.token for call in slack.server.calls} == {"xoxb-T01"}


def test_the_question_is_marked_from_its_arrival_to_its_answer(slack, chat):
    there = chat.open(slack.address(), WAITING)
    assert slack.reactions() == {"eyes"}
    assert slack.workspace.statuses == {(CHANNEL, slack.question): "One moment …"}
    chat.deliver(slack.address(), there, ANSWER)
    assert slack.reactions() == set()


def test_a_call_for_help_is_marked_until_somebody_takes_care(slack, chat):
    there = chat.deliver(slack.address(), None, replace(ANSWER, escalation=Escalation("slack:T01:U01DANA")))
    assert slack.reactions() == {"sos"}
    chat.deliver(slack.address(), there, replace(ANSWER, escalation=Escalation("a", "slack:T01:U02FINN")))
    assert slack.reactions() == {"white_check_mark"}
    chat.withdraw(slack.address(), there)
    assert slack.reactions() == set()


def test_the_steps_of_the_work_are_shown_while_it_lasts(slack, chat):
    there = chat.open(slack.address(), WAITING)
    chat.show(slack.address(), there, READING)
    chat.show(slack.address(), there, Progress("q1", Stage.WRITING))
    [message] = slack.messages()
    assert [(chunk["id"], chunk["status"]) for chunk in message["chunks"]] == [
        ("q1-searching", "complete"), ("q1-reading", "complete"), ("q1-writing", "in_progress"),
    ]  # fmt: skip


def test_a_stream_that_ended_by_itself_becomes_an_ordinary_message(slack, chat):
    there = chat.open(slack.address(), WAITING)
    slack.messages()[0]["streaming"] = False
    chat.show(slack.address(), there, READING)
    assert "Looking through" in slack.messages()[0]["text"]
    chat.deliver(slack.address(), there, ANSWER)
    [seen] = slack.seen()
    assert ANSWER.text in seen


def test_what_a_workspace_does_not_offer_is_asked_for_once(slack, chat):
    slack.workspace.streams = False
    slack.server.fails("assistant.threads.setStatus", Fault(error="missing_scope"))
    for _ in range(2):
        chat.open(slack.address(), WAITING)
    assert len(slack.server.called("chat.startStream")) == 1
    assert len(slack.server.called("assistant.threads.setStatus")) == 1


def test_a_stream_that_one_channel_refuses_is_offered_to_the_next(slack, chat):
    slack.server.fails("chat.startStream", Fault(error="restricted_action"))
    assert not str(chat.open(slack.address(), WAITING)).startswith("stream:")
    assert str(chat.open(slack.address(), WAITING)).startswith("stream:")


def test_decoration_that_fails_holds_nothing_up(slack, chat):
    for method in ("reactions.add", "assistant.threads.setStatus", "reactions.remove"):
        slack.server.fails(method, BROKEN, LOST, too_many(30))
    chat.deliver(slack.address(), chat.open(slack.address(), WAITING), ANSWER)
    assert len(slack.seen()) == 1


def test_blocks_that_are_refused_become_classic_ones(slack, chat):
    slack.workspace.modern = False
    there = chat.deliver(slack.address(), None, ANSWER)
    chat.deliver(slack.address(), there, CORRECTED)
    [message] = slack.messages()
    assert [block["type"] for block in message["blocks"]] == ["section", "context", "actions"]


def test_where_no_blocks_are_taken_there_are_words(slack, chat):
    slack.server.fails("chat.postMessage", Fault(error="invalid_blocks"), Fault(error="msg_blocks_too_long"))
    chat.deliver(slack.address(), None, ANSWER)
    [message] = slack.messages()
    assert (message["text"], message["blocks"]) == (ANSWER.text, [])


# --- what goes wrong


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (LOST, DeliveryUncertain),
        (GARBLED, DeliveryUncertain),
        (BROKEN, DeliveryUncertain),
        (Fault(error="internal_error"), DeliveryUncertain),
        (Fault(error="service_unavailable"), DeliveryUnavailable),
        (Fault(error="channel_not_found"), DeliveryImpossible),
        (Fault(error="a_word_of_next_year"), DeliveryImpossible),
    ],
)
def test_each_fault_is_what_it_means_for_a_second_try(slack, chat, fault, error):
    slack.server.fails("chat.postMessage", fault)
    with pytest.raises(error) as raised:
        chat.deliver(slack.address(), None, ANSWER)
    assert isinstance(raised.value, DeliveryUncertain) is (error is DeliveryUncertain)


def test_a_server_that_is_not_there_has_shown_nothing(slack):
    with SlackServer() as server:
        slack.server.url = server.url
    with pytest.raises(DeliveryUnavailable) as raised:
        slack.delivery().deliver(slack.address(), None, ANSWER)
    assert not isinstance(raised.value, DeliveryUncertain)


@pytest.mark.parametrize("there", [True, False])
def test_what_slack_says_about_waiting_holds_for_every_worker(slack, there):
    one, other = slack.delivery(), slack.delivery()
    message_id = one.deliver(slack.address(), None, ANSWER) if there else None
    method = "chat.update" if there else "chat.postMessage"
    slack.server.fails(method, too_many(30))
    waits = []
    for chat in (one, other):
        with pytest.raises(DeliveryUnavailable) as busy:
            chat.deliver(slack.address(), message_id, CORRECTED)
        waits.append(busy.value.retry_after_seconds)
    assert waits == [30, 30]
    slack.limiter.pass_time(30)
    other.deliver(slack.address(), message_id, CORRECTED)
    assert len(slack.server.called(method)) == 2


def test_a_channel_gets_its_messages_one_after_the_other(slack):
    chat = slack.delivery()
    for number in range(3):
        chat.deliver(slack.address(), None, replace(ANSWER, question_id=f"q{number}"))
    with pytest.raises(DeliveryUnavailable) as busy:
        chat.deliver(slack.address(), None, ANSWER)
    assert 0 < busy.value.retry_after_seconds <= 1
    assert len(slack.server.called("chat.postMessage")) == 3


def test_news_leave_places_to_answers(slack):
    slack.workspace.streams = False
    chat = slack.delivery()
    there = chat.open(slack.address(), WAITING)
    for _ in range(3):
        chat.show(slack.address(), there, READING)
    with pytest.raises(DeliveryUnavailable):
        chat.show(slack.address(), there, READING)
    chat.deliver(slack.address(), there, ANSWER)
    [seen] = slack.seen()
    assert ANSWER.text in seen


def test_an_answer_to_a_message_that_was_deleted_is_not_posted_anew(slack, chat):
    there = chat.deliver(slack.address(), None, ANSWER)
    slack.delete_all()
    with pytest.raises(MessageDeleted):
        chat.deliver(slack.address(), there, CORRECTED)
    chat.withdraw(slack.address(), there)
    assert slack.seen() == []


def test_a_message_that_slack_does_not_let_us_delete_is_no_success(slack, chat):
    there = chat.deliver(slack.address(), None, ANSWER)
    slack.server.fails("chat.delete", Fault(error="cant_delete_message"))
    with pytest.raises(DeliveryImpossible):
        chat.withdraw(slack.address(), there)


# --- for one reader alone


def command(slack: Slack, url: str | None = None) -> dict[str, Any]:
    """The address of a `/ask`."""
    url = url or slack.server.response_url("ask1")
    return slack.address(Mode.EPHEMERAL, thread=None, message=None, response_url=url)


def test_a_private_answer_replaces_the_acknowledgement_of_its_command(slack, chat):
    address = command(slack)
    assert chat.open(address, WAITING) is None
    chat.deliver(address, chat.deliver(address, None, ANSWER), CORRECTED)
    [shown] = slack.workspace.private
    assert shown["text"] == CORRECTED.text
    assert "You asked" in str(shown["blocks"]), "nobody else's message stands above it"
    assert slack.seen() == []
    chat.withdraw(address, PRIVATE)
    assert slack.workspace.private == []


def test_a_private_answer_after_half_an_hour_is_posted_once(slack, chat):
    address = command(slack, f"{slack.server.url}response/gone")
    there = chat.deliver(address, None, ANSWER)
    chat.deliver(address, there, ANSWER)
    [shown] = slack.workspace.private
    assert (shown["user"], shown["channel"], shown["text"]) == (ASKER, CHANNEL, ANSWER.text)


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "http://hooks.slack.com/x", "https://hooks.slack.com.evil.example/", "file:///x", "http://["]
)  # fmt: skip
def test_an_address_that_is_not_slacks_gets_nothing(slack, chat, url):
    chat.deliver(slack.address(Mode.EPHEMERAL, response_url=url), None, ANSWER)
    assert [call.method for call in slack.server.calls if "response" in call.method] == []
    assert len(slack.workspace.private) == 1


def test_a_private_answer_whose_reply_was_lost_is_not_posted_twice(slack, chat):
    slack.server.fails("chat.postEphemeral", LOST)
    assert chat.deliver(slack.address(Mode.EPHEMERAL), None, ANSWER) == PRIVATE
    assert len(slack.workspace.private) == 1


@pytest.mark.parametrize("fault", [LOST, GARBLED])
def test_a_private_answer_whose_replacement_was_lost_is_put_there_again(slack, chat, fault):
    address = command(slack)
    slack.server.fails("response/ask1", fault)
    with pytest.raises(DeliveryUncertain):
        chat.deliver(address, None, ANSWER)
    chat.deliver(address, chat.find(address, "q1"), ANSWER)
    [shown] = slack.workspace.private
    assert shown["text"] == ANSWER.text


def test_the_question_of_a_private_answer_is_marked_once(slack, chat):
    for progress in (WAITING, WAITING, READING):
        assert chat.open(slack.address(Mode.EPHEMERAL), progress) is None
    assert slack.reactions() == {"eyes"}
    assert len(slack.server.called("reactions.add")) == 1


def test_a_private_answer_falls_back_to_classic_blocks_too(slack, chat):
    slack.workspace.modern = False
    for address in (command(slack), slack.address(Mode.EPHEMERAL)):
        chat.deliver(address, None, ANSWER)
    assert [len(shown["blocks"]) for shown in slack.workspace.private] == [3, 3]


def test_a_private_answer_stands_in_a_thread_only_where_there_is_one(slack, chat):
    root = slack.workspace.say(CHANNEL, COLLEAGUE, "An older message")
    for thread in (root, slack.question):
        chat.deliver(slack.address(Mode.EPHEMERAL, thread=thread), None, ANSWER)
    assert [shown.get("thread_ts") for shown in slack.workspace.private] == [root, None]


def test_what_a_shortcut_was_chosen_on_is_not_replaced_but_the_answer_is(slack, chat):
    """Its address for answers is used as that of a command, yet nothing of ours stands there."""
    slack.workspace.response_uses["chosen"] = 5
    address = slack.address(Mode.EPHEMERAL, response_url=f"{slack.server.url}response/chosen")
    there = chat.deliver(address, None, ANSWER)
    [said] = slack.server.called("response/chosen")
    assert said["replace_original"] is False
    clicked = {**address, "response_url": slack.server.response_url("click")}
    chat.deliver(clicked, there, CORRECTED)
    assert slack.server.called("response/click")[0]["replace_original"] is True


def test_a_private_answer_can_be_shared_where_others_would_see_it(slack, chat):
    chat.deliver(slack.address(Mode.EPHEMERAL), None, ANSWER)
    slack.workspace.response_uses["direct"] = 5
    chat.deliver(
        slack.address(Mode.EPHEMERAL, channel=DIRECT, response_url=f"{slack.server.url}response/direct"), None, ANSWER
    )
    assert ["answer_share" in str(shown["blocks"]) for shown in slack.workspace.private] == [True, False]


# --- notices


@pytest.mark.parametrize("kind", [NoticeKind.HINT, NoticeKind.REMINDER, NoticeKind.SUGGESTION, NoticeKind.THANKS])
def test_a_notice_is_for_its_reader_alone_once_below_the_answer(slack, chat, kind):
    notice = Notice("n1", kind, "Ask me directly.", question="How long?", answer_id="a1")
    assert chat.notify(slack.address(), chat.notify(slack.address(), None, notice), notice) == PRIVATE
    [shown] = slack.workspace.private
    assert (shown["user"], shown["thread_ts"]) == (ASKER, slack.question)
    assert slack.seen() == []


def test_a_refusal_stands_where_no_answer_will(slack, chat):
    chat.notify(slack.address(), None, Notice("n1", NoticeKind.REFUSED, "Not here."))
    [shown] = slack.workspace.private
    assert "thread_ts" not in shown


def test_a_notice_leaves_a_private_answer_in_its_place(slack, chat):
    address = command(slack)
    chat.deliver(address, None, ANSWER)
    chat.notify(address, None, Notice("n1", NoticeKind.REMINDER, question="How long?", answer_id="a1"))
    assert [shown["text"].split()[0] for shown in slack.workspace.private] == ["Leave", "How"]


def test_a_notice_after_a_click_stands_beside_what_was_clicked_in_its_thread(slack, chat):
    address = slack.address(Mode.EPHEMERAL, message=None, response_url=slack.server.response_url("click"))
    for kind in (NoticeKind.REFUSED, NoticeKind.THANKS):
        chat.notify(address, None, Notice("n1", kind, "Not there any more."))
    for said in slack.server.called("response/click"):
        assert (said["replace_original"], said["thread_ts"]) == (False, slack.question)


@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived"])
def test_where_we_cannot_write_somebody_is_told_directly_why_there_is_no_answer(slack, chat, error):
    for kind, told in ((NoticeKind.REFUSED, 1), (NoticeKind.SLOW_DOWN, 2)):
        slack.server.fails("chat.postEphemeral", Fault(error=error))
        chat.notify(slack.address(), None, Notice(f"n-{kind}", kind, "I am not in that channel."))
        assert len(slack.messages(f"D{ASKER}")) == told
    assert slack.seen() == []


def test_a_hint_is_not_carried_elsewhere(slack, chat):
    slack.server.fails("chat.postEphemeral", Fault(error="not_in_channel"))
    with pytest.raises(DeliveryImpossible):
        chat.notify(slack.address(), None, Notice("n1", NoticeKind.HINT, "Ask me directly."))


def test_what_is_told_directly_is_told_once_whatever_is_lost(slack, chat):
    slack.server.fails("chat.postEphemeral", Fault(error="not_in_channel"))
    slack.server.fails("chat.postMessage", LOST)
    chat.notify(slack.address(), None, Notice("n1", NoticeKind.REFUSED, "I am not in that channel."))
    assert len(slack.messages(f"D{ASKER}")) == 1


def test_a_notice_in_direct_messages_is_an_ordinary_message(slack, chat):
    question = slack.workspace.say(DIRECT, ASKER, "How long?")
    address = slack.address(Mode.DIRECT, channel=DIRECT, thread=question, message=question)
    chat.notify(address, None, Notice("n1", NoticeKind.REMINDER, question="How long?", answer_id="a1"))
    assert len(slack.messages(DIRECT)) == 1
    assert slack.workspace.private == []


def test_a_person_is_called_in_their_direct_messages(slack, chat):
    address = slack.address(Mode.DIRECT, channel=COLLEAGUE, thread=None, message=None)
    slack.server.fails("chat.postMessage", LOST)
    with pytest.raises(DeliveryUncertain):
        chat.notify(address, None, CALL)
    found = chat.find(address, CALL.id)
    chat.notify(address, found, replace(CALL, escalation=Escalation("slack:T01:U01DANA", "slack:T01:U02FINN")))
    [message] = slack.messages(f"D{COLLEAGUE}")
    assert "taken care of" in str(message["blocks"]).lower()
    chat.withdraw(address, found)
    assert slack.messages(f"D{COLLEAGUE}") == []


def test_a_workspace_without_a_token_gets_nothing(slack):
    def none(workspace: str) -> str:
        raise DeliveryImpossible(f"{workspace} has removed us")

    chat = slack.delivery(tokens=none)
    with pytest.raises(DeliveryImpossible):
        chat.deliver(slack.address(), None, ANSWER)
    assert slack.server.calls == []


# --- with our memory behind it


@pytest.fixture
def stage(database, slack: Slack) -> Scene:
    return Scene(database, slack.delivery(), slack.address())


def test_an_answer_whose_reply_was_lost_stands_there_once(stage, slack):
    question = stage.answered()
    stage.queue.jobs.clear()
    slack.server.fails("chat.postMessage", LOST)
    stage.delivery.deliver(question)
    stage.pass_time(timedelta(seconds=6))
    stage.recovery.recover()
    stage.run_jobs()
    assert len(slack.seen()) == 1
    assert stage.view(question).text in slack.messages()[0]["text"]


def test_a_stream_whose_reply_was_lost_becomes_the_answer(stage, slack):
    question = stage.ask()
    slack.server.fails("chat.startStream", LOST)
    stage.run_jobs()
    stage.desk(ScriptedPipeline(says("90 days [1]"))).answer(question)
    stage.run_jobs()
    [message] = slack.messages()
    assert message["text"] == "90 days [1]"
    assert message["streaming"] is False


@pytest.mark.parametrize("fault", [too_many(30), BROKEN, LOST])
def test_an_answer_comes_although_its_stream_could_not_be_ended_at_once(stage, slack, fault):
    question = stage.ask()
    stage.run_jobs()
    stage.desk(ScriptedPipeline(says("90 days [1]"))).answer(question)
    slack.server.fails("chat.stopStream", fault)
    stage.run_jobs()
    come_back(stage, slack)
    [message] = slack.messages()
    assert (message["text"], message["streaming"]) == ("90 days [1]", False)


@pytest.mark.parametrize("fault", [too_many(30), BROKEN, LOST])
def test_a_deleted_question_takes_its_stream_along_although_that_could_not_be_ended_at_once(stage, slack, fault):
    stage.ask(key="k1")
    stage.run_jobs()
    slack.server.fails("chat.stopStream", fault)
    stage.intake.withdraw("k1")
    stage.run_jobs()
    come_back(stage, slack)
    assert slack.messages() == []


def come_back(stage: Scene, slack: Slack) -> None:
    """When all have waited as long as they were told to."""
    slack.limiter.pass_time(31)
    stage.pass_time(timedelta(seconds=31))
    stage.recovery.recover()
    stage.run_jobs()


def test_an_answer_whose_placeholder_was_deleted_is_posted_once(stage, slack):
    question = stage.ask()
    stage.run_jobs()
    slack.delete_all()
    stage.desk(ScriptedPipeline(says("90 days [1]"))).answer(question)
    slack.server.fails("chat.postMessage", LOST)
    stage.run_jobs()
    stage.pass_time(timedelta(seconds=6))
    stage.recovery.recover()
    stage.run_jobs()
    assert [message["text"] for message in slack.messages()] == ["90 days [1]"]
    assert stage.outbox() == []


class Killed(BaseException):
    """What `kill -9` does, as far as the code behind it is concerned."""


@pytest.fixture
def private(database, slack: Slack) -> Scene:
    """Where a room's answers are for the asker's eyes."""
    return Scene(database, slack.delivery(), slack.address(Mode.EPHEMERAL))


def test_a_private_answer_stands_there_once_when_its_worker_was_killed_after_the_post(private, slack, monkeypatch):
    question = private.answered()
    private.queue.jobs.clear()

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(posts, "keep_first", killed)
        with pytest.raises(Killed):
            private.delivery.deliver(question)
    pass_two_minutes(private)
    [shown] = slack.workspace.private
    assert shown["text"] == "90 days [1]"


def test_a_private_answer_is_shown_when_a_worker_was_killed_while_it_marked_the_question(private, slack, monkeypatch):
    question = private.ask()

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(private.chat, "open", killed)
        with pytest.raises(Killed):
            private.delivery.progress(question)
    private.desk(ScriptedPipeline(says("90 days [1]"))).answer(question)
    pass_two_minutes(private)
    [shown] = slack.workspace.private
    assert shown["text"] == "90 days [1]"


def pass_two_minutes(stage: Scene) -> None:
    stage.pass_time(timedelta(minutes=2))
    stage.recovery.recover()
    stage.run_jobs()


def test_two_workers_at_once_post_once(stage, slack):
    question = stage.answered()
    stage.queue.jobs.clear()
    slack.server.fails("chat.postMessage", Fault(seconds=0.3))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(stage.delivery.deliver, [question] * 2))
    stage.pass_time(timedelta(seconds=6))
    stage.recovery.recover()
    stage.run_jobs()
    assert len(slack.server.called("chat.postMessage")) == 1
    assert len(slack.seen()) == 1


def test_a_busy_slack_gets_the_answer_when_it_said(stage, slack):
    question = stage.answered()
    stage.queue.jobs.clear()
    slack.server.fails("chat.postMessage", too_many(30))
    stage.delivery.deliver(question)
    with stage.database.reading() as session:
        due_at = session.get_one(DeliveryRow, question).due_at
    assert 28 < (due_at - now()).total_seconds() <= 30
