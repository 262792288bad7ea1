"""Deleted tasks, a deleted project, a restored backup: ours is the better memory, and it is not used to deceive."""

import pytest
from sqlalchemy import select

from answerloop.auditing import AuditState, Grounded, Verdict
from answerloop.db.audit_tables import AuditRow, VerdictRow
from answerloop.errors import ReviewQueueUnavailable
from answerloop.testing.fake_review_queue import Opinion
from tests.unit.review.audit_kit import ANN, BEN, Office

RIGHT, WRONG = Opinion(), Opinion(Verdict.WRONG, Grounded.NOT, correction="90 days.")


@pytest.fixture
def office(database) -> Office:
    return Office(database)


@pytest.fixture
def audits(office) -> list[str]:
    audits = [office.audit() for _ in range(4)]
    office.loop.push()
    office.loop.pull()
    return audits


def test_a_deleted_task_is_pushed_again_and_the_operator_told(office, audits):
    office.reviews.delete_task(office.task(audits[0]))
    office.loop.sweep()
    assert office.state(audits[0]) is AuditState.WAITING
    office.loop.push()
    assert sorted(office.reviews.tasks().values()) == sorted(audits)
    assert office.alarms() == {"review.tasks-gone"}


def test_what_was_said_of_a_deleted_task_stands(office, audits):
    office.reviews.judge(office.task(audits[0]), ANN, RIGHT)
    office.loop.pull()
    office.set_state(audits[0], AuditState.JUDGED)
    office.judged()
    office.reviews.delete_task(office.task(audits[0]))
    office.loop.sweep()
    assert office.said(audits[0]) == [(ANN, "correct")]
    assert (office.judged(), office.alarms()) == ([], set())
    office.loop.push()
    assert audits[0] not in office.reviews.tasks().values()


def test_who_judges_a_second_time_what_was_lost_is_heard_once(office, audits):
    office.reviews.judge(office.task(audits[0]), ANN, RIGHT)
    office.loop.pull()
    office.reviews.delete_task(office.task(audits[0]))
    office.loop.sweep()
    office.loop.push()
    office.reviews.judge(office.task(audits[0]), ANN, WRONG)
    office.loop.pull()
    assert office.said(audits[0]) == [(ANN, "wrong")]


def test_a_judgement_that_was_deleted_without_a_trace_is_found_by_the_sweep(office, audits):
    office.reviews.judge(office.task(audits[0]), ANN, RIGHT)
    office.loop.pull()
    task = office.reviews._find(office.task(audits[0]))
    task.judgements.clear()  # without a change of its time
    office.loop.sweep()
    assert office.said(audits[0]) == []


def test_a_deleted_project_is_made_anew_and_verdicts_stand(office, audits):
    office.reviews.judge(office.task(audits[0]), ANN, WRONG)
    office.loop.pull()
    office.set_state(audits[0], AuditState.JUDGED)
    office.reviews.delete_project()
    office.another_loop().pull()
    office.another_loop().push()
    assert office.said(audits[0]) == [(ANN, "wrong")]
    assert sorted(office.reviews.tasks().values()) == sorted(audits[1:])
    assert office.alarms() == {"review.project-gone"}
    office.reviews.judge(office.task(audits[1]), BEN, RIGHT)
    office.loop.pull()
    assert office.said(audits[1]) == [(BEN, "correct")]


def test_after_a_restore_nothing_that_was_said_is_lost(office, audits):
    first, second = audits[:2]
    office.reviews.judge(office.task(first), ANN, RIGHT)
    office.loop.pull()
    backup = office.reviews.backup()
    office.reviews.judge(office.task(second), ANN, WRONG)
    office.reviews.edit(office.task(first), ANN, WRONG)
    office.loop.pull()
    late = office.audit()
    office.loop.push()
    office.judged()

    office.reviews.restore(backup)
    office.another_loop().pull()
    office.another_loop().push()
    assert office.alarms() == {"review.restored"}
    assert office.said(first) == office.said(second) == [(ANN, "wrong")]
    assert office.judged() == []
    assert sorted(office.reviews.tasks().values()) == sorted([*audits, late])

    for _ in range(2):
        office.loop.pull()
        office.loop.sweep()
    assert office.said(first) == office.said(second) == [(ANN, "wrong")]
    assert office.judged() == []


def test_after_a_restore_new_judgements_count_and_old_numbers_deceive_nobody(office, audits):
    backup = office.reviews.backup()
    late, later = office.audit(), office.audit()
    office.loop.push()
    office.reviews.judge(office.task(late), ANN, WRONG)
    office.loop.pull()
    office.set_state(late, AuditState.JUDGED)
    taken = office.task(late)

    office.reviews.restore(backup)
    office.another_loop().pull()
    office.another_loop().push()
    assert office.task(later) == taken, "the number of another task before"
    office.reviews.judge(office.task(later), BEN, RIGHT)
    office.loop.pull()
    office.loop.sweep()
    assert office.said(late) == [(ANN, "wrong")]
    assert office.said(later) == [(BEN, "correct")]


def test_a_judgement_that_a_restore_brought_back_to_an_older_form_can_be_changed_again(office, audits):
    office.reviews.judge(office.task(audits[0]), ANN, RIGHT)
    office.loop.pull()
    backup = office.reviews.backup()
    office.reviews.edit(office.task(audits[0]), ANN, WRONG)
    office.loop.pull()
    office.reviews.restore(backup)
    office.loop.pull()
    office.loop.sweep()
    assert office.said(audits[0]) == [(ANN, "wrong")]
    office.reviews.edit(office.task(audits[0]), BEN, RIGHT)
    office.loop.pull()
    assert office.said(audits[0]) == [(BEN, "correct")]


def test_a_backup_without_the_last_judgement_is_known_for_old(office, audits):
    """The mark goes up before a judgement is taken over, so any backup before it has a lower one."""
    backup = office.reviews.backup()
    office.reviews.judge(office.task(audits[0]), ANN, RIGHT)
    office.loop.pull()
    office.reviews.restore(backup)
    office.loop.pull()
    assert office.said(audits[0]) == [(ANN, "correct")]


def test_a_restore_while_it_is_read_takes_nothing_away(office, audits):
    backup = office.reviews.backup()
    office.reviews.judge(office.task(audits[0]), ANN, RIGHT)
    office.loop.pull()
    changes = office.reviews.changes

    def restored_meanwhile(project, since):
        office.reviews.restore(backup)
        return changes(project, None)

    office.reviews.changes = restored_meanwhile
    with pytest.raises(ReviewQueueUnavailable):
        office.loop.pull()
    office.reviews.changes = changes
    office.loop.pull()
    assert office.said(audits[0]) == [(ANN, "correct")]


def test_a_restore_of_our_own_database_is_told(office, audits):
    office.reviews.judge(office.task(audits[0]), ANN, RIGHT)
    office.reviews.leave_mark(office.row(audits[0]).project, 9)
    office.loop.pull()
    assert office.alarms() == {"review.records-older"}
    assert office.said(audits[0]) == [(ANN, "correct")]
    office.loop.pull()


def test_a_twin_is_taken_away_and_what_was_said_there_counts(office, audits):
    silent = office.reviews.copy_task(office.task(audits[0]))
    office.loop.sweep()
    assert silent not in office.reviews.tasks()
    twin = office.reviews.copy_task(office.task(audits[0]))
    office.reviews.judge(office.task(audits[0]), ANN, RIGHT)
    office.reviews.judge(twin, BEN, RIGHT)
    for _ in range(2):
        office.loop.pull()
        office.loop.sweep()
    assert office.said(audits[0]) == [(ANN, "correct"), (BEN, "correct")]


def test_when_rights_are_taken_away_reviewers_see_it_no_more(office, audits):
    office.reviews.judge(office.task(audits[1]), ANN, RIGHT)
    office.loop.pull()
    office.set_state(audits[1], AuditState.JUDGED)
    for audit in audits[:2]:
        office.restrict_document_of(audit)
    office.loop.sweep()
    assert sorted(office.reviews.tasks().values()) == sorted(audits[2:])
    assert (office.state(audits[0]), office.row(audits[0]).in_house) == (AuditState.WAITING, True)
    assert (office.state(audits[1]), office.said(audits[1])) == (AuditState.JUDGED, [(ANN, "correct")])
    office.loop.push()
    office.loop.sweep()
    assert office.alarms() == set()


def test_tasks_that_nobody_knows_are_left_alone_and_told(office, audits):
    with office.database.writing() as session:
        session.delete(session.get_one(AuditRow, audits[3]))
    office.loop.sweep()
    assert audits[3] in office.reviews.tasks().values()
    assert office.alarms() == {"review.unknown-tasks"}


def test_a_conflict_whose_task_is_gone_gets_another_and_stays_a_conflict(office, audits):
    office.set_state(audits[0], AuditState.CONFLICT)
    office.reviews.delete_task(office.task(audits[0]))
    office.loop.sweep()
    office.loop.push()
    assert office.state(audits[0]) is AuditState.CONFLICT
    assert office.reviews.tasks()[office.task(audits[0])] == audits[0]


def erase(office: Office, audit: str, state: AuditState) -> tuple[str, str]:
    """As the erasure of a person leaves an audit behind: without a task, its verdicts without words."""
    with office.database.writing() as session:
        row = session.get_one(AuditRow, audit)
        task = (row.project, row.task)
        row.project = row.task = None
        row.state = state
        for verdict in session.scalars(select(VerdictRow).where(VerdictRow.audit_id == audit)):
            verdict.correction, verdict.reviewer = None, "erased"
        return task


@pytest.mark.parametrize("state", [AuditState.JUDGED, AuditState.CLOSED])
def test_what_was_erased_here_does_not_come_back_from_there(office, audits, state):
    office.reviews.judge(office.task(audits[0]), ANN, WRONG)
    office.loop.pull()
    backup = office.reviews.backup()
    gone = erase(office, audits[0], state)
    office.loop.pull()
    assert [row.correction for row in office.verdicts(audits[0])] == [None]
    assert office.loop.withdraw([gone]) == 1
    assert audits[0] not in office.reviews.tasks().values()

    office.reviews.restore(backup)
    for _ in range(2):
        office.loop.sweep()
        office.loop.push()
    assert audits[0] not in office.reviews.tasks().values()
    assert [(row.correction, row.reviewer) for row in office.verdicts(audits[0])] == [(None, "erased")]


def test_the_words_of_an_erased_reviewer_stay_away_from_an_audit_that_goes_on(office, audits):
    office.reviews.judge(office.task(audits[0]), ANN, WRONG)
    office.loop.pull()
    with office.database.writing() as session:
        for verdict in session.scalars(select(VerdictRow)):
            verdict.correction, verdict.reviewer = None, "erased"
    office.loop.sweep()
    assert [(row.correction, row.reviewer) for row in office.verdicts(audits[0])] == [(None, "erased")]
    office.reviews.edit(office.task(audits[0]), BEN, RIGHT)
    office.loop.pull()
    assert office.said(audits[0]) == [(BEN, "correct")]


def test_withdrawing_by_number_hits_nobody_elses_task(office, audits):
    project = office.row(audits[0]).project
    office.loop.withdraw([(project, office.task(audits[0])), ("7@another", office.task(audits[1]))])
    assert sorted(office.reviews.tasks().values()) == sorted(audits)
