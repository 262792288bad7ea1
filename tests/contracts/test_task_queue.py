import signal

import pytest

from answerloop.backends.queue_celery import CeleryTaskQueue
from answerloop.cli import broker
from answerloop.errors import QueueUnavailable
from answerloop.ports import Job
from answerloop.testing.fakes import FakeTaskQueue
from answerloop.testing.port_suites import TaskQueueSuite


class TestCelery(TaskQueueSuite):
    @pytest.fixture
    def queue(self, broker_server) -> CeleryTaskQueue:
        return CeleryTaskQueue(broker_server[1])

    @pytest.fixture
    def dead_queue(self) -> CeleryTaskQueue:
        return CeleryTaskQueue(f"redis://127.0.0.1:{broker.free_port()}/0")

    def test_a_frozen_broker_costs_the_first_sender_a_moment_and_the_next_nothing(self, queue, broker_server):
        queue.send(Job("answer.question", "answer", ("q1",)))
        broker_server[0].send_signal(signal.SIGSTOP)
        try:
            for _ in range(5):
                with pytest.raises(QueueUnavailable):
                    queue.send(Job("answer.question", "answer", ("q2",)))
        finally:
            broker_server[0].send_signal(signal.SIGCONT)

    def test_the_broker_wants_its_password(self, broker_server):
        host = broker_server[1].partition("@")[2]
        with pytest.raises(QueueUnavailable):
            CeleryTaskQueue(f"redis://{host}").depths()


def test_secrets_of_our_own_broker_are_for_their_owner_alone(valkey, tmp_path):
    for path in (tmp_path / "broker").iterdir():
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path


class TestFakeTaskQueue(TaskQueueSuite):
    @pytest.fixture
    def queue(self) -> FakeTaskQueue:
        return FakeTaskQueue()

    @pytest.fixture
    def dead_queue(self) -> FakeTaskQueue:
        queue = FakeTaskQueue()
        queue.down = True
        return queue
