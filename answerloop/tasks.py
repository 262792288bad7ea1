"""The jobs that travel through the queue, by their explicit names: the contract between bot and workers."""

from __future__ import annotations

from answerloop.ports import Job

ANSWER, DELIVER, INDEX, HOUSEKEEPING, REVIEW, TRAIN = "answer", "deliver", "index", "housekeeping", "review", "train"
QUEUES = (ANSWER, DELIVER, INDEX, HOUSEKEEPING, REVIEW, TRAIN)


def answer_question(question_id: str) -> Job:
    return Job("answer.question", ANSWER, (question_id,))


def deliver_answer(question_id: str) -> Job:
    return Job("deliver.answer", DELIVER, (question_id,))


def show_progress(question_id: str) -> Job:
    return Job("deliver.progress", DELIVER, (question_id,))


def withdraw_answer(question_id: str) -> Job:
    return Job("deliver.withdraw", DELIVER, (question_id,))


def deliver_notice(notice_id: str) -> Job:
    return Job("deliver.notice", DELIVER, (notice_id,))


def sync_source(source_id: str) -> Job:
    return Job("index.sync_source", INDEX, (source_id,))


def correct_answer(answer_id: str) -> Job:
    """What is approved instead of this answer has changed."""
    return Job("answer.correct", DELIVER, (answer_id,))


def forget_document(receipt_id: str) -> Job:
    """Chunks of erased documents are to go."""
    return Job("index.forget", INDEX, (receipt_id,))


def withdraw_tasks(receipt_id: str) -> Job:
    """Tasks of reviewers about what was erased are to go (see `repositories/receipts.py`)."""
    return Job("review.withdraw", REVIEW, (receipt_id,))


def judge_audit(audit_id: str) -> Job:
    """Its verdicts have changed."""
    return Job("review.judge", REVIEW, (audit_id,))


def pull_judgements() -> Job:
    """Reviewers may have said something."""
    return Job("review.pull", REVIEW)


def find_gaps() -> Job:
    """What people asked last week and the documents do not say; a report that is there already is not made again."""
    return Job("review.gaps", REVIEW)
