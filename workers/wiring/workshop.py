"""The doors that lead to the rooms: what `workers.tasks` calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from celery import Celery

from answerloop.backends.queue_celery import make_worker_app
from answerloop.settings import Settings
from workers import schedule, tasks
from workers.wiring.rooms import Rooms

T = TypeVar("T")


class Workshop(Rooms):
    """The parts of the workers. A part is built once, by the first thread that needs it."""

    def __init__(self, settings: Settings, name: str) -> None:
        super().__init__(settings, name)
        self._lock = threading.RLock()

    @cached_property
    def celery(self) -> Celery:
        app = make_worker_app(self.settings.effective_broker_url)
        app.conf.beat_schedule = schedule.beat_schedule(
            self.settings.sync_interval_seconds, self.settings.review, nightly=self.settings.nightly
        )
        tasks.register(app, self)
        return app

    def _once(self, build: Callable[[], T]) -> T:
        with self._lock:
            return build()

    def answer(self, question_id: str) -> None:
        self._once(lambda: self.answer_desk).answer(question_id)

    def deliver(self, question_id: str) -> None:
        self._once(lambda: self.delivery_desk).deliver(question_id)

    def progress(self, question_id: str) -> None:
        self._once(lambda: self.delivery_desk).progress(question_id)

    def withdraw(self, question_id: str) -> None:
        self._once(lambda: self.delivery_desk).withdraw(question_id)

    def notify(self, notice_id: str) -> None:
        self._once(lambda: self.delivery_desk).notify(notice_id)

    def correct(self, answer_id: str) -> None:
        self._once(lambda: self.correction_desk).correct(answer_id)

    def recover(self) -> None:
        self._once(lambda: self.recovery).recover()

    def tell_alarms(self) -> None:
        self._once(lambda: self.herald).tell()

    def night(self) -> None:
        self._once(lambda: self.nightly).tick()

    def sample(self) -> None:
        self._once(lambda: self.bursts).look()
        self._once(lambda: self.sampler).sample()

    def finish_erasures(self) -> None:
        self._once(lambda: self.eraser).finish()

    def retain(self) -> None:
        if self.settings.retention_days:
            self._once(lambda: self.eraser).older_than(self.settings.retention_days)

    def watch_canary(self) -> None:
        if self.settings.retire_tainted:
            self._once(lambda: self.promotion).retire_tainted()
        self._once(lambda: self.canary_watch).look()

    def keep_curated(self) -> None:
        self._once(lambda: self.curated_upkeep).run()

    def forget_documents(self, receipt_id: str) -> None:
        self._once(lambda: self.indexer).forget(receipt_id)

    def sync_source(self, source_id: str) -> None:
        self._once(lambda: self.indexer).sync(source_id)

    def sync_all(self) -> None:
        self._once(lambda: self.indexer).sync_all()

    # --- from warming up to closing

    def warm_up(self, queues: tuple[str, ...]) -> None:
        """Load what these queues need before the first job comes, so that nobody waits for a model."""
        if "answer" in queues:
            self._once(lambda: self.answer_desk)
            self._once(lambda: self.cast).warm_up()
        if "index" in queues:
            self._once(lambda: self.indexer)

    def wind_up(self, **_: object) -> None:
        """The process is asked to end: what takes hours breaks off, and goes on in the next one."""
        self.manners.stop()

    def close(self) -> None:
        """Let go of what holds threads or connections."""
        for name in {"generator", "language_model", "endpoint_model", "index"} & set(self.__dict__):
            if hasattr(part := getattr(self, name), "close"):
                part.close()
        self.database.dispose()
