"""Design, rule 4.1, on real processes: each question ends with exactly one visible answer, whatever dies."""

from __future__ import annotations

import os
import signal
import time
import urllib.error
import uuid
from http import HTTPStatus

import pytest

from answerloop.backends.queue_celery import CeleryTaskQueue
from answerloop.tasks import answer_question
from answerloop.testing.installation import RunningInstallation, until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

QUESTION = "How many days of parental leave do I get?"
ANSWER = "90 days"


def burst(running: RunningInstallation, count: int) -> list[str]:
    return [running.ask(QUESTION) for _ in range(count)]


def assert_each_answered_once(running: RunningInstallation, questions: list[str], seconds: float = 90.0) -> None:
    for question in questions:
        shown = running.answer(question, seconds)
        assert shown["outcome"] == "answered", shown
        assert ANSWER in shown["text"]
    until(lambda: not set(questions) & set(running.undelivered()), seconds)
    revisions = [running.snapshot(question)["revision"] for question in questions]
    time.sleep(1.0)
    assert [running.snapshot(question)["revision"] for question in questions] == revisions, "an answer changed again"


def test_a_question_is_answered_with_its_source(running):
    shown = running.answer(running.ask(QUESTION))
    assert ANSWER in shown["text"]
    assert shown["text"].rstrip().endswith("[1]")
    [cited] = [source for source in shown["sources"] if source["cited"]]
    assert cited["title"] == "Parental leave"
    assert shown["details"]["adapter"] == "base"
    assert {"retrieve", "generate", "total"} <= shown["details"]["timings_ms"].keys()


def test_a_message_sent_three_times_is_one_question(running):
    key = str(uuid.uuid4())
    assert len({running.ask(QUESTION, client_key=key) for _ in range(3)}) == 1


def test_a_job_delivered_three_times_is_one_answer(running):
    question = running.ask(QUESTION)
    queue = CeleryTaskQueue(running.broker_url)
    for _ in range(3):
        queue.send(answer_question(question))
    assert_each_answered_once(running, [question])


@pytest.mark.parametrize("victim", ["worker-answer", "worker-deliver"])
def test_a_killed_worker_loses_nothing(running, victim):
    pid = running.pid_of(victim)
    questions = burst(running, 30)
    os.kill(pid, signal.SIGKILL)
    questions += burst(running, 5)
    assert_each_answered_once(running, questions)
    assert running.pid_of(victim) != pid


def test_a_killed_broker_loses_nothing(running):
    questions = burst(running, 10)
    running.kill_broker()
    questions += burst(running, 10)
    assert_each_answered_once(running, questions)


def test_a_broker_that_hangs_for_ten_seconds_loses_nothing(running):
    broker = running.pid_of("broker")
    questions = burst(running, 5)
    os.kill(broker, signal.SIGSTOP)
    try:
        started = time.monotonic()
        questions += burst(running, 2)
        assert time.monotonic() - started < 10, "the intake must not hang with the broker"
        time.sleep(max(0.0, 10 - (time.monotonic() - started)))
    finally:
        os.kill(broker, signal.SIGCONT)
    questions += burst(running, 3)
    assert_each_answered_once(running, questions)


def test_a_killed_bot_comes_back_and_shows_the_answers(running):
    question = running.ask(QUESTION)
    os.kill(running.pid_of("bot"), signal.SIGKILL)

    def back() -> bool:
        try:
            return bool(running.snapshot(question))
        except (urllib.error.URLError, OSError):
            return False

    until(back)
    assert_each_answered_once(running, [question])


@pytest.mark.parametrize("running", ["servers"], indirect=True)
def test_a_database_that_is_restarted_loses_nothing_that_was_acknowledged(running):
    questions = burst(running, 10)
    running.postgres.crash()
    with pytest.raises(urllib.error.HTTPError) as refused:
        running.ask(QUESTION)
    assert refused.value.code == HTTPStatus.SERVICE_UNAVAILABLE
    running.postgres.start()
    questions += burst(running, 5)
    assert_each_answered_once(running, questions)


def test_a_power_cut_loses_nothing(running):
    questions = burst(running, 20)
    running.kill_everything()
    running.start()
    assert_each_answered_once(running, questions)
