"""A reviewer at work in a real Label Studio: signs in, looks, clicks, edits, submits, skips. What they see is what we
promise; set ANSWERLOOP_WRITE_PICTURES to take the pictures of docs/review.md."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from answerloop.auditing import AuditPassage, AuditTask, Fault, Flag, Grounded, Priority, Verdict
from answerloop.ports import ReviewQueue
from answerloop.testing.installation import CHECKOUT, until
from answerloop.testing.label_studio_server import LabelStudioPeople, RunningLabelStudio
from answerloop.testing.review_suite import audit_task, changes, everything

pytestmark = [pytest.mark.stack, pytest.mark.browser]

ROSA = "rosa@orrenby.example"
PICTURES = CHECKOUT / "docs" / "pictures"
LEAVE = AuditTask(
    audit_id="1" * 32,
    answer_id="2" * 32,
    priority=Priority.URGENT,
    question="How many days of parental leave do I get when my second child is born?",
    answer="You get 60 days of paid parental leave [1]. Ask <PERSON_1> four weeks before [2].",
    suggestion="You get 90 days of paid parental leave [1].",
    passages=(
        AuditPassage(
            1,
            "d1",
            "Parental leave",
            "Every employee with at least six months of service gets 90 days of paid parental leave for each child.\n"
            "It may be taken in up to three parts.",
            "https://intranet.orrenby.example/hr/parental-leave",
            True,
        ),
        AuditPassage(2, "d2", "Requests", "Leave is requested eight weeks before its first day.", None, True),
        AuditPassage(3, "d3", "Annual leave 2026", "Annual leave is 28 days.", "https://intranet.example/a", False),
    ),
    channel="slack",
    model="reader",
    adapter="base",
    confidence="sure",
    answered_at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
    flags=(Flag.THUMB_DOWN, Flag.SUGGESTION),
    said=("Thumb down: outdated — Better: You get 90 days of paid parental leave [1].",),
)

OTHERS = [
    replace(
        LEAVE, audit_id=f"{number:032x}", priority=Priority.FLAGGED, question=question, answer=answer, suggestion=answer
    )
    for number, question, answer in (
        (3, "Which form do I hand in before my leave starts?", "Hand in form PL-2 [1]."),
        (4, "Who approves a purchase of EUR 5,000?", "Your department head approves purchases up to EUR 10,000 [1]."),
    )
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = RunningLabelStudio(tmp_path_factory.mktemp("label-studio") / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def title() -> str:
    return "Answers to judge" if writes_pictures() else f"Answers {uuid4().hex}"


@pytest.fixture
def people(server, title):
    people = LabelStudioPeople(server, title)
    yield people
    people.delete_project()
    people.close()


@pytest.fixture
def reviews(server, title):
    from answerloop.backends.review_label_studio import LabelStudioReviewQueue

    config = (CHECKOUT / "review" / "label_config.xml").read_text()
    reviews = LabelStudioReviewQueue(server.url, server.token, config, title=title)
    yield reviews
    reviews.close()


@pytest.fixture
def project(reviews) -> str:
    return reviews.open(None).project


@pytest.fixture
def browser_window(chromium, server):
    """Nothing leaves the machine, and no script breaks."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    outside: list[str] = []
    errors: list[str] = []
    local = (server.url, "data:", "blob:")
    context.on("request", lambda request: None if request.url.startswith(local) else outside.append(request.url))
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert outside == []
    assert errors == []


@pytest.fixture
def page(browser_window: BrowserContext, server, people) -> Page:
    """Rosa, signed in with the password of her invitation."""
    people.account(ROSA)
    page = browser_window.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{server.url}/user/login/")
    page.fill("input[name=email]", ROSA)
    page.fill("input[name=password]", server.passwords[ROSA])
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def writes_pictures() -> bool:
    return bool(os.environ.get("ANSWERLOOP_WRITE_PICTURES"))


def picture(page: Page, name: str, fallback: Path) -> None:
    folder = PICTURES if writes_pictures() else fallback
    page.wait_for_timeout(600)  # what moves comes to rest
    page.screenshot(path=folder / f"review-{name}.png")


def open_stream(page: Page, server: RunningLabelStudio, project: str) -> None:
    page.goto(f"{server.url}/projects/{project.partition('@')[0]}/data?labeling=1")
    expect(page.locator(".al-audit")).to_be_visible()


def judgement(reviews: ReviewQueue, project: str, audit: str):
    def found():
        return [said for task in changes(reviews, project) if task.audit_id == audit for said in task.judgements]

    return until(found, 30)[0]


def test_a_reviewer_corrects_an_answer_and_skips_the_next(page, server, reviews, people, project, pictures):
    reviews.push(project, OTHERS)
    reviews.push(project, [LEAVE])
    page.goto(f"{server.url}/projects/{project.partition('@')[0]}/data")
    expect(page.get_by_text("1 · Urgent")).to_be_visible()
    expect(page.get_by_text("4 · Drawn by lot")).to_be_visible()
    expect(page.get_by_text(LEAVE.question)).to_be_visible()
    picture(page, "queue", pictures)

    open_stream(page, server, project)
    screen = page.locator(".al-audit")
    expect(screen).to_contain_text("You get 60 days of paid parental leave [1]. Ask <PERSON_1> four weeks before [2].")
    expect(screen).to_contain_text("Thumb down: outdated")
    expect(screen.get_by_role("link", name="Parental leave")).to_have_attribute("rel", "noopener noreferrer")
    expect(page.get_by_text("What is wrong with it?")).to_be_hidden()
    picture(page, "task", pictures)

    page.get_by_test_id("bottombar-submit-button").click()
    expect(page.get_by_text("Say whether the answer is right (keys 1 to 4).")).to_be_visible()
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_text("Say whether the answer is right (keys 1 to 4).")).to_be_hidden()

    page.keyboard.press("3")
    page.keyboard.press("e")
    expect(page.get_by_text("What is wrong with it?")).to_be_visible()
    page.keyboard.press("f")
    page.locator("input[name='1 · Parental leave']").check()
    page.get_by_test_id("htx-textbox-edit-button").first.click()
    box = page.locator(".al-correction textarea").first
    box.fill("You get 90 days of paid parental leave for each child [1].")
    box.blur()
    picture(page, "correction", pictures)
    page.get_by_test_id("bottombar-submit-button").click()

    said = judgement(reviews, project, LEAVE.audit_id)
    assert (said.reviewer, said.verdict, said.grounded) == (ROSA, Verdict.WRONG, Grounded.NOT)
    assert (said.faults, said.documents, said.edited) == ((Fault.OUTDATED,), (1,), True)
    assert said.correction == "You get 90 days of paid parental leave for each child [1]."
    assert said.lead_seconds
    assert said.account == people.account(ROSA)


def test_right_takes_two_keys_and_a_skip_is_no_verdict(page, server, reviews, project):
    first, second = reviews.push(project, [audit_task(1), audit_task(2)]).items()
    open_stream(page, server, project)
    page.keyboard.press("1")
    page.keyboard.press("q")
    page.get_by_test_id("bottombar-submit-button").click()
    said = judgement(reviews, project, first[0])
    assert (said.verdict, said.grounded, said.correction, said.skipped) == (
        Verdict.CORRECT,
        Grounded.GROUNDED,
        None,
        False,
    )
    expect(page.get_by_text("2 of 2")).to_be_visible()
    page.get_by_test_id("bottombar-skip-button").click()
    skipped = judgement(reviews, project, second[0])
    assert skipped.skipped
    assert len(everything(reviews, project)) == 2


def test_a_missing_document_is_named_without_pressing_enter(page, server, reviews, project):
    ((audit, _),) = reviews.push(project, [audit_task(1)]).items()
    open_stream(page, server, project)
    for key in ("2", "w", "s"):
        page.keyboard.press(key)
    page.locator("input[name=missing_document]").fill("Travel policy, chapter on rental cars")
    page.get_by_test_id("bottombar-submit-button").click()
    said = judgement(reviews, project, audit)
    assert said.missing_document == "Travel policy, chapter on rental cars"
    assert (said.verdict, said.faults) == (Verdict.PARTIAL, (Fault.MISSING_INFORMATION,))
    assert not said.edited, "the suggestion was accepted as it was"
    assert said.correction == audit_task(1).suggestion


def test_in_the_dark_it_is_readable_too(page, server, reviews, project, pictures):
    reviews.push(project, [LEAVE])
    open_stream(page, server, project)
    page.keyboard.press("3")
    page.get_by_role("button", name="Light").or_(page.get_by_text("Light", exact=True)).first.click()
    picture(page, "dark", pictures)
    colours = page.evaluate(
        "(selector) => { const style = getComputedStyle(document.querySelector(selector));"
        " return [style.color, style.backgroundColor] }",
        ".al-audit .al-card",
    )
    text, ground = (sum(map(int, colour[colour.index("(") + 1 : -1].split(",")[:3])) for colour in colours)
    assert text > 500, colours
    assert ground < 200, colours
