"""From the arrival of a question to its end, as people in a chat see it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from answerloop.db.repositories import answers, erasure, feedback, posts
from answerloop.db.tables import DeliveryRow, DocumentRow, NoticeRow, ReaderSetRow, SourceRow
from answerloop.domain import CitedSource, NoticeKind, Opinion, Passage, Progress, Stage, Thumb, Via
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DeliveryUncertain, DirectoryUnavailable
from answerloop.testing.fake_chat import FakeChat
from bot.people import Call
from tests.unit.workers.answering.desk_kit import Scene, ScriptedPipeline, a_draft, says
from workers.answering.deliver import WITHHELD

BUSY = DeliveryUnavailable("busy", retry_after_seconds=30)


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat("slack")


@pytest.fixture
def stage(database, chat) -> Scene:
    return Scene(database, chat, {"channel": "C01"})


def a_document(stage: Scene, *groups: str) -> CitedSource:
    with stage.database.writing() as session:
        source = SourceRow(id="s1", tenant="default", location="/docs", allow=list(groups))
        readers = ReaderSetRow(id=1, tenant="default", key="k", groups=list(groups))
        document = DocumentRow(
            id="d1", source_id="s1", key="leave", tenant="default", title="Leave", reader_set=readers
        )
        session.add_all([source, readers, document])
    return CitedSource(1, Passage("d1", "c1", "Leave", (), "", 0, 0, None, None, 0.9, 1.0, 0.9), cited=True)


def the_row(stage: Scene, table=DeliveryRow):
    with stage.database.reading() as session:
        return session.scalars(select(table)).one()


def notices_of(stage: Scene, kind: NoticeKind) -> list[NoticeRow]:
    with stage.database.reading() as session:
        return list(session.scalars(select(NoticeRow).where(NoticeRow.kind == kind)))


# --- news and answers


def test_the_news_become_the_answer(stage, chat):
    question = stage.ask()
    stage.run_jobs()
    assert [type(each) for each in chat.messages.values()] == [Progress]
    stage.desk(ScriptedPipeline(says("90 days [1]"))).answer(question)
    stage.run_jobs()
    assert {known: each.text for known, each in chat.messages.items()} == {"message-1": "90 days [1]"}


def test_whoever_waits_is_told_again_and_again_in_one_message(stage, chat):
    first, second = stage.ask(key="k1"), stage.ask(key="k2")
    stage.run_jobs()
    stage.delivery.progress(second)
    assert len(chat.messages) == 2
    assert [each.ahead for each in chat.messages.values()] == [0, 1]
    stage.desk(ScriptedPipeline(says("x"))).answer(first)
    stage.delivery.progress(second)
    assert chat.messages["message-2"].ahead == 0


def test_news_that_fail_are_left_to_the_answer(stage, chat):
    question = stage.ask()
    chat.failures = [BUSY]
    stage.run_jobs()
    assert chat.messages == {}
    stage.desk(ScriptedPipeline(says("x"))).answer(question)
    stage.run_jobs()
    assert chat.shown[question].text == "x"


@pytest.mark.parametrize("opened", [True, False])
def test_news_that_come_after_the_answer_do_not_stand(stage, chat, opened):
    question = stage.ask()
    if opened:
        stage.run_jobs()
    name = "show" if opened else "open"
    put = getattr(chat, name)

    def slow(*arguments):
        stage.desk(ScriptedPipeline(says("x"))).answer(question)
        stage.delivery.deliver(question)
        return put(*arguments)

    setattr(chat, name, slow)
    stage.delivery.progress(question)
    setattr(chat, name, put)
    stage.pass_time(timedelta(seconds=30))
    stage.recovery.recover()
    stage.run_jobs()
    assert [each.text for each in chat.messages.values()] == ["x"]
    assert isinstance(chat.shown[question].text, str)


def test_an_answer_is_shown_again_when_it_has_changed(stage, chat):
    question = stage.answered()
    stage.run_jobs()
    calls = chat.calls
    stage.delivery.deliver(question)
    assert chat.calls == calls
    stage.actions(Call({"channel": "C02"}, ("finn",))).ask_human(stage.view(question).answer_id, "dana", None)
    stage.run_jobs()
    assert chat.shown[question].escalation.asked_by == "dana"
    assert len(chat.shown) == len(chat.notices) == 1


# --- what goes wrong


def test_an_answer_waits_as_long_as_the_platform_says(stage, chat):
    question = stage.answered()
    chat.messages.clear()
    stage.queue.jobs.clear()
    chat.failures = [BUSY]
    stage.delivery.deliver(question)
    stage.pass_time(timedelta(seconds=25))
    stage.recovery.recover()
    assert stage.jobs("deliver.answer") == 0
    stage.pass_time(timedelta(seconds=6))
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.shown[question].text == "90 days [1]"


def test_a_long_outage_does_not_multiply_the_jobs(stage, chat):
    question = stage.answered()
    stage.queue.jobs.clear()
    chat.failures = [BUSY] * 40
    for _ in range(20):
        stage.delivery.deliver(question)
        stage.pass_time(timedelta(seconds=31))
        stage.recovery.recover()
        assert stage.jobs("deliver.answer") == 1
        stage.queue.jobs.clear()


def test_workers_that_are_behind_try_no_answer_more_often_the_longer_it_lasts(stage, chat):
    stage.answered()
    stage.queue.jobs.clear()
    chat.failures = [DeliveryUnavailable("out of reach")] * 100
    tried = []
    for _ in range(8):
        for _ in range(26):  # they come to the jobs of now in 78 seconds
            stage.pass_time(timedelta(seconds=3))
            stage.recovery.recover()
        tried.append(stage.jobs("deliver.answer"))
        stage.run_jobs()
    assert max(tried) == 2, "one that is due, and one more since it might have got lost"


def test_a_withdrawal_of_an_answer_that_was_given_up_is_tried_again(stage, chat):
    question = stage.ask(key="k1")
    stage.run_jobs()
    stage.desk(ScriptedPipeline(says("x"))).answer(question)
    chat.failures = [DeliveryImpossible("the blocks are refused"), BUSY]
    stage.run_jobs()
    assert len(chat.messages) == 1
    stage.intake.withdraw("k1")
    stage.run_jobs()
    stage.pass_time(timedelta(seconds=31))
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.messages == {}
    stage.pass_time(timedelta(hours=1))
    stage.recovery.recover()
    assert stage.queue.jobs == []


def test_an_answer_that_was_perhaps_posted_stands_there_once(stage, chat):
    question = stage.answered()
    stage.queue.jobs.clear()
    chat.failures = [DeliveryUncertain("lost")]
    stage.delivery.deliver(question)
    stage.pass_time(timedelta(seconds=6))
    stage.recovery.recover()
    stage.run_jobs()
    assert list(chat.messages) == ["message-1"]
    assert the_row(stage).delivered_at is not None


def test_an_answer_that_nobody_will_see_is_kept_and_said(stage, chat):
    question = stage.answered()
    stage.queue.jobs.clear()
    chat.failures = [DeliveryImpossible("the channel is archived")]
    stage.delivery.deliver(question)
    assert the_row(stage).failure == "the channel is archived"
    assert stage.view(question).text == "90 days [1]"
    for _ in range(2):
        stage.run_jobs()
        stage.pass_time(timedelta(hours=1))
        stage.recovery.recover()
    [told] = chat.notices
    assert (told.kind, "“How many days?”" in told.text, chat.shown) == (NoticeKind.REFUSED, True, {})


def test_an_answer_whose_news_were_deleted_is_posted_anew_once(stage, chat):
    question = stage.ask()
    stage.run_jobs()
    chat.delete_all()
    stage.desk(ScriptedPipeline(says("90 days [1]"))).answer(question)
    stage.run_jobs()
    assert {known: each.text for known, each in chat.messages.items()} == {"message-2": "90 days [1]"}
    assert the_row(stage).failure is None


def test_an_answer_that_somebody_deleted_does_not_return_when_it_changes(stage, chat):
    question = stage.answered()
    stage.run_jobs()
    chat.delete_all()
    stage.actions(Call({"channel": "C02"}, ("finn",))).ask_human(stage.view(question).answer_id, "dana", None)
    stage.run_jobs()
    assert chat.shown == {}
    assert the_row(stage).failure == "the message was deleted"
    stage.pass_time(timedelta(hours=1))
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.shown == {}


def test_news_whose_message_was_deleted_are_not_posted_again_and_again(stage, chat):
    question = stage.ask()
    stage.run_jobs()
    chat.delete_all()
    for _ in range(3):
        stage.delivery.progress(question)
    assert chat.messages == {}


def test_a_call_for_help_that_was_deleted_is_given_up(stage, chat):
    question = stage.answered()
    stage.run_jobs()
    answer_id = stage.view(question).answer_id
    actions = stage.actions(Call({"channel": "C02"}, ("finn",)))
    actions.ask_human(answer_id, "dana", None)
    stage.run_jobs()
    [there] = [known for known, each in chat.messages.items() if each in chat.notices]
    del chat.messages[there]
    actions.resolve(answer_id, "finn", None)
    stage.run_jobs()
    [call] = notices_of(stage, NoticeKind.ESCALATION)
    assert (call.failure, chat.notices) == ("the message was deleted", [])
    assert chat.shown[question].escalation.resolved_by == "finn"


# --- rights at the last moment


def test_an_answer_on_a_document_that_was_closed_is_withheld(stage, chat):
    source = a_document(stage, "hr")
    question = stage.answered(sources=[source])
    stage.directory.groups["dana"] = frozenset({"everyone"})
    stage.run_jobs()
    assert (chat.shown[question].text, chat.shown[question].sources) == (WITHHELD, ())


def test_an_answer_that_may_be_read_is_shown_with_its_sources(stage, chat):
    source = a_document(stage, "hr")
    question = stage.answered(sources=[source])
    stage.run_jobs()
    assert [each.passage.title for each in chat.shown[question].sources] == ["Leave"]


def test_a_merely_near_document_that_was_closed_is_left_out_alone(stage, chat):
    source = a_document(stage, "finance")
    near = CitedSource(2, source.passage, cited=False)
    question = stage.answered(sources=[near])
    stage.run_jobs()
    assert (chat.shown[question].text, chat.shown[question].sources) == ("90 days [1]", ())


@pytest.mark.parametrize("cited", [True, False])
def test_news_tell_nothing_of_a_document_that_was_closed(stage, chat, cited):
    source = replace(a_document(stage, "hr"), cited=cited)

    def writing(asked, show):
        show(Stage.WRITING, "90 days", [source])
        for groups, told in ((frozenset({"hr"}), ["Leave"]), (frozenset({"everyone"}), [])):
            stage.directory.groups["dana"] = groups
            stage.delivery.progress(question)
            [news] = chat.messages.values()
            assert [each.passage.title for each in news.sources] == told
            assert (news.text == "90 days") is (bool(told) or not cited)
        return a_draft()

    question = stage.ask()
    stage.run_jobs()
    stage.desk(ScriptedPipeline(writing)).answer(question)


def test_news_whose_readers_are_not_known_wait(stage, chat, monkeypatch):
    source = a_document(stage, "hr")

    def unavailable(person):
        raise DirectoryUnavailable("who knows")

    def reading(asked, show):
        show(Stage.READING, "", [source])
        monkeypatch.setattr(stage.directory, "person", unavailable)
        stage.delivery.progress(question)
        assert [each.sources for each in chat.messages.values()] == [()]
        return a_draft()

    question = stage.ask()
    stage.run_jobs()
    stage.desk(ScriptedPipeline(reading)).answer(question)
    assert stage.view(question).text == "90 days [1]"


def test_rights_that_cannot_be_asked_let_the_answer_wait(stage, chat, monkeypatch):
    question = stage.answered(sources=[a_document(stage, "hr")])
    stage.queue.jobs.clear()

    def unavailable(person):
        raise DirectoryUnavailable("who knows")

    with monkeypatch.context() as broken:
        broken.setattr(stage.directory, "person", unavailable)
        stage.delivery.deliver(question)
    assert chat.messages == {}
    stage.pass_time(timedelta(seconds=6))
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.shown[question].text == "90 days [1]"


def test_rights_are_asked_again_when_the_directory_said(stage, chat, monkeypatch):
    question = stage.answered(sources=[a_document(stage, "hr")])
    stage.queue.jobs.clear()

    def busy(person):
        raise DirectoryUnavailable("who knows", 30)

    with monkeypatch.context() as broken:
        broken.setattr(stage.directory, "person", busy)
        stage.delivery.deliver(question)
    stage.pass_time(timedelta(seconds=25))
    stage.recovery.recover()
    assert stage.queue.jobs == []
    stage.pass_time(timedelta(seconds=6))
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.shown[question].text == "90 days [1]"


def test_an_answer_for_people_whom_nobody_can_tell_us_about_any_more_is_given_up(stage, chat, monkeypatch):
    question = stage.answered(sources=[a_document(stage, "hr")])
    stage.queue.jobs.clear()

    def uninstalled(person):
        raise DeliveryImpossible("Slack says token_revoked")

    monkeypatch.setattr(stage.directory, "person", uninstalled)
    stage.delivery.deliver(question)
    assert the_row(stage).failure == "Slack says token_revoked"
    stage.run_jobs()
    stage.pass_time(timedelta(hours=1))
    stage.recovery.recover()
    assert "deliver.answer" not in {job.task for job in stage.queue.jobs}


# --- said in other words


def test_an_edit_while_the_answer_is_written_leads_to_one_message_with_the_new_one(stage, chat):
    question = stage.ask()
    stage.run_jobs()

    def edited_meanwhile(asked, show):
        show(Stage.WRITING, "for the old words")
        stage.delivery.progress(question)
        stage.intake.edit("k1", "How many weeks?")
        stage.delivery.progress(question)
        [news] = chat.messages.values()
        assert (news.text, news.stage) == ("", Stage.QUEUED), "nothing of the old words stands any more"
        return a_draft("for the old words")

    stage.desk(ScriptedPipeline(edited_meanwhile)).answer(question)
    stage.run_jobs()
    assert chat.shown == {}
    stage.desk(ScriptedPipeline(says("for the new words"))).answer(question)
    stage.run_jobs()
    assert [each.text for each in chat.messages.values()] == ["for the new words"]


def test_an_edit_while_the_answer_is_posted_changes_nothing_of_it(stage, chat):
    question = stage.answered()
    deliver = chat.deliver

    def slow(*arguments):
        stage.intake.edit("key-0", "How many weeks?")
        return deliver(*arguments)

    chat.deliver = slow
    stage.run_jobs()
    assert [each.text for each in chat.messages.values()] == ["90 days [1]"]
    assert stage.view(question).question == "How many days?"


def test_an_edit_that_comes_after_the_deletion_brings_nothing_back(stage, chat):
    question = stage.ask()
    stage.run_jobs()
    stage.intake.withdraw("k1")
    stage.intake.edit("k1", "How many weeks?")
    stage.desk(ScriptedPipeline(says("x"))).answer(question)
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.messages == {}


def test_a_deletion_while_the_answer_is_written_leaves_nothing(stage, chat):
    question = stage.ask()
    stage.run_jobs()

    def deleted_meanwhile(asked, show):
        stage.intake.withdraw("k1")
        show(Stage.WRITING, "90 days")
        return a_draft()

    stage.desk(ScriptedPipeline(deleted_meanwhile)).answer(question)
    stage.delivery.progress(question)
    stage.run_jobs()
    assert chat.messages == {}


# --- taken back


def test_a_question_that_was_deleted_leaves_nothing(stage, chat):
    stage.ask()
    stage.run_jobs()
    stage.intake.withdraw("k1")
    stage.run_jobs()
    assert chat.messages == {}


def test_an_answer_that_was_taken_back_goes_and_does_not_return(stage, chat):
    question = stage.answered()
    stage.run_jobs()
    stage.actions().retract(stage.view(question).answer_id, "dana")
    stage.run_jobs()
    stage.delivery.deliver(question)
    stage.delivery.progress(question)
    assert chat.messages == {}


def test_a_question_that_is_deleted_while_its_answer_is_posted_leaves_nothing(stage, chat):
    stage.answered()
    deliver = chat.deliver

    def slow(*arguments):
        stage.intake.withdraw("key-0")
        return deliver(*arguments)

    chat.deliver = slow
    stage.run_jobs()
    assert chat.messages == {}


def test_a_question_that_is_deleted_while_its_news_are_posted_leaves_nothing(stage, chat):
    stage.ask()
    put = chat.open

    def slow(*arguments):
        stage.intake.withdraw("k1")
        return put(*arguments)

    chat.open = slow
    stage.run_jobs()
    assert chat.messages == {}


def test_a_message_that_was_perhaps_posted_is_withdrawn_too(stage, chat):
    stage.ask()
    chat.failures = [DeliveryUncertain("lost")]
    stage.run_jobs()
    assert len(chat.messages) == 1
    stage.intake.withdraw("k1")
    stage.run_jobs()
    assert chat.messages == {}


@pytest.mark.parametrize("answered", [True, False])
def test_a_withdrawal_whose_job_was_lost_happens_all_the_same(stage, chat, answered):
    if answered:
        stage.answered()
    else:
        stage.ask(key="key-0")
    stage.run_jobs()
    stage.intake.withdraw("key-0")
    stage.queue.jobs.clear()
    stage.pass_time(posts.DONE_WITHIN + timedelta(seconds=1))
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.messages == {}
    stage.pass_time(timedelta(hours=1))
    stage.recovery.recover()
    assert stage.queue.jobs == []


def test_a_withdrawal_is_tried_again(stage, chat):
    stage.answered()
    stage.run_jobs()
    stage.intake.withdraw("key-0")
    chat.failures = [BUSY]
    stage.run_jobs()
    assert len(chat.messages) == 1
    stage.pass_time(timedelta(seconds=31))
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.messages == {}


@pytest.mark.parametrize("how", ["deleted", "retracted"])
@pytest.mark.parametrize("shown", [True, False])
def test_what_is_taken_back_is_quoted_in_no_call_for_help(stage, chat, how, shown):
    question = stage.answered()
    stage.run_jobs()
    actions, answer_id = stage.actions(Call({"channel": "C02"}, ("finn",))), stage.view(question).answer_id
    actions.ask_human(answer_id, "dana", None)
    if shown:
        stage.run_jobs()
        assert [notice.question for notice in chat.notices] == ["How many days?"]
    if how == "deleted":
        stage.intake.withdraw("key-0")
    else:
        actions.retract(answer_id, "dana")
    stage.run_jobs()
    assert chat.messages == {}
    stage.pass_time(timedelta(hours=1))
    stage.recovery.recover()
    assert stage.queue.jobs == []


def test_a_call_for_help_that_is_being_posted_when_its_question_goes_does_not_stay(stage, chat):
    question = stage.answered()
    stage.run_jobs()
    notify = chat.notify

    def slow(*arguments):
        stage.intake.withdraw("key-0")
        stage.run_jobs()
        return notify(*arguments)

    chat.notify = slow
    stage.actions(Call({"channel": "C02"}, ("finn",))).ask_human(stage.view(question).answer_id, "dana", None)
    stage.run_jobs()
    chat.notify = notify
    stage.pass_time(timedelta(seconds=10))
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.messages == {}


def test_the_withdrawal_of_a_call_for_help_is_tried_again(stage, chat):
    question = stage.answered()
    stage.run_jobs()
    stage.actions(Call({"channel": "C02"}, ("finn",))).ask_human(stage.view(question).answer_id, "dana", None)
    stage.run_jobs()
    stage.intake.withdraw("key-0")
    stage.delivery.withdraw(question)
    chat.failures = [BUSY]
    stage.queue.jobs = [job for job in stage.queue.jobs if job.task == "deliver.notice"]
    stage.run_jobs()
    assert len(chat.notices) == 1
    stage.pass_time(timedelta(seconds=31))
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.messages == {}


# --- notices


def test_a_hint_is_told_once(stage, chat):
    question = stage.answered(hint="Ask me in a direct message.")
    stage.run_jobs()
    stage.delivery.deliver(question)
    with stage.database.writing() as session:
        posts.again(session, DeliveryRow, question)
    stage.delivery.deliver(question)
    stage.run_jobs()
    assert [notice.text for notice in chat.notices] == ["Ask me in a direct message."]


def test_a_reminder_comes_once_a_day(stage, chat):
    stage.answered()
    stage.answered()
    stage.run_jobs()
    assert len(notices_of(stage, NoticeKind.REMINDER)) == 1
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.notices == []
    stage.pass_time(timedelta(hours=5))
    stage.recovery.recover()
    stage.run_jobs()
    assert [(notice.kind, notice.question) for notice in chat.notices] == [(NoticeKind.REMINDER, "How many days?")]
    stage.pass_time(timedelta(hours=20))
    stage.answered()
    stage.run_jobs()
    assert len(notices_of(stage, NoticeKind.REMINDER)) == 2


def test_the_longest_name_has_a_key_of_its_own_and_leaves_with_its_person(stage):
    stage.asker = f"teams:{'a' * 249}"
    stage.answered()
    stage.asker = f"teams:{'a' * 248}b"
    stage.answered()
    stage.run_jobs()
    reminders = notices_of(stage, NoticeKind.REMINDER)
    assert len(reminders) == 2
    assert all(len(row.key) <= NoticeRow.key.type.length for row in reminders)
    with stage.database.writing() as session:
        erasure.person(session, stage.asker)
    assert len(notices_of(stage, NoticeKind.REMINDER)) == 1


@pytest.mark.parametrize("why", ["rated", "taken back"])
def test_whoever_needs_no_reminder_gets_none(stage, chat, why):
    question = stage.answered()
    stage.run_jobs()
    answer_id = stage.view(question).answer_id
    with stage.database.writing() as session:
        if why == "rated":
            feedback.give(session, answer_id, "dana", Opinion(Thumb.UP), Via.CLICK)
        else:
            answers.retract(session, answer_id)
    stage.pass_time(timedelta(hours=5))
    stage.recovery.recover()
    stage.run_jobs()
    assert chat.notices == []
    stage.pass_time(timedelta(hours=5))
    stage.recovery.recover()
    assert stage.queue.jobs == []


@pytest.mark.parametrize(
    ("failure", "told"), [(BUSY, 1), (DeliveryUncertain("lost"), 1), (DeliveryImpossible("they left"), 0)]
)
def test_a_notice_that_fails_is_told_once_or_given_up(stage, chat, failure, told):
    stage.answered(hint="Ask me in a direct message.")
    while stage.queue.jobs[0].task != "deliver.notice":
        job = stage.queue.jobs.pop(0)
        if job.task == "deliver.answer":
            stage.delivery.deliver(job.args[0])
    chat.failures = [failure]
    stage.run_jobs()
    stage.pass_time(timedelta(seconds=31))
    stage.recovery.recover()
    stage.run_jobs()
    assert len(chat.notices) == told
    [hint] = notices_of(stage, NoticeKind.HINT)
    assert hint.delivered_at is not None
    assert bool(hint.failure) is not bool(told)
    assert stage.outbox() == []
