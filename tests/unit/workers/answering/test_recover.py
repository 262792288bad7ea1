from datetime import timedelta

import pytest

from answerloop.db.repositories.deliveries import NEWS_AFTER
from answerloop.ports import Job
from answerloop.tasks import DELIVER
from answerloop.testing.fake_chat import FakeChat
from tests.unit.workers.answering.desk_kit import Scene, ScriptedPipeline, says
from workers.answering.recover import NEWS_AT_ONCE


@pytest.fixture
def stage(database) -> Scene:
    return Scene(database, FakeChat("slack"), {"channel": "C01"})


def waited(stage: Scene) -> None:
    stage.queue.jobs.clear()
    stage.pass_time(NEWS_AFTER)


def test_whoever_waits_gets_news(stage):
    question = stage.ask()
    stage.recovery.recover()
    assert stage.jobs("deliver.progress") == 1, "the one that was sent when the question came"
    waited(stage)
    stage.recovery.recover()
    assert [job.args for job in stage.queue.jobs] == [(question,)]


def test_whoever_has_an_answer_gets_none(stage):
    stage.desk(ScriptedPipeline(says("x"))).answer(stage.ask())
    waited(stage)
    stage.recovery.recover()
    assert stage.jobs("deliver.progress") == 0


def test_the_web_page_sees_for_itself(database):
    stage = Scene(database)
    stage.ask()
    waited(stage)
    stage.recovery.recover()
    assert stage.jobs("deliver.progress") == 0


def test_there_are_no_news_while_answers_wait_to_be_shown(stage):
    stage.ask()
    waited(stage)
    stage.queue.jobs = [Job("deliver.answer", DELIVER, (str(number),)) for number in range(NEWS_AT_ONCE)]
    stage.recovery.recover()
    assert stage.jobs("deliver.progress") == 0


def test_a_broker_that_is_down_keeps_nothing_from_being_found(stage):
    stage.ask()
    waited(stage)
    stage.queue.down = True
    assert stage.recovery.recover() == 0
    stage.queue.down = False
    stage.pass_time(timedelta(seconds=10))
    stage.recovery.recover()
    assert stage.jobs("deliver.progress") == 1
