"""Which backend stands behind each port of the review program."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from answerloop import label_studio
from answerloop.backends.directory_file import FileDirectory
from answerloop.backends.notifier_chat import notifier_of
from answerloop.backends.queue_celery import CeleryTaskQueue, make_worker_app
from answerloop.db.session import Database
from answerloop.heartbeat import Heartbeat
from answerloop.observability import render_metrics
from answerloop.placeholders import Masked, Placeholders
from answerloop.ports import GroundednessDetector, Redactor, TaskQueue
from answerloop.settings import Settings
from review import tasks, worker
from review.corrections import Corrections
from review.dashboard.app import create_app
from review.dashboard.overview import Figures
from review.desk import ReviewDesk
from review.gaps import Gaps
from review.gauges import Gauges
from review.queue_wiring import queue_desk
from review.webhook import HintDoor


class Dashboard:
    """The parts of the process that serves the pages. Raises ConfigurationError."""

    def __init__(self, settings: Settings) -> None:
        settings.require_identity()
        self.database = Database(settings.effective_database_url)
        self.database.check()
        queue = CeleryTaskQueue(settings.effective_broker_url)
        self.heartbeat = Heartbeat(self.database, "review", settings.lease_seconds / 3, settings.alive_file)
        registry = CollectorRegistry()
        registry.register(Gauges(self.database, Figures(self.database, settings)))
        self.app: FastAPI = create_app(
            settings,
            self.database,
            queue,
            FileDirectory(settings.directory_file, settings.tenant),
            LateCorrections(settings, self.database, queue, LateRedactor(settings)),
            Gaps(self.database, notifier_of(settings, self.database, queue), settings.tenant),
            lambda: render_metrics(registry),
            all_here=lambda: label_studio.mode(settings) == "page",
            serving=lambda: serving_pointer(settings.state.adapters / "serving.json"),
            hints=HintDoor(queue, lambda: _hint_secret(settings)),
        )

    def start(self) -> None:
        self.heartbeat.start()

    def stop(self) -> None:
        self.heartbeat.stop()


class Workshop:
    """The parts of the worker of the queue `review`."""

    def __init__(self, settings: Settings) -> None:
        self.database = Database(settings.effective_database_url)
        self.heartbeat = Heartbeat(self.database, worker.NAME, settings.lease_seconds / 3, settings.alive_file)
        queue = CeleryTaskQueue(settings.effective_broker_url)
        redactor = LateRedactor(settings)
        self.celery = make_worker_app(settings.effective_broker_url)
        tasks.register(
            self.celery,
            ReviewDesk(
                self.database,
                queue_desk(settings, self.database, queue, redactor),
                LateCorrections(settings, self.database, queue, redactor),
                Gaps(self.database, notifier_of(settings, self.database, queue), settings.tenant),
            ),
        )


def serving_pointer(file: Path) -> Mapping[str, Any]:
    """Which adapters speak. Before the first one none does; empty when somebody else has written there."""
    try:
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {"live": None}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _hint_secret(settings: Settings) -> str | None:
    access = label_studio.access(settings) if label_studio.mode(settings) == "label-studio" else None
    return access.hint_secret if access else None


class LateRedactor:
    """A `Redactor` whose models are loaded when there is something to mask: they take memory."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._built: Redactor | None = None

    def mask(self, text: str, known: Placeholders) -> Masked:
        with self._lock:
            if self._built is None:
                self._built = _redactor(self._settings)
        return self._built.mask(text, known)


def _redactor(settings: Settings) -> Redactor:
    from answerloop.backends.redactor_presidio import PresidioRedactor

    return PresidioRedactor(settings.masked_types, settings.redaction_language, settings.redaction_regions)


class LateCorrections:
    """The judge of corrections, built when it is first needed: a model that judges sentences takes memory."""

    def __init__(self, settings: Settings, database: Database, queue: TaskQueue, redactor: Redactor) -> None:
        self._settings = settings
        self._database = database
        self._queue = queue
        self._redactor = redactor
        self._lock = threading.Lock()
        self._built: Corrections | None = None

    def confirm(self, correction_id: str, person: str) -> None:
        self._corrections().confirm(correction_id, person)

    def reject(self, correction_id: str, person: str, reason: str) -> None:
        self._corrections().reject(correction_id, person, reason)

    def judge(self, audit_id: str) -> None:
        self._corrections().judge(audit_id)

    def catch_up(self) -> int:
        return self._corrections().catch_up()

    def _corrections(self) -> Corrections:
        with self._lock:
            if self._built is None:
                self._built = corrections(self._settings, self._database, self._queue, self._redactor)
            return self._built


def corrections(settings: Settings, database: Database, queue: TaskQueue, redactor: Redactor) -> Corrections:
    return Corrections(
        database,
        queue,
        _groundedness(settings),
        redactor,
        four_eyes=settings.four_eyes_topics,
        lasts=timedelta(days=settings.curated_days),
        grounded_threshold=settings.grounded_threshold,
    )


def _groundedness(settings: Settings) -> GroundednessDetector:
    if settings.groundedness == "nli":
        from answerloop.backends.groundedness_nli import NliGroundednessDetector
        from answerloop.backends.local_models.weights import model_folder

        folder = model_folder(settings.groundedness_model, settings.effective_models_folder)
        return NliGroundednessDetector.load(folder, device=settings.device, dtype=settings.dtype)
    from answerloop.backends.groundedness_mixed import MixedGroundednessDetector

    return MixedGroundednessDetector()
