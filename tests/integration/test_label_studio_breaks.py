"""Label Studio and we ourselves are killed, slow, failing and restored: nothing is lost and there are no twins."""

import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from answerloop.auditing import AuditState, Fault, Grounded, Verdict
from answerloop.db.session import Database
from answerloop.db.tables import OutboxRow, now
from answerloop.errors import ReviewQueueUnavailable
from answerloop.testing.fake_review_queue import Opinion
from answerloop.testing.installation import CHECKOUT
from answerloop.testing.label_studio_server import LabelStudioPeople, RunningLabelStudio
from answerloop.testing.unruly_proxy import Trouble, UnrulyProxy
from review.audit import ARRIVES_WITHIN
from tests.unit.review.audit_kit import ANN, BEN, Office

pytestmark = pytest.mark.stack

CONFIG = (CHECKOUT / "review" / "label_config.xml").read_text()
RIGHT = Opinion()
WRONG = Opinion(Verdict.WRONG, Grounded.NOT, (Fault.OUTDATED,), "90 days.", (1,))
IMPORT, LIST, MARK = "/import", "GET /api/tasks/", "PATCH /api/projects/"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = RunningLabelStudio(tmp_path_factory.mktemp("label-studio") / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def running(server):
    """It runs, whatever the test before has done to it."""
    if server.process is None:
        server.start()
    return server


@pytest.fixture
def title() -> str:
    return f"Answers {uuid4().hex}"


@pytest.fixture
def proxy(running):
    with UnrulyProxy(running.url) as proxy:
        yield proxy


@pytest.fixture
def people(running, title):
    people = LabelStudioPeople(running, title)
    yield people
    people.close()


@pytest.fixture
def office(database, running, proxy, people, title):
    from answerloop.backends.review_label_studio import LabelStudioReviewQueue

    reviews = LabelStudioReviewQueue(proxy.url, running.token, CONFIG, title=title)
    office = Office(database, reviews, people)
    yield office
    reviews.close()


@pytest.fixture
def audits(office) -> list[str]:
    return [office.audit() for _ in range(6)]


@pytest.fixture
def later(monkeypatch):
    """Whatever was sent has arrived by now, or never will."""

    def pass_time() -> None:
        monkeypatch.setattr("review.audit.now", lambda: now() + ARRIVES_WITHIN * 1.1)

    return pass_time


@pytest.fixture
def impatient(monkeypatch):
    from answerloop.backends import label_studio_api

    return lambda: monkeypatch.setitem(label_studio_api.ONCE, "timeout_in_seconds", 2)


def one_task_each(office: Office, people: LabelStudioPeople, audits: list[str]) -> None:
    assert Counter(people.tasks().values()) == Counter(audits)
    assert {office.state(audit) for audit in audits} == {AuditState.OUT}
    assert all(people.tasks()[office.task(audit)] == audit for audit in audits)


class Ourselves:
    """A process of ours that does one thing and is killed by what the proxy sees."""

    def __init__(self, database: Database, proxy: UnrulyProxy, token: str, title: str) -> None:
        self._arguments = [str(database.engine.url), proxy.url, token, title]
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, step: str) -> int:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.integration.review_process", *self._arguments, step],
            cwd=CHECKOUT,
            stdout=subprocess.DEVNULL,
        )
        return self._process.wait(60)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()


@pytest.fixture
def ourselves(database, proxy, running, title) -> Ourselves:
    return Ourselves(database, proxy, running.token, title)


# --- on the way out


@pytest.mark.parametrize("before", [True, False], ids=["before the import", "after the import"])
def test_the_server_is_killed_in_the_middle_of_a_push(server, office, people, proxy, audits, later, before):
    proxy.expect(Trouble(IMPORT, before=before, meanwhile=server.kill))
    with pytest.raises(ReviewQueueUnavailable):
        office.loop.push()
    with pytest.raises(ReviewQueueUnavailable):
        office.another_loop().push()
    server.start()
    later()
    office.another_loop().push()
    one_task_each(office, people, audits)


@pytest.mark.parametrize("before", [True, False], ids=["before the import", "after the import"])
def test_we_are_killed_in_the_middle_of_a_push(office, people, proxy, audits, ourselves, before):
    proxy.expect(Trouble(IMPORT, before=before, meanwhile=ourselves.kill))
    assert ourselves.run("push") == -9
    assert office.loop.push() is None, "the lease of the dead one still holds"
    time.sleep(3)
    office.loop.push()
    one_task_each(office, people, audits)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("status", [500, 502, 0])
def test_an_import_that_fails_is_tried_again_without_twins(office, people, proxy, audits, later, status, before):
    proxy.expect(Trouble(IMPORT, status=status, before=before))
    with pytest.raises(ReviewQueueUnavailable):
        office.loop.push()
    assert office.loop.push() == 0, "it may still arrive"
    later()
    office.loop.push()
    one_task_each(office, people, audits)


def test_a_slow_import_is_given_up_and_not_repeated_too_early(office, people, proxy, audits, later, impatient):
    impatient()
    proxy.expect(Trouble(IMPORT, slow_seconds=3))
    with pytest.raises(ReviewQueueUnavailable):
        office.loop.push()
    later()
    office.loop.push()
    one_task_each(office, people, audits)


# --- on the way back


def jobs_in_the_outbox(office: Office) -> Counter[str]:
    with office.database.reading() as session:
        return Counter(row.args[0] for row in session.scalars(select(OutboxRow)) if row.task == "review.judge")


@pytest.fixture
def judged(office, people, audits) -> list[str]:
    office.loop.push()
    for audit in audits[:3]:
        people.judge(office.task(audit), ANN, WRONG)
    office.queue.down = True
    return audits[:3]


@pytest.mark.parametrize("where", [LIST, MARK])
def test_the_server_is_killed_in_the_middle_of_a_pull(server, office, proxy, judged, where):
    proxy.expect(Trouble(where, meanwhile=server.kill))
    with pytest.raises(ReviewQueueUnavailable):
        office.loop.pull()
    server.start()
    for _ in range(2):
        office.another_loop().pull()
    assert all(office.said(audit) == [(ANN, "wrong")] for audit in judged)
    assert jobs_in_the_outbox(office) == Counter(judged)
    assert office.alarms() == set()


@pytest.mark.parametrize("where", [LIST, MARK])
def test_we_are_killed_in_the_middle_of_a_pull(office, proxy, judged, ourselves, where):
    proxy.expect(Trouble(where, meanwhile=ourselves.kill))
    assert ourselves.run("pull") == -9
    time.sleep(3)
    for _ in range(2):
        office.another_loop().pull()
    assert all(office.said(audit) == [(ANN, "wrong")] for audit in judged)
    assert jobs_in_the_outbox(office) == Counter(judged)
    assert office.alarms() == set()


def test_failures_and_slowness_of_reading_cost_only_time(office, proxy, judged, impatient):
    impatient()
    proxy.expect(Trouble(LIST, status=500, before=True))
    proxy.expect(Trouble(LIST, slow_seconds=3))
    for _ in range(2):
        with pytest.raises(ReviewQueueUnavailable):
            office.loop.pull()
    office.loop.pull()
    assert all(office.said(audit) == [(ANN, "wrong")] for audit in judged)


@pytest.mark.parametrize("hours", [-3, 3])
def test_our_clock_is_wrong(office, people, judged, monkeypatch, hours):
    monkeypatch.setattr("review.judgements_in.now", lambda: now() + timedelta(hours=hours))
    office.loop.pull()
    people.edit(office.task(judged[0]), BEN, RIGHT)
    people.take_back(office.task(judged[1]))
    people.skip(office.task(judged[1]), ANN)
    office.loop.pull()
    assert [office.said(audit) for audit in judged] == [[(BEN, "correct")], [], [(ANN, "wrong")]]


def test_a_deleted_project_is_made_anew(office, people, audits, judged):
    office.loop.pull()
    office.set_state(judged[0], AuditState.JUDGED)
    people.delete_project()
    office.another_loop().pull()
    office.another_loop().push()
    assert Counter(people.tasks().values()) == Counter(audits[1:])
    assert all(office.said(audit) == [(ANN, "wrong")] for audit in judged)
    assert office.alarms() == {"review.project-gone"}


def test_a_deleted_task_and_a_deleted_judgement(office, people, audits, judged):
    office.loop.pull()
    people.delete_task(office.task(judged[0]))
    people.take_back(office.task(judged[1]))
    office.loop.pull()
    office.loop.sweep()
    office.loop.push()
    one_task_each(office, people, audits)
    assert [office.said(audit) for audit in judged] == [[(ANN, "wrong")], [], [(ANN, "wrong")]]


def test_an_older_backup_is_restored(server, office, people, audits, judged):
    office.loop.pull()
    server.stop()
    backup = server.backup()
    server.start()
    people.judge(office.task(audits[3]), BEN, WRONG)
    people.edit(office.task(audits[0]), BEN, RIGHT)
    late, later_still = office.audit(), office.audit()
    office.loop.push()
    people.judge(office.task(late), BEN, WRONG)
    office.loop.pull()
    office.set_state(late, AuditState.JUDGED)
    taken = office.task(late)
    before = {audit: office.said(audit) for audit in [*audits, late]}
    jobs = jobs_in_the_outbox(office)

    server.stop()
    server.restore(backup)
    server.start()
    for _ in range(2):
        office.another_loop().pull()
        office.another_loop().push()
        office.another_loop().sweep()
    assert {audit: office.said(audit) for audit in before} == before
    assert jobs_in_the_outbox(office) == jobs
    assert Counter(people.tasks().values()) == Counter([*audits, later_still])
    assert office.task(later_still) == taken, "the same number, and it deceives nobody"
    assert office.alarms() == {"review.restored"}

    people.judge(office.task(later_still), ANN, RIGHT)
    office.loop.pull()
    assert office.said(later_still) == [(ANN, "correct")]
    assert office.said(late) == [(BEN, "wrong")]
