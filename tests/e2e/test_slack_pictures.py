"""Every message and dialog that people meet in Slack: made to happen as they do it, looked at in the simulator's pages.

`make pictures` also writes the documents' copies anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from answerloop.domain import Stage
from answerloop.testing.installation import until
from tests.e2e.local_slack import ALICE, BINARY, BOB, GENERAL
from tests.e2e.slack_company import QUESTIONS_PER_PERSON, Company, running_company
from tests.e2e.slack_pages import SlackPage, buttons, choose_room, take_picture
from tests.e2e.slack_people import CLUB, FINN, GUS, HARRIET, HELPDESK, INES, RANDOM, direct

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not BINARY.exists(), reason="the simulator of Slack is not installed (make simulator)"),
]

LEAVE = "How many days of parental leave do I get?"
MEALS = "What is the meal allowance per day on a business trip?"
RATE = ["👍 Helpful", "👎 Not helpful"]
Window = Callable[[str], SlackPage]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with running_company(tmp_path_factory.mktemp("company")) as company:
        yield company


@pytest.fixture
def window(chromium: Browser, company: Company) -> Iterator[Window]:
    """Opens somebody's window; fails the test when a page asks for anything elsewhere."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1400}, device_scale_factor=2)
    outside: list[str] = []
    own = company.slack.url
    context.on("request", lambda request: None if request.url.startswith(own) else outside.append(request.url))
    yield lambda user: SlackPage(context.new_page(), company.slack, user)
    context.close()
    assert outside == []


def test_an_answer_stands_in_the_thread_with_its_sources(company: Company, window: Window) -> None:
    question, answer = company.answered(LEAVE)
    alice = window(ALICE).open(GENERAL).open_thread(question)
    shown = alice.message(answer)
    expect(shown).to_contain_text("90 days")
    expect(shown.get_by_role("link", name="Parental leave")).to_be_visible()
    assert buttons(shown) == [*RATE, "Ask a human", "Take back"]
    take_picture("answer", alice.message(question), shown)


def test_an_answer_that_is_not_sure_says_so(company: Company, window: Window) -> None:
    question, answer = company.answered("Which form do I hand in before my baby leave starts?")
    shown = window(ALICE).open(GENERAL).open_thread(question).message(answer)
    expect(shown).to_contain_text("Uncertain: please check the source.")
    take_picture("uncertain", shown)


def test_what_no_document_says_is_not_known(company: Company, window: Window) -> None:
    question, answer = company.answered("Who won the football world championship in Brazil?", INES, direct(INES))
    shown = window(INES).open(direct(INES)).open_thread(question).message(answer)
    expect(shown).to_contain_text("I don't know")
    expect(shown).to_contain_text("Nearest documents")
    titles = shown.get_by_role("link").all_inner_texts()
    assert len(titles) == len(set(titles))
    take_picture("unknown", shown)


def test_some_questions_need_a_person(company: Company, window: Window) -> None:
    question, answer = company.answered("Can I sue the company over my bonus?", INES, direct(INES))
    shown = window(INES).open(direct(INES)).open_thread(question).message(answer)
    expect(shown).to_contain_text("I cannot give legal advice.")
    assert buttons(shown) == ["Ask a human", "Take back"]
    take_picture("refused", shown)


@pytest.mark.parametrize(
    ("text", "reply", "name"),
    [
        (
            "Wie viele Tage Elternzeit bekomme ich eigentlich im Jahr?",
            "I can only answer questions in English",
            "language",
        ),
        ("Why? " * 420, "Your question has 2,099 characters; please keep it under 2,000.", "too-long"),
    ],
)
def test_what_cannot_be_answered_says_why(company: Company, window: Window, text: str, reply: str, name: str) -> None:
    question = company.asked(text, HARRIET, direct(HARRIET))
    until(lambda: company.slack.replies(question, direct(HARRIET)))
    shown = window(HARRIET).open(direct(HARRIET)).open_thread(question).saying(reply)
    expect(shown).to_be_visible()
    take_picture(name, shown)


def test_whoever_waits_is_told_their_place(company: Company, window: Window) -> None:
    with company.frozen():
        for text in ("How do I book a desk?", "Where can I park my bike?", "How do I order a laptop?"):
            company.asked(text, FINN, direct(FINN))
        question = company.asked("How many weeks of notice do I have to give?", INES)
        waiting = until(lambda: company.slack.replies(question))[0]["ts"]
        ines = window(INES).open(GENERAL).open_thread(question)
        expect(ines.message(waiting)).to_contain_text("One moment … 3 questions are ahead of yours.")
        expect(ines.message(question)).to_contain_text("👀")
        take_picture("queue", ines.message(question), ines.message(waiting))
    assert company.slack.answer(question)["ts"] == waiting


def test_whoever_waits_longer_sees_what_is_read(company: Company, window: Window) -> None:
    """The worker is stopped in the midst of its work, which takes less than a second here."""
    texts = ("How do I claim my travel expenses?", "Who may drive a pool car?", "How do I report a lost badge?",
             "When are performance reviews held?", "How long must a password be?")  # fmt: skip
    assert any(caught_reading(company, window, text) for text in texts)


def caught_reading(company: Company, window: Window, text: str) -> bool:
    question = company.asked(text, FINN, direct(FINN))
    early = (None, Stage.QUEUED, Stage.SEARCHING)
    until(lambda: company.stage_of(question, direct(FINN)) not in early, pause=0.002)
    with company.frozen():
        caught = company.stage_of(question, direct(FINN)) is Stage.READING
        if caught:
            shown = window(FINN).open(direct(FINN)).open_thread(question).saying("Reading")
            expect(shown).to_be_visible()
            take_picture("progress", shown)
    company.slack.answer(question, direct(FINN))
    return caught


def test_a_private_answer_can_be_shared(company: Company, window: Window) -> None:
    company.slack.command(MEALS)
    alice = window(ALICE).open(GENERAL)
    shown = alice.saying("You asked: What is the meal allowance")
    expect(shown).to_contain_text("only visible to you")
    assert buttons(shown) == [*RATE, "Ask a human", "Share with channel", "Take back"]
    take_picture("ask", shown)
    shown.get_by_role("button", name="Share with channel").click()
    shared = alice.saying("@Alice Amari asked: What is the meal allowance")
    expect(shared).not_to_contain_text("only visible to you")
    assert "Share with channel" not in buttons(shared)
    take_picture("shared", shared)


def test_the_command_alone_says_how_it_is_used(company: Company, window: Window) -> None:
    company.slack.command("", user=BOB)
    shown = window(BOB).open(GENERAL).saying("Ask me a question, for example:")
    expect(shown).to_contain_text("/ask How many days of parental leave do I get?")
    take_picture("usage", shown)


def test_where_a_better_answer_exists_is_told_to_the_asker(company: Company, window: Window) -> None:
    question, answer = company.answered("How is a redundancy payment calculated?", HARRIET)
    harriet = window(HARRIET).open(GENERAL).open_thread(question)
    hint = harriet.saying("A better answer exists that cannot be shown here")
    expect(hint).to_contain_text("only visible to you")
    expect(harriet.message(answer)).not_to_contain_text("three weeks")
    take_picture("hint", harriet.message(question), hint)


def test_a_thumb_up_is_thanked_for(company: Company, window: Window) -> None:
    question, answer = company.answered(MEALS)
    alice = window(ALICE).open(GENERAL).open_thread(question)
    alice.message(answer).get_by_role("button", name="👍 Helpful").click()
    thanks = alice.saying("Thank you, that helps.")
    expect(thanks).to_contain_text("only visible to you")
    take_picture("thanks", thanks)


def test_a_thumb_down_asks_why(company: Company, window: Window) -> None:
    question, answer = company.answered("Which error is VPN-4471?")
    alice = window(ALICE).open(GENERAL).open_thread(question)
    alice.message(answer).get_by_role("button", name="👎 Not helpful").click()
    expect(alice.dialog).to_contain_text("What was wrong?")
    take_picture("feedback", alice.dialog)
    alice.dialog.get_by_role("button", name="Send").click()
    expect(alice.dialog).to_contain_text("Please choose a reason, or write a better answer.")
    take_picture("feedback-error", alice.dialog)
    alice.dialog.get_by_label("It is incomplete").check()
    alice.dialog.get_by_placeholder("What would be right").fill("Also restart the Burrow client.")
    alice.dialog.get_by_role("button", name="Send").click()
    expect(alice.dialog).to_contain_text("Thank you, that helps.")
    alice.dialog.get_by_role("button", name="Close").last.click()
    expect(alice.dialog).to_have_count(0)


def test_somebody_asks_a_human_and_is_helped(company: Company, window: Window) -> None:
    question, answer = company.answered("How do I replace a broken headset?")
    alice = window(ALICE).open(GENERAL).open_thread(question)
    alice.message(answer).get_by_role("button", name="Ask a human").click()
    call = alice.saying("@Bob Berg: @Alice Amari would like a human to answer this.")
    expect(call.get_by_role("button", name="Mark as taken care of")).to_be_visible()
    expect(alice.message(answer)).to_contain_text("A colleague has been asked.")
    expect(alice.message(question)).to_contain_text("🆘")
    assert "Ask a human" not in buttons(alice.message(answer))
    take_picture("human", alice.message(question), call)
    bob = window(BOB).open(GENERAL).open_thread(question)
    bob.page.get_by_role("button", name="Mark as taken care of").click()
    expect(bob.message(answer)).to_contain_text("Taken care of by @Bob Berg")
    expect(bob.saying("would like a human")).to_contain_text("Taken care of by @Bob Berg")
    assert buttons(bob.saying("would like a human")) == []
    take_picture("resolved", bob.message(answer), bob.saying("would like a human"))


def test_who_asks_a_human_in_private_is_heard_at_the_helpdesk(company: Company, window: Window) -> None:
    question, answer = company.answered("Who won the chess tournament?", HARRIET, direct(HARRIET))
    harriet = window(HARRIET).open(direct(HARRIET)).open_thread(question)
    harriet.message(answer).get_by_role("button", name="Ask a human").click()
    call = window(BOB).open(HELPDESK).saying("@Harriet Quill would like a human to answer this.")
    expect(call).to_contain_text("Who won the chess tournament?")
    take_picture("human-elsewhere", call)


def test_a_colleague_who_replies_may_suggest_it(company: Company, window: Window) -> None:
    question, _ = company.answered("How do I connect to the VPN from a hotel?")
    company.slack.write("In hotels you have to open the hotel's own page first.", user=BOB, thread=question)
    bob = window(BOB).open(GENERAL).open_thread(question)
    shown = bob.saying("Shall I suggest your reply as a better answer")
    expect(shown).to_contain_text("Your reply:")
    assert buttons(shown) == ["Yes, suggest it", "No"]
    take_picture("suggestion", shown)
    shown.get_by_role("button", name="Yes, suggest it").click()
    expect(bob.saying("Thank you, that helps.")).to_be_visible()


def test_an_answer_that_nobody_rated_is_asked_about(company: Company, window: Window) -> None:
    question, _ = company.answered("What is the mileage rate for my own car?", BOB, direct(BOB))
    bob = window(BOB).open(direct(BOB)).open_thread(question)
    shown = bob.saying("How was my answer to this question?")
    expect(shown).to_be_visible(timeout=40_000)
    assert buttons(shown) == RATE
    take_picture("reminder", shown)


def test_too_many_questions_are_slowed_down(company: Company, window: Window) -> None:
    for number in range(QUESTIONS_PER_PERSON):
        company.asked(f"How many visitors may I bring on day {number}?", GUS, direct(GUS))
    question = company.asked("And tomorrow?", GUS, direct(GUS))
    until(lambda: company.slack.replies(question, direct(GUS)))
    shown = window(GUS).open(direct(GUS)).open_thread(question).saying("questions in ten minutes")
    expect(shown).to_contain_text("please ask again a little later")
    take_picture("slow-down", shown)


@pytest.mark.parametrize(
    ("channel", "text", "name"),
    [
        (RANDOM, "I do not answer in this channel. Send me a direct message instead.", "off"),
        (CLUB, "In this channel I only answer some people. Send me a direct message instead.", "not-for-you"),
    ],
)
def test_where_no_answer_is_to_be_had_the_asker_is_told(
    company: Company, window: Window, channel: str, text: str, name: str
) -> None:
    company.asked(LEAVE, ALICE, channel)
    shown = window(ALICE).open(channel).saying(text)
    expect(shown).to_contain_text("only visible to you")
    take_picture(name, shown)


def test_only_the_asker_takes_an_answer_back(company: Company, window: Window) -> None:
    question, answer = company.answered("How often are passwords changed?")
    bob = window(BOB).open(GENERAL).open_thread(question)
    bob.message(answer).get_by_role("button", name="Take back").click()
    refused = bob.saying("Only the person who asked can take the answer back.")
    expect(refused).to_contain_text("only visible to you")
    take_picture("not-yours", refused)
    alice = window(ALICE).open(GENERAL).open_thread(question)
    alice.message(answer).get_by_role("button", name="Take back").click()
    expect(alice.message(answer)).to_have_count(0)
    expect(alice.message(question)).to_be_visible()
    take_picture("taken-back", alice.message(question))


def test_the_home_tells_what_is_known_and_what_was_asked(company: Company, window: Window) -> None:
    company.answered(LEAVE, INES, direct(INES))
    home = window(INES).open_home()
    expect(home).to_contain_text("I know 33 documents that you may read, last updated today.")
    expect(home).to_contain_text("Your last questions")
    expect(home).not_to_contain_text("Settings of a channel")
    take_picture("home", home)
    expect(window(ALICE).open_home()).to_contain_text("Settings of a channel")


def test_an_admin_changes_the_settings_of_a_channel(company: Company, window: Window) -> None:
    """Alice's home was opened before, so Slack need not be asked again whether she is an admin."""
    company.slack.command(LEAVE)
    alice = window(ALICE)
    expect(alice.open_home()).to_contain_text("Settings of a channel")
    choose_room(company.slack, company.office.url, ALICE, GENERAL)
    expect(alice.dialog).to_contain_text("Settings of #general")
    for title in ("I answer", "Answers", "Language", "Whom to call", "Answer only these people", "from these sources"):
        expect(alice.dialog).to_contain_text(title)
    for chosen in ("When somebody mentions me", "English"):  # the simulator draws no choice that was made before
        alice.dialog.locator("select", has_text=chosen).select_option(label=chosen)
    take_picture("room-settings", alice.dialog)
    alice.dialog.get_by_role("button", name="Cancel").click()
