"""The task queue on Celery. Sending needs no task code: jobs are known by their names."""

from __future__ import annotations

import time
from collections.abc import Mapping

from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from answerloop.errors import QueueUnavailable
from answerloop.ports import Job
from answerloop.tasks import HOUSEKEEPING, QUEUES

VISIBILITY_TIMEOUT_SECONDS = 3600
"""An unacknowledged job is delivered again after this long; lost questions are found by their lease much sooner."""


WORKER_PATIENCE_SECONDS = 5.0
"""Must be longer than a worker's blocking read, which is about a second."""
SENDER_PATIENCE_SECONDS = 1.0
PAUSE_AFTER_FAILURE_SECONDS = 2.0


def make_worker_app(broker_url: str) -> Celery:
    """The app that a worker or beat runs: keeps no results, waits for a broker that is away."""
    app = _app(broker_url, WORKER_PATIENCE_SECONDS)
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
    )
    return app


def _app(broker_url: str, patience_seconds: float, **transport: float) -> Celery:
    app = Celery("answerloop", broker=broker_url)
    app.conf.update(
        task_ignore_result=True,
        task_publish_retry=False,
        task_create_missing_queues=True,
        task_default_queue=HOUSEKEEPING,
        timezone="UTC",
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
            "unacked_restore_interval": 1,
            "socket_connect_timeout": SENDER_PATIENCE_SECONDS,
            "socket_timeout": patience_seconds,
            "socket_keepalive": True,
            "health_check_interval": 10,
            **transport,
        },
    )
    return app


class CeleryTaskQueue:
    """A `TaskQueue` for whoever sends jobs. After a failure it does not even try for a moment: people who ask while
    the broker hangs are acknowledged at once, and their jobs wait in the outbox."""

    def __init__(self, broker_url: str) -> None:
        at_once = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.0, "interval_max": 0.0}
        self._app = _app(broker_url, SENDER_PATIENCE_SECONDS, **at_once)
        self._resting_until = 0.0

    def send(self, job: Job) -> None:
        if time.monotonic() < self._resting_until:
            raise QueueUnavailable("The broker failed a moment ago.")
        try:
            self._app.send_task(job.task, args=job.args, queue=job.queue, retry=False)
        except (KombuError, RedisError, OSError) as error:
            self._resting_until = time.monotonic() + PAUSE_AFTER_FAILURE_SECONDS
            raise QueueUnavailable(f"The broker did not take {job.task}: {error}") from error

    def depths(self) -> Mapping[str, int]:
        try:
            with self._app.connection_for_read() as connection:
                client = connection.default_channel.client
                return {queue: int(client.llen(queue)) for queue in QUEUES}
        except (KombuError, RedisError, OSError) as error:
            raise QueueUnavailable(f"The broker does not answer: {error}") from error
