"""Messages that are shown once, whatever breaks on the way: answers and notices.

A message whose id we know is brought up to date. One that is being posted is left to whoever posts it. One whose
post had an unknown outcome is looked for before it is posted again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from answerloop.db.tables import Posted, now

DONE_WITHIN = timedelta(seconds=60)
"""A message that was not shown after this long gets its job written again."""
POSTING_TAKES = timedelta(seconds=60)
"""Longer than all the calls of one post together; whoever still posts after this was killed."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Step(StrEnum):
    """What is to be done about a message now."""

    POST = "post"
    UPDATE = "update"
    LOOK_FIRST = "look first"
    WAIT = "wait"


def _locked(session: Session, table: type[Posted], row_id: str) -> Posted:
    """As it is now, for whoever changes it."""
    return session.get_one(table, row_id, with_for_update=True)


def begin(session: Session, table: type[Posted], row_id: str) -> tuple[Step, str | None]:
    """Take the right to post, or the id of the message that is there."""
    row = _locked(session, table, row_id)
    if row.message_id is not None:
        return Step.UPDATE, row.message_id
    if row.posting_at is not None and row.posting_at > now() - POSTING_TAKES:
        return Step.WAIT, None
    step = Step.POST if row.posting_at is None else Step.LOOK_FIRST
    row.posting_at = now()
    return step, None


def keep(session: Session, table: type[Posted], row_id: str, message_id: str | None) -> None:
    """The post is over, and this is what the platform calls it."""
    row = _locked(session, table, row_id)
    row.message_id, row.posting_at = message_id or row.message_id, None


def keep_first(session: Session, table: type[Posted], row_id: str, message_id: str | None) -> str | None:
    """The post is over. Where somebody else was faster meanwhile, theirs is the message that counts."""
    row = _locked(session, table, row_id)
    row.message_id, row.posting_at = row.message_id or message_id, None
    return row.message_id


def not_posted(session: Session, table: type[Posted], row_id: str, *, perhaps: bool) -> None:
    """The post failed; `perhaps` when it may stand there all the same."""
    _locked(session, table, row_id).posting_at = LONG_AGO if perhaps else None


def forget(session: Session, table: type[Posted], row_id: str) -> None:
    """The message is not there any more: the next attempt posts another one."""
    row = _locked(session, table, row_id)
    row.message_id, row.posting_at = None, None


def is_settled(row: Posted) -> bool:
    """Shown as it is now, or given up."""
    return row.delivered_at is not None and row.due_at is None


def done(session: Session, table: type[Posted], row_id: str, attempt: int, failure: str | None = None) -> None:
    """It is shown, or never will be; unless it has changed since this attempt, or another one was begun."""
    row = _locked(session, table, row_id)
    if row.attempts != attempt:
        return
    row.delivered_at, row.due_at, row.failure = row.delivered_at or now(), None, failure


def again(session: Session, table: type[Posted], row_id: str) -> None:
    """What is shown has changed. Something that never will be shown stays so."""
    row = _locked(session, table, row_id)
    if row.failure is None:
        row.due_at, row.attempts = now() + DONE_WITHIN, row.attempts + 1


def later(session: Session, table: type[Posted], row_id: str, wait: timedelta) -> None:
    """Its next attempt comes after this long: `overdue` gives it out, so that many attempts in vain have one next."""
    row = _locked(session, table, row_id)
    if not is_settled(row) or row.failure is not None:  # given up, and now to be taken away
        row.due_at = now() + wait


def overdue(session: Session, table: type[Posted], limit: int = 100) -> list[str]:
    """What should be shown by now, the longest overdue first; each is given out once in `DONE_WITHIN`."""
    rows = session.scalars(
        select(table).where(table.due_at < now()).order_by(table.due_at).limit(limit).with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.due_at = now() + DONE_WITHIN
    return [inspect(row).identity[0] for row in rows]
