"""A process of ours that pushes or pulls once, to be killed: `python -m tests.integration.review_process …`."""

import sys
from datetime import timedelta

from answerloop.backends.review_label_studio import LabelStudioReviewQueue
from answerloop.db.session import Database
from answerloop.testing.fakes import FakeRedactor, FakeTaskQueue
from answerloop.testing.installation import CHECKOUT
from review.audit import AuditLoop
from review.audit_tasks import TaskWriter

LEASE = timedelta(seconds=3)


def main(database_url: str, url: str, token: str, title: str, step: str) -> None:
    config = (CHECKOUT / "review" / "label_config.xml").read_text()
    reviews = LabelStudioReviewQueue(url, token, config, title=title)
    queue = FakeTaskQueue()
    queue.down = True  # jobs wait in the outbox, where the test counts them
    loop = AuditLoop(Database(database_url), queue, reviews, TaskWriter(FakeRedactor()), "reviewers", LEASE)
    getattr(loop, step)()


if __name__ == "__main__":
    main(*sys.argv[1:])
