"""Logs and metrics. Logs are one JSON object a line, with ids and never with the text of a question or an answer.

Metrics of all processes of one machine are collected in a folder (`PROMETHEUS_MULTIPROC_DIR`, set by `answerloop up`),
so that the bot's `/metrics` shows the workers' too.
"""

from __future__ import annotations

import logging
import os
import sys

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from pythonjsonlogger.json import JsonFormatter

_CHATTY = (  # what they say below a warning is either noise or the ids that our own lines carry
    "alembic",
    "celery.app.trace",
    "celery.beat",
    "celery.worker.strategy",
    "httpx",
    "kombu",
    "sentence_transformers",
)
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

STEP_SECONDS = Histogram("answerloop_step_seconds", "Duration of one step of an answer", ["step"], buckets=_BUCKETS)
ANSWER_SECONDS = Histogram(
    "answerloop_answer_seconds", "From intake to the finished answer", ["channel"], buckets=_BUCKETS
)
QUESTIONS = Counter("answerloop_questions_total", "Questions accepted", ["channel"])
ANSWERS = Counter("answerloop_answers_total", "Answers finished", ["channel", "outcome"])
DUPLICATES = Counter(
    "answerloop_duplicates_dropped_total", "Messages delivered more than once by a platform", ["channel"]
)
ATTEMPTS_LOST = Counter("answerloop_attempts_lost_total", "Questions given to another worker because one went missing")
MODEL_LOAD_SECONDS = Gauge(
    "answerloop_model_load_seconds", "How long the model took to load", multiprocess_mode="mostrecent"
)


def configure_logging(program: str, log_format: str, level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(
            JsonFormatter(
                "{levelname}{name}{message}",
                style="{",
                timestamp="time",
                rename_fields={"levelname": "level", "name": "logger"},
                static_fields={"program": program, "pid": os.getpid()},
            )
        )
    else:
        handler.setFormatter(logging.Formatter(f"%(asctime)s {program} %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def render_metrics(extra: CollectorRegistry | None = None) -> tuple[bytes, str]:
    """The exposition text of this machine's processes, and its content type."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    body = generate_latest(registry) + (generate_latest(extra) if extra else b"")
    return body, CONTENT_TYPE_LATEST
