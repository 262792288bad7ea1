"""Which backend stands behind the review queue. The library of Label Studio takes seconds to import, so it is imported
when it is first needed."""

from __future__ import annotations

from pathlib import Path

from answerloop import label_studio
from answerloop.db.session import Database
from answerloop.errors import ConfigurationError, ReviewQueueUnavailable
from answerloop.label_studio import Access
from answerloop.ports import Redactor, ReviewerAccounts, TaskQueue
from answerloop.settings import Settings
from review.audit import AuditLoop
from review.audit_tasks import TaskWriter
from review.queue_desk import QueueDesk

LABEL_CONFIG = Path(__file__).with_name("label_config.xml")


def queue_desk(settings: Settings, database: Database, queue: TaskQueue, redactor: Redactor) -> QueueDesk:
    def access() -> Access | None:
        return label_studio.access(settings) if label_studio.mode(settings) == "label-studio" else None

    def build(access: Access) -> AuditLoop:
        from answerloop.backends.review_label_studio import LabelStudioReviewQueue

        reviews = LabelStudioReviewQueue(
            access.url,
            access.token,
            LABEL_CONFIG.read_text(),
            settings.review_overlap,
            (settings.effective_label_studio_hint_url, access.hint_secret),
        )
        return AuditLoop(database, queue, reviews, TaskWriter(redactor), settings.reviewers_group)

    return QueueDesk(database, access, build)


def reviewer_accounts(settings: Settings) -> ReviewerAccounts | None:
    """None where people judge on our own page, which knows them by itself. Raises ReviewQueueUnavailable."""
    where = label_studio.mode(settings)
    if where == "off":
        raise ConfigurationError("Nobody judges answers here: ANSWERLOOP_REVIEW is off.")
    if where == "page":
        return None
    access = label_studio.access(settings)
    if access is None:
        raise ReviewQueueUnavailable("Label Studio is not up (yet): `answerloop up` starts it.")
    from answerloop.backends.reviewers_label_studio import LabelStudioAccounts

    return LabelStudioAccounts(access.url, access.token)
