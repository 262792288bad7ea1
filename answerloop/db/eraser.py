"""Erasure from beginning to end: the rows at once, the rest by jobs, and a receipt that says when it was done."""

from __future__ import annotations

import hashlib
import hmac
import logging
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from answerloop import log_files
from answerloop.db import outbox
from answerloop.db.repositories import deliveries, erasure, receipts
from answerloop.db.repositories.emptied import Erased
from answerloop.db.repositories.receipts import Receipt
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.errors import NotFound
from answerloop.tasks import forget_document, withdraw_answer, withdraw_tasks

log = logging.getLogger(__name__)

PATIENCE = timedelta(hours=24)
"""So long a chat platform may be away before its messages are given up."""
BATCH = 500


class Eraser:
    """`key` makes the hash of a subject: who has it and knows the subject finds its receipt, and nobody else.
    `datasets`: where what adapters are trained on lies, a folder for each."""

    def __init__(self, database: Database, key: bytes, logs: Path, datasets: Path) -> None:
        self._database = database
        self._key = key
        self._logs = logs
        self._datasets = datasets

    def person(self, person_id: str, asked_by: str) -> Receipt:
        """Raises NotFound for somebody of whom nothing is known."""
        return self._erase("person", person_id, asked_by, lambda session: erasure.person(session, person_id))

    def document(self, document_id: str, asked_by: str) -> Receipt:
        """Raises NotFound for one of which nothing is known."""
        return self._erase("document", document_id, asked_by, lambda session: erasure.document(session, document_id))

    def older_than(self, days: int) -> int:
        """What was asked more than so many days ago; how many questions there were."""
        before, erased = now() - timedelta(days=days), 0
        while True:
            with self._database.writing() as session:
                found = erasure.older_than(session, before, BATCH)
                receipt = (
                    self._write(session, receipts.RETENTION, before.date().isoformat(), found, "") if found else None
                )
            if receipt is None:
                break
            self._here(receipt.id)
            erased += found.counts["questions"]
        log_files.delete_older(self._logs, before.timestamp())
        return erased

    def finish(self) -> int:
        """Whatever has been done elsewhere by now; how many receipts are unfinished."""
        with self._database.reading() as session:
            waiting = receipts.unfinished(session)
        for receipt_id in waiting:
            with self._database.writing() as session:
                receipts.chats_left(session, receipt_id, PATIENCE)
                self._send(session, receipt_id)
            self._here(receipt_id)
        with self._database.reading() as session:
            return len(receipts.unfinished(session))

    def _erase(self, kind: str, subject: str, asked_by: str, erase: Callable[[Any], Erased]) -> Receipt:
        with self._database.writing() as session:
            found = erase(session)
            if not found:
                raise NotFound(f"Nothing is known of this {kind}.")
            receipt = self._write(session, kind, subject, found, asked_by)
        log.info("erased", extra={"receipt": receipt.id, "kind": kind})
        self._here(receipt.id)
        with self._database.reading() as session:
            return receipts.get(session, receipt.id) or receipt

    def _write(self, session: Any, kind: str, subject: str, found: Erased, asked_by: str) -> Receipt:
        receipt = receipts.write(session, kind, sealed(self._key, kind, subject), found, asked_by)
        for question_id in sorted(found.questions):
            deliveries.redo(session, question_id)
            outbox.write(session, withdraw_answer(question_id), not_before=now())
        self._send(session, receipt.id)
        return receipt

    def _send(self, session: Any, receipt_id: str) -> None:
        if receipts.tasks_to_withdraw(session, receipt_id):
            outbox.write(session, withdraw_tasks(receipt_id), not_before=now())
        if receipts.documents_to_forget(session, receipt_id):
            outbox.write(session, forget_document(receipt_id), not_before=now())

    def _here(self, receipt_id: str) -> None:
        """What needs nobody else: files, lines of logs, then the journal, which had their names until then."""
        with self._database.reading() as session:
            marks, datasets = receipts.log_marks(session, receipt_id), receipts.datasets_to_delete(session, receipt_id)
        if datasets:
            for name in datasets:
                shutil.rmtree(self._datasets / name, ignore_errors=True)
            shutil.rmtree(self._datasets.parent / "runs", ignore_errors=True)  # what is being trained on them
            if not any((self._datasets / name).exists() for name in datasets):
                with self._database.writing() as session:
                    receipts.done(session, receipt_id, receipts.DATASETS)
        if marks:
            lines = log_files.blank(self._logs, marks)
            log.info("log lines blanked", extra={"receipt": receipt_id, "lines": lines})
            with self._database.writing() as session:
                receipts.done(session, receipt_id, receipts.LOGS)
        if self._database.empty_journal():
            with self._database.writing() as session:
                receipts.done(session, receipt_id, receipts.JOURNAL)


def sealed(key: bytes, kind: str, subject: str) -> str:
    """How a receipt names its subject."""
    return hmac.new(key, f"{kind}:{subject}".encode(), hashlib.sha256).hexdigest()
