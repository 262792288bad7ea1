"""The task queue on Celery. Sending needs no task code: jobs are known by their names."""

from __future__ import annotations

import time
from collections.abc import Mapping

from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from answerloop.errors import QueueUnavailable
from answerloop.ports import Job
from answerloop.tasks import QUEUES

VISIBILITY_TIMEOUT_SECONDS = 3600
"""An unacknowledged job is delivered again after this long; lost questions are found by their lease much sooner."""


WORKER_PATIENCE_SECONDS = 5.0
SENDER_PATIENCE_SECONDS = 1.0
PAUSE_AFTER_FAILURE_SECONDS = 2.0


def make_celery(broker_url: str, patience_seconds: float = WORKER_PATIENCE_SECONDS) -> Celery:
    """A Celery app that keeps no results. A broker silent for `patience_seconds` counts as down; a worker's own
    patience must be longer than its blocking read, which is about a second."""
    app = Celery("answerloop", broker=broker_url)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_create_missing_queues=True,
        task_default_queue="housekeeping",
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
            "unacked_restore_interval": 1,
            "socket_connect_timeout": 1,
            "socket_timeout": patience_seconds,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        task_publish_retry=False,
        timezone="UTC",
    )
    return app


class CeleryTaskQueue:
    """A `TaskQueue` for whoever sends jobs. After a failure it does not even try for a moment: people who ask while
    the broker hangs are acknowledged at once, and their jobs wait in the outbox."""

    def __init__(self, app: Celery) -> None:
        self._app = app
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
