"""The doors of the review worker: each task takes ids, calls the one room behind it, and has an explicit name."""

from __future__ import annotations

from typing import Protocol

from celery import Celery


class Desk(Protocol):
    def push(self) -> None: ...

    def pull(self) -> None: ...

    def sweep(self) -> None: ...

    def judge(self, audit_id: str) -> None: ...

    def catch_up(self) -> None: ...

    def withdraw(self, receipt_id: str) -> None: ...

    def report_gaps(self) -> None: ...


def register(app: Celery, desk: Desk) -> None:
    @app.task(name="review.push")  # type: ignore[untyped-decorator]
    def push() -> None:
        desk.push()

    @app.task(name="review.pull")  # type: ignore[untyped-decorator]
    def pull() -> None:
        desk.pull()

    @app.task(name="review.sweep")  # type: ignore[untyped-decorator]
    def sweep() -> None:
        desk.sweep()

    @app.task(name="review.judge")  # type: ignore[untyped-decorator]
    def judge(audit_id: str) -> None:
        desk.judge(audit_id)

    @app.task(name="review.catch_up")  # type: ignore[untyped-decorator]
    def catch_up() -> None:
        desk.catch_up()

    @app.task(name="review.withdraw")  # type: ignore[untyped-decorator]
    def withdraw(receipt_id: str) -> None:
        desk.withdraw(receipt_id)

    @app.task(name="review.gaps")  # type: ignore[untyped-decorator]
    def report_gaps() -> None:
        desk.report_gaps()
