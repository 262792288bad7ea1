"""The whole loop, as people walk it: ask in the web chat, say that it is not helpful, have a colleague correct it in
Label Studio, ask again in other words, and look at the dashboard. Set ANSWERLOOP_WRITE_PICTURES to take the pictures of
docs/review.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from answerloop.auditing import AuditState
from answerloop.db.audit_tables import AuditRow, CorrectionRow
from answerloop.label_studio import LabelStudioFolder
from answerloop.testing.installation import CHECKOUT, RunningInstallation, free_port, until
from answerloop.testing.label_studio_server import prepare

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(900)]

COLOURS = 160
ROSA = "rosa@orrenby.example"
QUESTION = "How many days of parental leave do I get?"
IN_OTHER_WORDS = "How much parental leave am I entitled to in days?"
RIGHT = (
    "Every Orrenby employee gets 90 days of paid parental leave for each child. "
    "Parental leave must be used before the child's second birthday."
)
VERIFIED = "Verified by a colleague"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, few_documents: Path) -> Iterator[RunningInstallation]:
    home = tmp_path_factory.mktemp("loop") / "state"
    prepare(LabelStudioFolder(home / "label-studio"))
    installation = RunningInstallation(
        home, few_documents, review="label-studio", label_studio_port=str(free_port()), review_budget="50"
    )
    installation.start()
    yield installation
    if installation.is_running():
        installation.stop()
    installation.database.dispose()


@pytest.fixture
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """Nothing leaves the machine, and no script breaks."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    outside: list[str] = []
    errors: list[str] = []
    local = ("http://127.0.0.1:", "data:", "blob:")
    context.on("request", lambda request: None if request.url.startswith(local) else outside.append(request.url))
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert outside == []
    assert errors == []


def picture(page: Page, name: str, fallback: Path) -> None:
    folder = CHECKOUT / "docs" / "pictures" if os.environ.get("ANSWERLOOP_WRITE_PICTURES") else fallback
    page.wait_for_timeout(600)  # what moves comes to rest
    taken = folder / f"loop-{name}.png"
    page.screenshot(path=taken)
    with Image.open(taken) as image:
        small = image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(taken, optimize=True)


def invite(house: RunningInstallation) -> str:
    """Rosa's password."""
    command = [sys.executable, "-m", "review", "reviewers", "invite", ROSA, "--person", "rosa"]
    done = subprocess.run(command, env=house.environment, capture_output=True, text=True, cwd=house.home, check=True)
    return done.stdout.split("Password: ")[1].split(" ")[0]


def sign_in(page: Page, studio: str, password: str) -> None:
    page.goto(f"{studio}/user/login/")
    page.fill("input[name=email]", ROSA)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def ask(page: Page, text: str) -> None:
    page.get_by_label("Your question").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator(".answer").last).to_have_attribute("aria-busy", "false", timeout=60_000)


def project_of_the_task(house: RunningInstallation) -> str:
    def out() -> str | None:
        with house.database.reading() as session:
            row = session.scalar(select(AuditRow).where(AuditRow.state == AuditState.OUT))
            return str(row.project).partition("@")[0] if row else None

    return until(out, 120)


def correct(page: Page, studio: str, project: str, pictures: Path) -> None:
    """As somebody does it who reads the answer, looks into its source and types."""
    page.goto(f"{studio}/projects/{project}/data?labeling=1")
    expect(page.locator(".al-audit")).to_contain_text(QUESTION)
    page.keyboard.press("2")
    page.keyboard.press("w")
    page.keyboard.press("s")
    page.locator("input[name='1 · Parental leave']").check()
    page.get_by_test_id("htx-textbox-edit-button").first.click()
    box = page.locator(".al-correction textarea").first
    box.fill(RIGHT)
    box.blur()
    picture(page, "corrected", pictures)
    page.get_by_test_id("bottombar-submit-button").click()


def test_a_correction_reaches_the_next_who_asks(
    house: RunningInstallation, window: BrowserContext, pictures: Path
) -> None:
    folder = LabelStudioFolder(house.home / "label-studio")
    studio = until(lambda: folder.url.exists() and folder.url.read_text(), 240)
    password = invite(house)

    chat = window.new_page()
    chat.goto(house.url)
    ask(chat, QUESTION)
    first = chat.locator(".answer").first
    expect(first).not_to_contain_text(VERIFIED)
    first.get_by_role("button", name="Not helpful").click()
    first.get_by_role("radio", name="Incomplete").check()
    first.get_by_label("In your words").fill("It does not say until when I may take it.")
    picture(chat, "not-helpful", pictures)
    first.get_by_role("button", name="Send feedback").click()
    expect(first).to_contain_text("This helps to make the next answer better")

    project = project_of_the_task(house)
    desk = window.new_page()
    sign_in(desk, studio, password)
    correct(desk, studio, project, pictures)

    expect(first).to_contain_text(VERIFIED, timeout=90_000)  # nobody has touched the page
    expect(first).to_contain_text("before the child's second birthday")
    picture(chat, "put-right", pictures)

    other = window.new_page()
    other.goto(house.url)
    ask(other, IN_OTHER_WORDS)
    second = other.locator(".answer").last
    expect(second).to_contain_text(VERIFIED)
    expect(second).to_contain_text("before the child's second birthday")
    expect(second.get_by_role("link", name="Parental leave").first).to_be_visible()
    picture(other, "asked-again", pictures)

    board = window.new_page()
    board.goto(f"{house.dashboard}/corrections")
    in_force = board.locator(".correction-list").filter(has_text="90 days of paid parental leave")
    expect(in_force).to_contain_text(f"approved by {ROSA}")
    expect(in_force).to_contain_text(re.compile("served 1×"))
    picture(board, "dashboard-correction", pictures)
    board.goto(house.dashboard)
    expect(board.locator("dl.facts").filter(has_text="judged so far").first).to_contain_text(
        re.compile(r"judged so far\s*1")
    )
    with house.database.reading() as session:
        [row] = session.scalars(select(CorrectionRow)).all()
    assert (row.state, row.approved_by, row.suggested_by) == ("approved", ROSA, ROSA)
