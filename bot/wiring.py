"""Which backend stands behind each port of the bot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from answerloop.backends.directory_file import FileDirectory
from answerloop.backends.queue_celery import CeleryTaskQueue
from answerloop.db.repositories import documents, processes, questions
from answerloop.db.session import Database
from answerloop.errors import AnswerloopError, QueueUnavailable
from answerloop.heartbeat import Heartbeat
from answerloop.observability import render_metrics
from answerloop.ports import TaskQueue
from answerloop.settings import Settings
from bot.feedback import FeedbackBox
from bot.intake import Intake
from bot.web.app import create_app

ANSWERING = frozenset({"worker-answer", "worker-all"})


class Bot:
    """The parts of the bot's process."""

    def __init__(self, settings: Settings) -> None:
        settings.require_identity()
        self.database = Database(settings.effective_database_url)
        self.database.check()
        self.queue = CeleryTaskQueue(settings.effective_broker_url)
        self.heartbeat = Heartbeat(self.database, "bot", settings.lease_seconds / 3)
        registry = CollectorRegistry()
        registry.register(_Waiting(self.database, self.queue))
        self.app: FastAPI = create_app(
            settings,
            self.database,
            Intake(self.database, self.queue, settings.max_question_characters),
            FeedbackBox(self.database),
            FileDirectory(settings.directory_file, settings.tenant),
            self.health,
            lambda: render_metrics(registry),
        )

    def health(self) -> Mapping[str, str]:
        """Whether a question asked now would be answered: "ok", or what is wrong."""
        return {
            "database": _checked(self.database.check),
            "broker": _checked(self.queue.depths),
            "worker": _checked(self._require_worker),
            "documents": _checked(self._require_documents),
        }

    def _require_worker(self) -> None:
        with self.database.reading() as session:
            if not any(process.name in ANSWERING for process in processes.alive(session)):
                raise QueueUnavailable("no worker answers questions")

    def _require_documents(self) -> None:
        with self.database.reading() as session:
            if not documents.count(session):
                raise QueueUnavailable("no document is indexed: run `answerloop ingest`")


def _checked(check: Callable[[], object]) -> str:
    try:
        check()
    except AnswerloopError as error:
        return str(error)
    return "ok"


class _Waiting(Collector):
    """What waits right now, asked of the broker and the database when the figures are read."""

    def __init__(self, database: Database, queue: TaskQueue) -> None:
        self._database = database
        self._queue = queue

    def collect(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("answerloop_queue_depth", "Jobs waiting in the broker", labels=["queue"])
        try:
            for queue, jobs in self._queue.depths().items():
                depth.add_metric([queue], jobs)
        except QueueUnavailable:
            depth.add_metric(["unavailable"], 1)
        yield depth
        with self._database.reading() as session:
            count, oldest = questions.open_count(session)
            alive = processes.alive(session)
        yield GaugeMetricFamily("answerloop_open_questions", "Questions without an answer", value=count)
        yield GaugeMetricFamily("answerloop_oldest_question_seconds", "Age of the oldest open question", value=oldest)
        memory = GaugeMetricFamily("answerloop_resident_bytes", "Memory of a process", labels=["process", "pid"])
        for process in alive:
            memory.add_metric([process.name, str(process.pid)], process.resident_bytes)
        yield memory
