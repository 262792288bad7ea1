"""A process of ours that does one step until there is nothing left to do; the measurement kills it on the way."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from answerloop.backends.review_label_studio import LabelStudioReviewQueue
from answerloop.db.session import Database
from answerloop.testing.fakes import FakeRedactor, FakeTaskQueue
from review.audit import AuditLoop
from review.audit_tasks import TaskWriter

LEASE = timedelta(seconds=3)
CONFIG = Path(__file__).resolve().parents[2] / "review" / "label_config.xml"


def main(database_url: str, url: str, token: str, step: str) -> None:
    reviews = LabelStudioReviewQueue(url, token, CONFIG.read_text())
    queue = FakeTaskQueue()
    queue.down = True  # jobs stay in the outbox, where they are counted
    writer = TaskWriter(FakeRedactor())
    loop = AuditLoop(Database(database_url), queue, reviews, writer, "reviewers", LEASE, LEASE)
    print("ready", flush=True)  # noqa: T201 - the measurement's clock starts
    getattr(loop, step)()
    print("done", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
