"""An employee uses the web chat: real pages in a real browser, the whole stack and the real model behind them."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from answerloop.testing.installation import RunningInstallation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


def ask(page: Page, text: str) -> Locator:
    """Type a question, send it, and wait for its finished answer."""
    answers = page.locator(".answer")
    before = answers.count()
    page.get_by_label("Your question").fill(text)
    page.keyboard.press("Enter")
    expect(answers).to_have_count(before + 1)
    answer = answers.nth(before)
    expect(answer).to_have_attribute("aria-busy", "false", timeout=60_000)
    return answer


def test_three_questions_get_cited_answers(page: Page, pictures: Path) -> None:
    leave = ask(page, "How many days of parental leave do I get?")
    expect(leave).to_contain_text("90 days")
    page.screenshot(path=pictures / "answer.png")
    vpn = ask(page, "What does the error VPN-4471 mean?")
    expect(vpn).to_contain_text("VPN-4471")
    meals = ask(page, "What is the meal allowance per day on a business trip?")
    expect(meals).to_contain_text("EUR 52")
    expect(meals).not_to_contain_text("EUR 38")
    for answer in (leave, vpn, meals):
        expect(answer.get_by_role("button", name=re.compile("^Source 1")).first).to_be_visible()
    page.screenshot(path=pictures / "thread.png")


def test_a_source_opens_the_document_at_the_passage(page: Page, context: BrowserContext, pictures: Path) -> None:
    answer = ask(page, "How many days of parental leave do I get?")
    with context.expect_page() as opened:
        answer.get_by_role("link", name="Parental leave").first.click()
    document = opened.value
    expect(document.locator("#passage")).to_contain_text("90 days of paid parental leave")
    expect(document.locator("#passage")).to_be_in_viewport()
    document.screenshot(path=pictures / "document.png")


def test_a_restricted_document_is_not_used(page: Page) -> None:
    answer = ask(page, "What is the salary band of a level 4 engineer in 2026?")
    expect(answer).not_to_contain_text("Salary bands")


def test_what_is_not_known_is_said_with_a_person_to_ask(page: Page, pictures: Path) -> None:
    answer = ask(page, "Who won the football world championship in Brazil?")
    expect(answer).to_contain_text("I don't know")
    expect(answer).to_contain_text("people-desk@orrenby.example")
    page.screenshot(path=pictures / "i-dont-know.png")


def test_a_follow_up_is_understood(page: Page) -> None:
    ask(page, "How many days per week can employees work remotely?")
    expect(ask(page, "And for contractors?")).to_contain_text("one day")


def test_a_thumb_down_with_a_better_answer_is_kept(page: Page, office: RunningInstallation, pictures: Path) -> None:
    answer = ask(page, "How many days of annual leave do I have?")
    answer.get_by_role("button", name="Not helpful").click()
    answer.get_by_role("radio", name="Incomplete").check()
    answer.get_by_label("In your words").fill("It does not say what happens later.")
    answer.get_by_label("What would be the right answer?").fill("27 days, and 29 after five years.")
    answer.get_by_label("Where is it written?").fill("Annual leave, section Entitlement")
    page.screenshot(path=pictures / "feedback.png")
    answer.get_by_role("button", name="Send feedback").click()
    expect(answer).to_contain_text("A colleague will look at your answer")
    expect(answer.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Change your feedback").click()
    expect(page.get_by_role("radio", name="Incomplete")).to_be_checked()
    expect(page.get_by_label("What would be the right answer?")).to_have_value("27 days, and 29 after five years.")
    page.get_by_label("In your words").fill("")
    page.get_by_role("radio", name="Outdated").check()
    page.screenshot(path=pictures / "feedback-changed.png")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("button", name="Change your feedback")).to_be_visible()
    [conversation] = office.call("GET", "/api/chat/conversations")["conversations"][:1]
    [question] = office.call("GET", f"/api/chat/conversations/{conversation['id']}")["questions"]
    assert question["feedback"] == {
        "thumb": "down",
        "reason": "outdated",
        "comment": None,
        "correction": "27 days, and 29 after five years.",
        "source": "Annual leave, section Entitlement",
    }


def test_an_answer_can_be_copied(page: Page) -> None:
    answer = ask(page, "How many days of parental leave do I get?")
    answer.get_by_role("button", name="Copy answer").click()
    expect(answer).to_contain_text("Copied")
    assert "90 days" in page.evaluate("navigator.clipboard.readText()")


def test_a_reload_and_a_restart_in_mid_answer_lose_nothing(page: Page, office: RunningInstallation) -> None:
    page.get_by_label("Your question").fill("How many days of parental leave do I get?")
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?c="))
    os.kill(office.pid_of("bot"), signal.SIGKILL)
    os.kill(office.pid_of("worker-answer"), signal.SIGKILL)
    expect(page.locator(".answer")).to_have_attribute("aria-busy", "false", timeout=120_000)
    expect(page.locator(".answer")).to_contain_text("90 days")
    page.reload()
    expect(page.locator(".answer")).to_have_count(1)
    expect(page.locator(".answer")).to_contain_text("90 days")


def test_it_works_with_the_keyboard_alone(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type("How many days of parental leave do I get?")
    page.keyboard.press("Enter")
    answer = page.locator(".answer")
    expect(answer).to_have_attribute("aria-busy", "false", timeout=60_000)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label') === 'Helpful'"):
            break
    page.keyboard.press("Enter")
    expect(answer.get_by_role("button", name="Helpful", exact=True)).to_have_attribute("aria-pressed", "true")


def test_a_phone_shows_everything_without_sideways_scrolling(page: Page, pictures: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    answer = ask(page, "How many days of parental leave do I get?")
    expect(answer).to_contain_text("90 days")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.screenshot(path=pictures / "phone.png")


def test_dark_mode_is_remembered(page: Page, pictures: Path) -> None:
    ask(page, "How many days of parental leave do I get?")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Dark mode").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.screenshot(path=pictures / "dark.png")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
