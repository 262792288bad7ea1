"""Operators and reviewers use the dashboard: real pages of a real process in a real browser, over a made-up past."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from answerloop.db.repositories import objectives, verdicts
from answerloop.db.training_tables import TrainingRunRow
from answerloop.testing.installation import CHECKOUT
from tests.e2e.dashboard_kit import RunningDashboard

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]

COLOURS = 160
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDashboard]:
    running = RunningDashboard(tmp_path_factory.mktemp("dashboard") / "state")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def open_page(chromium: Browser, dashboard: RunningDashboard) -> Iterator[Open]:
    """Opens a page; fails the test when anything leaves the machine or the browser complains (of the CSP, too)."""
    contexts: list[BrowserContext] = []
    outside: list[str] = []
    complaints: list[str] = []

    def opened(path: str, scheme: str = "light", width: int = 1280, height: int = 900) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda sent: None if sent.url.startswith(dashboard.url) else outside.append(sent.url))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{dashboard.url}{path}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert outside == []
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_there_in_light_and_dark(open_page: Open, dashboard: RunningDashboard, scheme: str) -> None:
    page = open_page("/", scheme)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(22, 24, 26)") is (scheme == "dark")
    pages = {
        "overview": ("/", "What became of the questions"),
        "queue": ("/queue", "What is the salary band of level 4?"),
        "audit": (f"/audits/{dashboard.past.conflict}", "Is the answer correct?"),
        "corrections": ("/corrections", "Waiting for a second person"),
        "gaps": ("/gaps", "Where can I park my bicycle?"),
        "training": ("/training", "an honest “not tonight”"),
        "night": (f"/training/{dashboard.nights.canary}", "The candidate against every other arm"),
        "objective": ("/objective", "What is counted, and what is assumed"),
        "alarms": ("/alarms", "bicycle parking"),
    }
    for name, (path, words) in pages.items():
        page.goto(f"{dashboard.url}{path}")
        expect(page.locator("main")).to_contain_text(words)
        if scheme == "light" or name == "overview":
            picture(page, f"dashboard-{name}" + ("-dark" if scheme == "dark" else ""))


def picture(page: Page, name: str) -> None:
    """Into `.e2e/pictures`; with ANSWERLOOP_WRITE_PICTURES=1 also into `docs/pictures`."""
    folder = CHECKOUT / ".e2e" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    if os.environ.get("ANSWERLOOP_WRITE_PICTURES"):
        image = Image.open(folder / f"{name}.png").convert("RGB")
        small = image.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
        small.save(CHECKOUT / "docs" / "pictures" / f"{name}.png", optimize=True)


def test_the_charts_are_drawn(open_page: Open) -> None:
    page = open_page("/")
    for chart in page.locator(".canvas").all():
        box = chart.bounding_box()
        assert box is not None
        assert box["height"] > 100
        assert box["width"] > 200
    bar = page.locator(".canvas rect.answered").first.bounding_box()
    assert bar is not None
    assert bar["height"] > 5
    page.get_by_text("Numbers").first.click()
    expect(page.get_by_role("columnheader", name="curated").first).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/queue", "/corrections", "/gaps", "/training", "/training/canary",
                                  "/training/refused", "/training/not_tonight", "/objective", "/alarms"])  # fmt: skip
def test_a_phone_shows_everything_without_sideways_scrolling(
    open_page: Open, dashboard: RunningDashboard, path: str
) -> None:
    kind = path.rpartition("/")[2]
    for name, run_id in asdict(dashboard.nights).items():
        path = path.replace(f"/training/{name}", f"/training/{run_id}")
    page = open_page(path, width=360, height=740)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    tables = page.locator(".scroll:has(.stacked)")
    widths = tables.evaluate_all("all => all.map(box => [box.scrollWidth, box.clientWidth])")
    assert all(inner <= outer for inner, outer in widths), "nor within a table that stacks its rows"
    if path.startswith("/training"):
        page.screenshot(path=CHECKOUT / ".e2e" / "pictures" / f"dashboard-phone-{kind}.png", full_page=True)
    if path == "/":
        page.screenshot(path=CHECKOUT / ".e2e" / "pictures" / "dashboard-phone.png")


def test_a_night_that_runs_is_followed_to_its_end(open_page: Open, dashboard: RunningDashboard) -> None:
    def changed(**columns: object) -> None:
        with dashboard.database.writing() as session:
            for name, value in columns.items():
                setattr(session.get(TrainingRunRow, "under-way"), name, value)

    with dashboard.database.writing() as session:
        session.add(TrainingRunRow(id="under-way", step="train", progress={"done": 30, "of": 300}))
    try:
        page = open_page("/training/under-way")
        expect(page.locator("#running")).to_contain_text("30 of 300")
        changed(progress={"done": 210, "of": 300, "detail": "loss 0.41"})
        expect(page.locator("#running")).to_contain_text("210 of 300 · loss 0.41")
        changed(state="done", outcome="refused", reasons=["Correctness may be worse."])
        expect(page.locator(".reasons")).to_have_text("Correctness may be worse.")
        expect(page.locator("#running")).to_have_count(0)
    finally:
        with dashboard.database.writing() as session:
            session.delete(session.get(TrainingRunRow, "under-way"))


def test_a_reviewer_judges_with_the_keyboard_alone(open_page: Open, dashboard: RunningDashboard) -> None:
    page = open_page(f"/audits/{dashboard.past.restricted}")
    page.keyboard.press("3")
    page.keyboard.press("p")
    page.keyboard.press("c")
    expect(page.locator("#correction")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("Level 4 earns EUR 62,000 to 75,000.")
    page.keyboard.press("Control+Enter")
    expect(page).to_have_url(re.compile(f"/audits/{dashboard.past.conflict}$"))
    with dashboard.database.reading() as session:
        [given] = verdicts.current(session, dashboard.past.restricted)
    assert (given.verdict, given.grounded, given.edited) == ("wrong", "partly_grounded", True)
    assert given.correction == "Level 4 earns EUR 62,000 to 75,000."
    assert given.reviewer == "dana@orrenby.example", "the human that we know already"
    page.goto(f"{dashboard.url}/queue")
    expect(page.locator("li.greyed")).to_contain_text("you have judged it")


def test_a_second_person_rejects_it_and_nobody_approves_their_own(open_page: Open, dashboard: RunningDashboard) -> None:
    page = open_page("/corrections")
    own = page.locator("li.correction", has_text="May I split my parental leave?")
    expect(own.get_by_role("button", name="Approve")).to_be_disabled()
    expect(own).to_contain_text("You wrote it")
    waiting = page.locator("li.correction", has_text="Do I keep parental leave")
    waiting.get_by_role("button", name="Reject").click()
    expect(page.locator("section", has_text="Waiting for a second person").first).to_contain_text("None.")


def test_an_operator_sets_the_objective_and_clears_an_alarm(open_page: Open, dashboard: RunningDashboard) -> None:
    page = open_page("/objective")
    page.get_by_label("What do you want to reach?").fill("Resolve 60 % of IT questions without a ticket.")
    page.get_by_label("Resolved, %").fill("60")
    page.get_by_label("Topic").select_option("it")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".goal-text")).to_have_text("Resolve 60 % of IT questions without a ticket.")
    with dashboard.database.reading() as session:
        assert objectives.latest(session, "default")[0].topic == "it"
    page.goto(f"{dashboard.url}/alarms")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("li.greyed")).to_contain_text("cleared")


def test_gaps_are_exported(open_page: Open, tmp_path: Path) -> None:
    page = open_page("/gaps")
    with page.expect_download() as started:
        page.get_by_role("link", name="Export as CSV").first.click()
    file = tmp_path / "gaps.csv"
    started.value.save_as(file)
    assert "Where can I park my bicycle?" in file.read_text(encoding="utf-8-sig")
