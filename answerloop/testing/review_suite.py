"""The conformance suite of the review queue. It runs under pytest, as those of `port_suites.py` do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

import pytest

from answerloop.auditing import AuditedTask, AuditPassage, AuditTask, Fault, Flag, Grounded, Priority, Verdict
from answerloop.errors import ReviewQueueUnavailable
from answerloop.ports import ReviewQueue
from answerloop.testing.fake_review_queue import Opinion

FIRST, SECOND = "first@orrenby.example", "second@orrenby.example"
WRONG = Opinion(
    Verdict.WRONG,
    Grounded.NOT,
    (Fault.HALLUCINATION, Fault.OUTDATED),
    "It is 90 days.",
    documents=(1, 3),
    missing_document="The rules of 2027",
)


def audit_task(number: int = 1, priority: Priority = Priority.SAMPLE) -> AuditTask:
    """Of an answer with two sources, with everything that could break a page."""
    return AuditTask(
        audit_id=f"{number:032x}",
        answer_id=f"{number + 1000:032x}",
        priority=priority,
        question="How many days of parental leave do I get? <b>&amp; $question {{question}}",
        answer="You get 60 days [1]. Ask <PERSON_1> before [2].\n\n- Ünïcode 🎈",
        suggestion="You get 90 days [1].",
        passages=(
            AuditPassage(1, "d1", "Parental leave", "Everybody gets 90 days.", "https://intranet.example/leave", True),
            AuditPassage(2, "d2", "Requests </section>", "<script>alert(1)</script>", "javascript:alert(1)", False),
        ),
        channel="web",
        model="reader",
        adapter="base",
        confidence="sure",
        answered_at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
        flags=(Flag.THUMB_DOWN,),
        said=("Thumb down: outdated",),
    )


class People(Protocol):
    """Those who judge, and whoever else has a hand in the queue."""

    def judge(self, task_id: str, by: str, opinion: Opinion) -> None: ...

    def edit(self, task_id: str, by: str, opinion: Opinion) -> None:
        """The first judgement there, whoever made it."""

    def take_back(self, task_id: str) -> None:
        """Delete the first judgement there."""

    def skip(self, task_id: str, by: str) -> None: ...

    def delete_task(self, task_id: str) -> None: ...

    def delete_project(self) -> None: ...


def everything(reviews: ReviewQueue, project: str) -> dict[str, AuditedTask]:
    return {task.task_id: task for page in reviews.everything(project) for task in page}


def changes(reviews: ReviewQueue, project: str, since: datetime | None = None) -> list[AuditedTask]:
    return [task for page in reviews.changes(project, since) for task in page]


class ReviewQueueSuite:
    """Provide the fixtures `reviews`, empty, and `people`."""

    @pytest.fixture
    def project(self, reviews: ReviewQueue) -> str:
        return reviews.open(None).project

    @pytest.fixture
    def task(self, reviews: ReviewQueue, project: str) -> str:
        return reviews.push(project, [audit_task()])[audit_task().audit_id]

    def test_the_same_project_is_found_again(self, reviews: ReviewQueue, project: str) -> None:
        assert reviews.open(project).project == project
        assert reviews.open(None).project == project

    def test_a_mark_that_was_left_is_found(self, reviews: ReviewQueue, project: str) -> None:
        assert reviews.open(project).mark == 0
        reviews.leave_mark(project, 7)
        assert reviews.open(project).mark == 7

    def test_pushing_twice_makes_one_task(self, reviews: ReviewQueue, project: str) -> None:
        first = reviews.push(project, [audit_task(1), audit_task(2)])
        second = reviews.push(project, [audit_task(2), audit_task(3)])
        assert second[audit_task(2).audit_id] == first[audit_task(2).audit_id]
        there = {row.audit_id: task for task, row in everything(reviews, project).items()}
        assert there == {**first, **second}

    def test_pushing_nothing_is_fine(self, reviews: ReviewQueue, project: str) -> None:
        assert reviews.push(project, []) == {}

    def test_a_judgement_comes_back_as_it_was_given(
        self, reviews: ReviewQueue, people: People, project: str, task: str
    ) -> None:
        people.judge(task, FIRST, WRONG)
        (read,) = changes(reviews, project)
        (said,) = read.judgements
        assert (read.task_id, read.audit_id) == (task, audit_task().audit_id)
        assert (said.verdict, said.grounded, said.faults) == (WRONG.verdict, WRONG.grounded, WRONG.faults)
        assert (said.correction, said.documents, said.missing_document) == (
            WRONG.correction,
            WRONG.documents,
            WRONG.missing_document,
        )
        assert said.edited
        assert not said.skipped
        assert said.reviewer == FIRST
        assert said.account
        assert said.external_id.startswith(f"{task}/")

    def test_two_reviewers_have_two_judgements(
        self, reviews: ReviewQueue, people: People, project: str, task: str
    ) -> None:
        people.judge(task, FIRST, WRONG)
        people.judge(task, SECOND, Opinion())
        (read,) = changes(reviews, project)
        assert {said.reviewer for said in read.judgements} == {FIRST, SECOND}
        assert len({said.account for said in read.judgements}) == 2

    def test_a_changed_judgement_is_the_same_one_of_whoever_changed_it(
        self, reviews: ReviewQueue, people: People, project: str, task: str
    ) -> None:
        people.judge(task, FIRST, Opinion())
        (before,) = changes(reviews, project)
        people.edit(task, SECOND, WRONG)
        (after,) = changes(reviews, project, before.changed_at)
        assert after.changed_at > before.changed_at
        assert after.judgements[0].external_id == before.judgements[0].external_id
        assert after.judgements[0].updated_at > before.judgements[0].updated_at
        assert after.judgements[0].verdict is Verdict.WRONG
        assert after.judgements[0].reviewer == SECOND

    def test_a_deleted_judgement_is_a_change_of_its_task(
        self, reviews: ReviewQueue, people: People, project: str, task: str
    ) -> None:
        people.judge(task, FIRST, Opinion())
        (before,) = changes(reviews, project)
        people.take_back(task)
        (after,) = changes(reviews, project, before.changed_at)
        assert after.changed_at > before.changed_at
        assert after.judgements == ()

    def test_a_skip_says_that_it_is_one(self, reviews: ReviewQueue, people: People, project: str, task: str) -> None:
        people.skip(task, FIRST)
        (read,) = changes(reviews, project)
        assert [said.skipped for said in read.judgements] == [True]

    def test_only_what_changed_at_that_moment_or_later_is_read(
        self, reviews: ReviewQueue, people: People, project: str
    ) -> None:
        tasks = reviews.push(project, [audit_task(number) for number in range(8)])
        order = [tasks[audit_task(number).audit_id] for number in (5, 1, 3)]
        for task in order:
            people.judge(task, FIRST, Opinion())
        read = changes(reviews, project)
        assert [task.task_id for task in read][-3:] == order
        assert [task.task_id for task in changes(reviews, project, read[-2].changed_at)] == order[1:]

    def test_a_deleted_task_is_gone_and_may_be_pushed_again(
        self, reviews: ReviewQueue, people: People, project: str, task: str
    ) -> None:
        people.delete_task(task)
        assert everything(reviews, project) == {}
        assert list(reviews.push(project, [audit_task()])) == [audit_task().audit_id]
        assert len(everything(reviews, project)) == 1

    def test_withdrawing_twice_is_withdrawing_once(self, reviews: ReviewQueue, project: str, task: str) -> None:
        reviews.withdraw(project, [task])
        reviews.withdraw(project, [task])
        assert everything(reviews, project) == {}

    def test_in_place_of_a_deleted_project_there_is_another(
        self, reviews: ReviewQueue, people: People, project: str, task: str
    ) -> None:
        people.delete_project()
        with pytest.raises(ReviewQueueUnavailable):
            changes(reviews, project)
        with pytest.raises(ReviewQueueUnavailable):
            reviews.push(project, [audit_task(2)])
        other = reviews.open(project).project
        assert other != project
        assert everything(reviews, other) == {}
