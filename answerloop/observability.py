"""Logs and metrics. Logs are one JSON object a line, with ids and never with the text of a question or an answer;
personal data that has a form is blanked out of whatever else is logged.

Metrics of all processes of one machine are collected in a folder (`PROMETHEUS_MULTIPROC_DIR`, set by `answerloop up`),
so that the bot's `/metrics` shows the workers' too.
"""

from __future__ import annotations

import copy
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

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
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from answerloop.exact_recognisers import ExactRecognisers

_CHATTY = (  # what they say below a warning is noise, the ids that our own lines carry, or tokens and what people write
    "alembic",
    "botbuilder",
    "botframework",
    "celery.app.trace",
    "celery.beat",
    "celery.worker.strategy",
    "absl",
    "faker",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "kombu",
    "msal",
    "msrest",
    "openai",
    "presidio-analyzer",
    "sentence_transformers",
    "slack_bolt",
    "slack_sdk",
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
DELIVERIES_FAILED = Counter(
    "answerloop_deliveries_failed_total", "Answers that a platform will never show", ["channel"]
)
UNKNOWN_WORKSPACES = Counter("answerloop_unknown_workspaces_total", "Requests of workspaces that have not installed us")
ENDPOINT_ANSWERS = Counter(
    "answerloop_endpoint_answers_total", "What became of questions for the model behind an endpoint", ["outcome"]
)
ENDPOINT_COST = Counter("answerloop_endpoint_cost_total", "What the model behind an endpoint has cost, as it is priced")
MODEL_LOAD_SECONDS = Gauge(
    "answerloop_model_load_seconds", "How long the model took to load", multiprocess_mode="mostrecent"
)


def configure_logging(program: str, log_format: str, level: str, recognisers: ExactRecognisers) -> None:
    handler = _BlankingHandler(recognisers)
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


class _BlankingHandler(logging.StreamHandler[Any]):
    """Writes to standard error. Personal data is blanked out of the message, the extra fields and the exception
    before the line is made, so that an escaped line break cannot hide where a number begins."""

    def __init__(self, recognisers: ExactRecognisers) -> None:
        super().__init__(sys.stderr)
        self._blank = recognisers.blank
        self.addFilter(_is_wanted)

    def format(self, record: logging.LogRecord) -> str:
        blanked = copy.copy(record)  # other handlers get the record as it was
        blanked.msg, blanked.args = self._without_data(record.getMessage() if record.args else record.msg), None
        if record.exc_info:
            blanked.exc_text, blanked.exc_info = logging.Formatter().formatException(record.exc_info), None
        for name in ("exc_text", "stack_info", *(record.__dict__.keys() - RESERVED_ATTRS)):
            setattr(blanked, name, self._without_data(getattr(blanked, name)))
        return super().format(blanked)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Names a record that cannot be written. Logging itself would quote its arguments."""
        with suppress(OSError, ValueError):  # nobody is left to read it
            self.stream.write(f"a record of {record.name} could not be logged ({record.pathname}:{record.lineno})\n")

    def _without_data(self, value: object) -> object:
        """Text without personal data, in lists and mappings too; numbers and the like as they are."""
        if isinstance(value, Mapping):
            return {self._blank(str(key)): self._without_data(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._without_data(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._blank(str(value))


def _is_wanted(record: logging.LogRecord) -> bool:
    """Bolt gives each of its loggers the level of the root, whatever was said of their parent."""
    return record.levelno >= logging.WARNING or not record.name.startswith(_CHATTY)


def render_metrics(extra: CollectorRegistry | None = None) -> tuple[bytes, str]:
    """The exposition text of this machine's processes, and its content type."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    body = generate_latest(registry) + (generate_latest(extra) if extra else b"")
    return body, CONTENT_TYPE_LATEST
