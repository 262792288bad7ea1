"""The doors: each task takes ids, calls the one room behind it, and has an explicit name."""

from __future__ import annotations

from typing import Protocol

from celery import Celery


class Desks(Protocol):
    """The rooms, built on first use: a worker of one queue never builds what only another queue needs."""

    def answer(self, question_id: str) -> None: ...

    def deliver(self, question_id: str) -> None: ...

    def progress(self, question_id: str) -> None: ...

    def withdraw(self, question_id: str) -> None: ...

    def notify(self, notice_id: str) -> None: ...

    def correct(self, answer_id: str) -> None: ...

    def keep_curated(self) -> None: ...

    def recover(self) -> None: ...

    def tell_alarms(self) -> None: ...

    def night(self) -> None: ...

    def sample(self) -> None: ...

    def finish_erasures(self) -> None: ...

    def retain(self) -> None: ...

    def watch_canary(self) -> None: ...

    def forget_documents(self, receipt_id: str) -> None: ...

    def sync_source(self, source_id: str) -> None: ...

    def sync_all(self) -> None: ...


def register(app: Celery, desks: Desks) -> None:
    @app.task(name="answer.question")  # type: ignore[untyped-decorator]
    def answer_question(question_id: str) -> None:
        desks.answer(question_id)

    @app.task(name="deliver.answer")  # type: ignore[untyped-decorator]
    def deliver_answer(question_id: str) -> None:
        desks.deliver(question_id)

    @app.task(name="deliver.progress")  # type: ignore[untyped-decorator]
    def show_progress(question_id: str) -> None:
        desks.progress(question_id)

    @app.task(name="deliver.withdraw")  # type: ignore[untyped-decorator]
    def withdraw_answer(question_id: str) -> None:
        desks.withdraw(question_id)

    @app.task(name="deliver.notice")  # type: ignore[untyped-decorator]
    def deliver_notice(notice_id: str) -> None:
        desks.notify(notice_id)

    @app.task(name="answer.correct")  # type: ignore[untyped-decorator]
    def correct_answer(answer_id: str) -> None:
        desks.correct(answer_id)

    @app.task(name="housekeeping.curated")  # type: ignore[untyped-decorator]
    def keep_curated() -> None:
        desks.keep_curated()

    @app.task(name="housekeeping.recover")  # type: ignore[untyped-decorator]
    def recover() -> None:
        desks.recover()

    @app.task(name="housekeeping.alarms")  # type: ignore[untyped-decorator]
    def tell_alarms() -> None:
        desks.tell_alarms()

    @app.task(name="train.night")  # type: ignore[untyped-decorator]
    def night() -> None:
        desks.night()

    @app.task(name="audit.sample")  # type: ignore[untyped-decorator]
    def sample() -> None:
        desks.sample()

    @app.task(name="housekeeping.finish_erasures")  # type: ignore[untyped-decorator]
    def finish_erasures() -> None:
        desks.finish_erasures()

    @app.task(name="housekeeping.retain")  # type: ignore[untyped-decorator]
    def retain() -> None:
        desks.retain()

    @app.task(name="train.watch")  # type: ignore[untyped-decorator]
    def watch_canary() -> None:
        desks.watch_canary()

    @app.task(name="index.forget")  # type: ignore[untyped-decorator]
    def forget_documents(receipt_id: str) -> None:
        desks.forget_documents(receipt_id)

    @app.task(name="index.sync_source")  # type: ignore[untyped-decorator]
    def sync_source(source_id: str) -> None:
        desks.sync_source(source_id)

    @app.task(name="index.sync_all")  # type: ignore[untyped-decorator]
    def sync_all() -> None:
        desks.sync_all()
