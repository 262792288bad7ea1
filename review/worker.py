"""The worker of the queue `review`: few threads, since it mostly waits for Label Studio."""

from __future__ import annotations

import logging
import os
import socket
from typing import Protocol

from celery import Celery, signals

from answerloop.db.session import Database
from answerloop.heartbeat import Heartbeat
from answerloop.tasks import REVIEW

log = logging.getLogger(__name__)

NAME = "worker-review"
THREADS = 4
NICENESS = 5


class Workshop(Protocol):
    """What the composition hands over: `celery` has the tasks of `review.tasks` registered."""

    @property
    def celery(self) -> Celery: ...

    @property
    def database(self) -> Database: ...

    @property
    def heartbeat(self) -> Heartbeat: ...


def serve(workshop: Workshop) -> int:
    """Work until SIGTERM, finish what is in hand, and return the exit code."""
    os.nice(NICENESS)
    workshop.database.check()
    signals.setup_logging.connect(_keep_our_logging)
    worker = workshop.celery.Worker(
        queues=REVIEW,
        pool="threads",
        concurrency=THREADS,
        hostname=f"review@{socket.gethostname()}",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    workshop.heartbeat.start()
    log.info("worker ready", extra={"queues": [REVIEW], "threads": THREADS})
    try:
        worker.start()
    finally:
        workshop.heartbeat.stop()
    return int(worker.exitcode or 0)


def _keep_our_logging(**_: object) -> None:
    """Celery configures no logging when someone listens to this signal."""
