"""The processes: a worker for each group of queues, and beat."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import suppress
from pathlib import Path

from celery import signals

from answerloop.errors import ConfigurationError
from answerloop.observability import serve_metrics
from answerloop.settings import Settings
from answerloop.tasks import ANSWER, DELIVER, HOUSEKEEPING, INDEX, TRAIN
from workers.training.manners import night_settings
from workers.wiring import Workshop

log = logging.getLogger(__name__)

NICENESS = 5
TRAINING_NICENESS = 15
"""Training takes what nobody else wants."""

GROUPS: dict[str, tuple[tuple[str, ...], int]] = {  # queues, threads
    "answer": ((ANSWER,), 8),
    "deliver": ((DELIVER, HOUSEKEEPING), 4),
    "index": ((INDEX,), 1),
    "train": ((TRAIN,), 1),
    "all": ((ANSWER, DELIVER, HOUSEKEEPING, INDEX), 8),
}


def serve(settings: Settings, group: str) -> int:
    """Work until SIGTERM, finish what is in hand, and return the exit code. Threads, because they share one model."""
    if group not in GROUPS:
        raise ConfigurationError(f"There is no group {group!r}: choose one of {', '.join(GROUPS)}.")
    queues, threads = GROUPS[group]
    _give_way(TRAINING_NICENESS if TRAIN in queues else NICENESS)
    if ANSWER in queues:
        threads = max(threads, settings.batch_size)
    if TRAIN in queues:
        os.environ["OMP_NUM_THREADS"] = "1"
        settings = night_settings(settings, threads=1)
    workshop = Workshop(settings, f"worker-{group}")
    workshop.database.check()
    serve_metrics(settings.host, settings.metrics_port)
    workshop.warm_up(queues)
    signals.setup_logging.connect(_keep_our_logging)
    signals.worker_shutting_down.connect(workshop.wind_up)
    worker = workshop.celery.Worker(
        queues=",".join(queues),
        pool="threads",
        concurrency=threads,
        hostname=f"{group}@{socket.gethostname()}",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    workshop.heartbeat.start()
    log.info("worker ready", extra={"queues": queues, "threads": threads})
    try:
        worker.start()
    finally:
        workshop.heartbeat.stop()
    return int(worker.exitcode or 0)


def beat(settings: Settings) -> None:
    """Send the periodic jobs until SIGTERM."""
    signals.beat_init.connect(_keep_our_logging)
    signals.setup_logging.connect(_keep_our_logging)
    workshop = Workshop(settings, "beat")
    workshop.database.check()
    serve_metrics(settings.host, settings.metrics_port)
    workshop.heartbeat.start()
    try:
        schedule = settings.state.run / "beat-schedule"
        schedule.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        workshop.celery.Beat(schedule=str(schedule), max_interval=1).run()
    finally:
        workshop.heartbeat.stop()


def _give_way(niceness: int) -> None:
    """An answer may take a moment longer, an acknowledgement not: the bot goes first where the processor is scarce."""
    os.nice(niceness)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # Linux may weigh sessions instead of processes
            Path("/proc/self/autogroup").write_text(str(niceness))


def _keep_our_logging(**_: object) -> None:
    """Celery configures no logging when someone listens to this signal."""
