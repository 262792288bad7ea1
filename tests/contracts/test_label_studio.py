"""The review queue on a real Label Studio."""

import threading
from uuid import uuid4

import pytest
import uvicorn
from fastapi import FastAPI

from answerloop.errors import InvalidReviewer, ReviewQueueRefused, ReviewQueueUnavailable, TaskRefused
from answerloop.ports import ReviewQueue
from answerloop.testing.fake_review_queue import Opinion
from answerloop.testing.fakes import FakeTaskQueue
from answerloop.testing.installation import CHECKOUT, free_port, until
from answerloop.testing.label_studio_server import LabelStudioPeople, RunningLabelStudio
from answerloop.testing.review_suite import FIRST, ReviewQueueSuite, audit_task, changes, everything
from review.webhook import PATH, HintDoor, routes

pytestmark = pytest.mark.stack

CONFIG = (CHECKOUT / "review" / "label_config.xml").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = RunningLabelStudio(tmp_path_factory.mktemp("label-studio") / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def title() -> str:
    return f"Answers {uuid4().hex}"


@pytest.fixture
def people(server, title):
    people = LabelStudioPeople(server, title)
    yield people
    people.close()


@pytest.fixture
def connect(server, title):
    """A queue as one process has it."""
    from answerloop.backends.review_label_studio import LabelStudioReviewQueue  # takes seconds

    opened = []

    def connect(url=server.url, token=server.token, config=CONFIG, **more) -> ReviewQueue:
        opened.append(LabelStudioReviewQueue(url, token, config, title=title, **more))
        return opened[-1]

    yield connect
    for queue in opened:
        queue.close()


@pytest.fixture
def reviews(connect) -> ReviewQueue:
    return connect()


class TestLabelStudioReviewQueue(ReviewQueueSuite):
    """Everything that the fake does too."""


@pytest.fixture
def project(reviews) -> str:
    return reviews.open(None).project


def test_the_project_is_equipped_once(connect, project, people):
    again = connect(overlap=2, webhook=("http://127.0.0.1:9/hint", "secret"))
    for _ in range(2):
        assert again.open(project).project == project
        again._equipped.clear()
    number = project.partition("@")[0]
    views = people.owner.get(f"/api/dm/views/?project={number}").json()
    assert [view["data"]["title"] for view in views] == [
        "All by urgency",
        "1 · Urgent",
        "2 · Flagged",
        "3 · New model",
        "4 · Drawn by lot",
    ]
    (hook,) = people.owner.get(f"/api/webhooks/?project={number}").json()
    assert hook["headers"] == {"X-Answerloop-Secret": "secret"}
    assert "ANNOTATION_UPDATED" in hook["actions"]
    assert people.owner.get(f"/api/projects/{number}/").json()["maximum_annotations"] == 2


def test_many_tasks_are_read_page_by_page_and_none_is_missed(reviews, people, project):
    tasks = reviews.push(project, [audit_task(number) for number in range(230)])
    assert len(set(tasks.values())) == 230
    assert everything(reviews, project).keys() == set(tasks.values())
    assert {task.task_id for task in changes(reviews, project)} == set(tasks.values())


def test_a_task_that_somebody_made_by_hand_is_not_ours(reviews, people, project):
    number = project.partition("@")[0]
    data = {**dict.fromkeys(("question", "answer", "meta", "said_html", "passages_html"), ""), "documents": []}
    people.owner.post(f"/api/projects/{number}/import", json=[data]).raise_for_status()
    assert everything(reviews, project) == {}


def test_what_does_not_fit_the_screen_is_refused_before_anything_is_sent(connect, people):
    config = CONFIG.replace('<TextArea name="correction"', '<TextArea name="other"')
    reviews = connect(config=config)
    project = reviews.open(None).project
    with pytest.raises(TaskRefused):
        reviews.push(project, [audit_task()])
    assert people.tasks() == {}


def test_a_wrong_token_is_told_from_a_server_that_is_down(connect):
    with pytest.raises(ReviewQueueRefused):
        connect(token="0" * 40).open(None)
    with pytest.raises(ReviewQueueUnavailable):
        connect(url="http://127.0.0.1:9").open(None)


def test_an_invited_person_can_sign_in_and_is_invited_once(server, people):
    first = people.account("third@orrenby.example")
    assert people.account("third@orrenby.example") == first
    people.sign_in("third@orrenby.example")
    with pytest.raises(InvalidReviewer):
        people.account("not an address")


def test_no_page_of_a_document_does_anything_on_the_screen(reviews, people, project):
    (task,) = reviews.push(project, [audit_task()]).values()
    data = people.owner.get(f"/api/tasks/{task}/").json()["data"]
    assert "<script" not in data["passages_html"]
    assert "javascript:" not in data["passages_html"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in data["passages_html"]


@pytest.fixture
def hints():
    """Our door behind a real socket, and what it sends."""
    queue = FakeTaskQueue()
    app = FastAPI()
    app.include_router(routes(HintDoor(queue, lambda: "the secret")))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=free_port(), log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{server.config.port}{PATH}", queue
    server.should_exit = True
    thread.join(10)


def test_a_judgement_knocks_at_our_door(connect, people, hints):
    url, queue = hints
    reviews = connect(webhook=(url, "the secret"))
    project = reviews.open(None).project
    (task,) = reviews.push(project, [audit_task()]).values()
    assert queue.jobs == []
    people.judge(task, FIRST, Opinion())
    until(lambda: queue.jobs)
    assert [job.task for job in queue.jobs] == ["review.pull"]
