"""Which backend stands behind each port of the review program."""

from __future__ import annotations

import threading
from datetime import timedelta

from fastapi import FastAPI

from answerloop.backends.directory_file import FileDirectory
from answerloop.backends.notifier_board import BoardNotifier
from answerloop.backends.notifier_slack import SlackNotifier
from answerloop.backends.queue_celery import CeleryTaskQueue
from answerloop.db.session import Database
from answerloop.heartbeat import Heartbeat
from answerloop.observability import render_metrics
from answerloop.ports import GroundednessDetector, Notifier, TaskQueue
from answerloop.settings import Settings
from review.corrections import Corrections
from review.dashboard.app import create_app
from review.gaps import Gaps


class Dashboard:
    """The parts of the process that serves the pages. Raises ConfigurationError."""

    def __init__(self, settings: Settings) -> None:
        settings.require_identity()
        self.database = Database(settings.effective_database_url)
        self.database.check()
        queue = CeleryTaskQueue(settings.effective_broker_url)
        self.heartbeat = Heartbeat(self.database, "review", settings.lease_seconds / 3)
        self.app: FastAPI = create_app(
            settings,
            self.database,
            queue,
            FileDirectory(settings.directory_file, settings.tenant),
            LateCorrections(settings, self.database, queue),
            Gaps(self.database, notifier(settings, self.database, queue), settings.tenant),
            render_metrics,
        )

    def start(self) -> None:
        self.heartbeat.start()

    def stop(self) -> None:
        self.heartbeat.stop()


class LateCorrections:
    """The judge of corrections, built when somebody clicks: the models that mask take memory."""

    def __init__(self, settings: Settings, database: Database, queue: TaskQueue) -> None:
        self._settings = settings
        self._database = database
        self._queue = queue
        self._lock = threading.Lock()
        self._built: Corrections | None = None

    def confirm(self, correction_id: str, person: str) -> None:
        self._corrections().confirm(correction_id, person)

    def reject(self, correction_id: str, person: str, reason: str) -> None:
        self._corrections().reject(correction_id, person, reason)

    def _corrections(self) -> Corrections:
        with self._lock:
            if self._built is None:
                self._built = corrections(self._settings, self._database, self._queue)
            return self._built


def corrections(settings: Settings, database: Database, queue: TaskQueue) -> Corrections:
    from answerloop.backends.redactor_presidio import PresidioRedactor

    return Corrections(
        database,
        queue,
        _groundedness(settings),
        PresidioRedactor(settings.masked_types, settings.redaction_language, settings.redaction_regions),
        four_eyes=settings.four_eyes_topics,
        lasts=timedelta(days=settings.curated_days),
        grounded_threshold=settings.grounded_threshold,
    )


def notifier(settings: Settings, database: Database, queue: TaskQueue) -> Notifier:
    if settings.reports_room:
        return SlackNotifier(database, queue, settings.reports_room)
    return BoardNotifier(database)


def _groundedness(settings: Settings) -> GroundednessDetector:
    if settings.groundedness == "nli":
        from answerloop.backends.groundedness_nli import NliGroundednessDetector
        from answerloop.backends.local_models.weights import model_folder

        folder = model_folder(settings.groundedness_model, settings.effective_models_folder)
        return NliGroundednessDetector.load(folder, device=settings.device, dtype=settings.dtype)
    from answerloop.backends.groundedness_mixed import MixedGroundednessDetector

    return MixedGroundednessDetector()
