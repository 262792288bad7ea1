"""What waits right now, asked of the broker and the database when the figures are read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from answerloop.db.repositories import processes, questions
from answerloop.db.session import Database
from answerloop.errors import DatabaseUnavailable, QueueUnavailable
from answerloop.ports import TaskQueue


class Gauges(Collector):
    """A database that is away takes its figures along and leaves the others; `answerloop_reachable` says so."""

    def __init__(self, database: Database, queue: TaskQueue, state: Path) -> None:
        self._database = database
        self._queue = queue
        self._state = state

    def collect(self) -> Iterator[Metric]:
        reachable = GaugeMetricFamily("answerloop_reachable", "Whether it answers", labels=["what"])
        try:
            depths = self._queue.depths()
        except QueueUnavailable:
            reachable.add_metric(["broker"], 0)
        else:
            reachable.add_metric(["broker"], 1)
            depth = GaugeMetricFamily("answerloop_queue_depth", "Jobs waiting in the broker", labels=["queue"])
            for queue, jobs in depths.items():
                depth.add_metric([queue], jobs)
            yield depth
        try:
            yield from self._rows()
            reachable.add_metric(["database"], 1)
        except DatabaseUnavailable:
            reachable.add_metric(["database"], 0)
        yield reachable
        if self._state.is_dir():
            free = shutil.disk_usage(self._state).free
            yield GaugeMetricFamily("answerloop_disk_free_bytes", "On the disk of the state folder", value=free)

    def _rows(self) -> list[Metric]:
        with self._database.reading() as session:
            count, oldest = questions.open_count(session)
            alive = processes.alive(session)
        memory = GaugeMetricFamily(
            "answerloop_resident_bytes", "Memory of a process", labels=["process", "host", "pid"]
        )
        for process in alive:  # in containers all have the pid 1
            memory.add_metric([process.name, process.host, str(process.pid)], process.resident_bytes)
        return [
            GaugeMetricFamily("answerloop_open_questions", "Questions without an answer", value=count),
            GaugeMetricFamily("answerloop_oldest_question_seconds", "Age of the oldest open question", value=oldest),
            memory,
        ]
