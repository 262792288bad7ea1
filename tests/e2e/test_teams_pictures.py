"""The messages that people meet in Teams: made to happen as they do it, looked at in the simulator's page.

`make pictures` also writes the documents' copies anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from answerloop.testing.installation import CHECKOUT, until
from tests.e2e.teams_office import TeamsOffice
from tests.e2e.teams_pages import GENERAL, LUNCH, TeamsPage, picture
from tests.e2e.teams_playground import BOB, CLI, buttons, shown

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not CLI.exists(), reason="the simulator of Teams is not installed (make simulator)"),
]

LEAVE, DAYS = "How many days of parental leave do I get?", "90 days"
UNKNOWN = "Who won the chess tournament?"
PATIENCE = 40_000
"""Milliseconds."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TeamsOffice]:
    office = TeamsOffice(tmp_path_factory.mktemp("teams"), CHECKOUT / "samples" / "handbook")
    office.installation.environment |= {
        "ANSWERLOOP_GENERATOR": "reader",
        "ANSWERLOOP_LEASE_SECONDS": "60",
        "ANSWERLOOP_PUBLIC_URL": office.installation.url,
    }
    try:
        office.start()
        yield office
    finally:
        office.stop()


@pytest.fixture
def alice(chromium: Browser, office: TeamsOffice) -> Iterator[TeamsPage]:
    context = chromium.new_context(viewport={"width": 1320, "height": 1500}, device_scale_factor=1.5)
    # the simulator's page asks elsewhere for fonts, and does without
    context.route(lambda url: not url.startswith(office.teams.url), lambda route: route.abort())
    expect.set_options(timeout=PATIENCE)
    yield TeamsPage(context.new_page(), office)
    expect.set_options(timeout=5_000)
    context.close()


def test_whoever_installs_it_is_welcomed_once_and_asks_with_one_click(alice):
    welcome = alice.card("I answer questions from the company's documents")
    expect(welcome).to_contain_text("I know 33 documents that you may read, last updated today.")
    picture("welcome", welcome)
    expect(alice.page.locator(".ac-adaptiveCard", has_text="I know 33 documents")).to_have_count(1)
    welcome.get_by_role("button", name="How do I claim my expenses?").click()
    expect(alice.card("Sources")).to_be_visible()


def test_a_placeholder_becomes_the_answer(office, alice):
    with office.answers_on_hold():
        question = alice.ask(LEAVE)
        waiting = alice.card("One moment")
        expect(waiting).to_be_visible()
        picture("placeholder", question, waiting)
    answer = alice.card(DAYS)
    expect(answer).to_contain_text("Parental leave")
    expect(alice.page.get_by_text("AI generated").last).to_be_visible()
    picture("answer", question, answer)


def test_a_thumb_down_asks_why_in_the_card(alice):
    alice.ask("Which error is VPN-4471?")
    answer = alice.card("VPN-4471")
    expect(answer).to_contain_text("Sources")
    answer.get_by_role("button", name="👎").click()
    expect(answer).to_contain_text("What was wrong?")
    picture("feedback", answer)
    answer.get_by_placeholder("What would be right").fill("Also restart the Burrow client.")
    answer.get_by_role("button", name="Send").click()
    expect(alice.page.get_by_text("Thank you, that helps.").last).to_be_visible()


def test_what_is_not_known_is_said_with_the_nearest_documents(alice):
    question = alice.ask(UNKNOWN)
    answer = alice.card("I don't know")
    expect(answer).to_contain_text("Nearest documents")
    picture("unknown", question, answer)


def test_an_answer_that_is_taken_back_is_gone(alice):
    question = alice.ask("How often are passwords changed?")
    answer = alice.card("Take back")
    expect(answer).to_contain_text("Sources")
    answer.get_by_role("button", name="Take back").click()
    gone = alice.card("This was taken back.")
    expect(gone).to_be_visible()
    picture("taken-back", question, gone)


def test_a_mention_in_a_channel_is_answered_in_its_thread(alice):
    question = alice.open(GENERAL).mention(LEAVE)
    answer = alice.card(DAYS)
    expect(answer).to_contain_text("Sources")
    picture("channel", question, answer)


def test_a_mention_in_a_group_chat_is_answered_there(alice):
    question = alice.open(LUNCH).mention(LEAVE)
    answer = alice.card(DAYS)
    expect(answer).to_contain_text("Sources")
    picture("group", question, answer)


def test_a_human_is_called_and_takes_care_of_it(office, alice):
    question = alice.open(GENERAL).mention("How do I replace a broken headset?")
    answer = alice.card("Ask a human")
    expect(answer).to_contain_text("I don't know")
    answer.get_by_role("button", name="Ask a human").click()
    call = alice.card("would like a human to answer this")
    expect(call).to_contain_text("Bob Berg")
    expect(alice.card("A colleague has been asked")).to_be_visible()
    picture("human", question, call)
    [message] = until(
        lambda: [
            each
            for each in office.teams.messages.values()
            if "would like a human" in shown(each) and "resolve" in buttons(each)
        ]
    )
    office.teams.click(message, "resolve", BOB)
    expect(call).to_contain_text("Taken care of by Bob Berg")
    picture("resolved", question, call)
