import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerloop.domain import Action, Confidence, Escalation, Notice, NoticeKind, Outcome, Progress, Stage
from answerloop.slack import wording
from answerloop.slack.notices import render_notice
from answerloop.slack.progress import render_progress, status, steps
from answerloop.slack.rendered import Rendered, Style, problems
from tests.unit.answerloop.slack.messages import ANSWERS, FAQ, HANDBOOK, NOW, READING, SURE, a_source, shown
from tests.unit.answerloop.slack.test_mrkdwn import TEXTS

URL = "https://docs.example/page"
OURS = re.compile(rf"<{re.escape(URL)}[^<>|]*\|[^<>|]*>|<@U01[A-Z]+>")


def texts_of(block: object) -> list[str]:
    if isinstance(block, dict):
        return [part for key, value in block.items() if key not in ("type", "action_id") for part in texts_of(value)]
    if isinstance(block, list):
        return [part for value in block for part in texts_of(value)]
    return [block] if isinstance(block, str) else []


def brackets(rendered: Rendered) -> list[str]:
    """Where a `<` stands that is none of our own."""
    every = [rendered.text, *texts_of(rendered.blocks)]
    return [text for text in every if "<" in OURS.sub("", text)]


@settings(max_examples=60, deadline=None)
@given(
    text=TEXTS,
    lead=TEXTS,
    titles=st.lists(TEXTS, max_size=6),
    question=TEXTS,
    url=st.sampled_from([URL, f"{URL}?a=1&b=2", f"{URL}/{'x' * 900}", f"{URL}/{'&' * 5000}", "javascript:1", None]),
    style=st.sampled_from(Style),
    outcome=st.sampled_from(Outcome),
    private=st.booleans(),
)
def test_whatever_documents_say_the_message_is_harmless_and_fits(
    text, lead, titles, question, url, style, outcome, private
):
    sources = tuple(a_source(number, title) for number, title in enumerate(titles, start=1))
    message = replace(SURE, text=f"**{lead}**\n\n{text}", sources=sources, question=question, outcome=outcome)
    rendered = shown(message, style, url=lambda source: url, private=private)
    assert problems(rendered) == []
    assert brackets(rendered) == []


@given(TEXTS, TEXTS, st.sampled_from(NoticeKind))
def test_whatever_people_say_a_notice_is_harmless_and_fits(text, question, kind):
    escalation = Escalation("slack:T01:U01DANA", None)
    people = ("slack:T01:U01FINN", "slack:T01:<!here>", text)
    notice = Notice("n1", kind, text, people, question, "a1", escalation)
    rendered = render_notice(notice, "en")
    assert problems(rendered) == []
    assert brackets(rendered) == []


@given(TEXTS, TEXTS, st.sampled_from(Stage), st.sampled_from(["en", "de", "xx"]))
def test_progress_is_harmless_and_fits(text, title, stage, language):
    progress = Progress("q1", stage, 2, text, (a_source(1, title), a_source(2, title)))
    rendered = render_progress(progress, language)
    assert problems(rendered) == []
    assert brackets(rendered) == []
    assert "<" not in status(progress, language) + "".join(step["title"] for step in steps(progress, language))


@pytest.mark.parametrize("style", Style)
def test_five_sources_with_endless_titles_and_addresses_fit(style):
    sources = tuple(a_source(number, "& title <x> " * 100, url=URL + "?x&" * 100) for number in range(1, 9))
    message = replace(SURE, text="<&> " * 3000, sources=sources, question="<&> " * 500)
    rendered = shown(message, style, private=True)
    assert problems(rendered) == []
    assert sum(text.count(URL) for text in texts_of(rendered.blocks)) == 5


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize(
    ("name", "rated"), [("sure", True), ("not known", True), ("refused", False), ("failed", False)]
)
def test_only_what_is_an_answer_can_be_rated(style, name, rated):
    every = "".join(texts_of(shown(ANSWERS[name], style).blocks))
    assert ("Helpful" in every) is rated
    assert "Ask a human" in every
    assert "Take back" in every


def test_sources_are_one_list_of_what_was_cited_with_its_age():
    [listed] = [block for block in shown(SURE, Style.CLASSIC).blocks if block["type"] == "context"]
    assert listed["elements"][0]["text"].splitlines() == [
        "*Sources*",
        "[1] <https://intranet.example/leave?id=1&amp;part=2|Leave handbook> · updated 3 days ago",
        "[2] Parental leave: questions &amp; answers · updated a year ago",
    ]


def test_a_document_has_one_line_with_all_its_numbers():
    again = replace(HANDBOOK, number=3)
    [listed] = [
        block
        for block in shown(replace(SURE, sources=(HANDBOOK, FAQ, again)), Style.CLASSIC).blocks
        if block["type"] == "context"
    ]
    _, leave, parental = listed["elements"][0]["text"].splitlines()
    assert leave.startswith("[1] [3] <https://intranet.example/leave")
    assert parental.startswith("[2] Parental leave")


def test_near_documents_have_no_numbers_and_no_doubles():
    near = tuple(replace(source, cited=False) for source in (HANDBOOK, replace(HANDBOOK, number=2), FAQ))
    [listed] = [
        block
        for block in shown(replace(ANSWERS["not known"], sources=near), Style.CLASSIC).blocks
        if block["type"] == "context"
    ]
    heading, *lines = listed["elements"][0]["text"].splitlines()
    assert heading == "*Nearest documents*"
    assert [line[:3] for line in lines] == ["• <", "• P"]


def test_who_asked_is_named_where_others_read_a_shared_answer():
    assert shown(SURE, Style.CLASSIC, shared=True).blocks[0]["elements"][0]["text"] == (
        "<@U01DANA> asked: How long is parental leave?"
    )
    assert "You asked" in shown(SURE, Style.CLASSIC, private=True).blocks[0]["elements"][0]["text"]


@pytest.mark.parametrize(("style", "bold"), [(Style.MODERN, "**90 days**"), (Style.CLASSIC, "*90 days*")])
def test_lead_and_quotes_are_paragraphs(style, bold):
    body = shown(SURE, style).blocks[0]["text"]
    text = body if isinstance(body, str) else body["text"]
    assert text.split("\n\n") == [
        bold, "“Every employee gets 90 days of parental leave.” [1]", "“It may be taken in two parts.” [2]",
    ]  # fmt: skip


def test_a_verdict_of_a_colleague_replaces_doubt():
    doubted = replace(SURE, confidence=Confidence.UNCERTAIN, sources=(FAQ,))
    assert "Uncertain" in "".join(texts_of(shown(doubted, Style.MODERN).blocks))
    verified = "".join(texts_of(shown(replace(doubted, verified=True), Style.MODERN).blocks))
    assert "Uncertain" not in verified
    assert "Verified" in verified


def test_a_refusal_is_not_called_uncertain():
    refused = replace(ANSWERS["refused"], action=Action.REFUSED, confidence=Confidence.UNCERTAIN)
    assert "Uncertain" not in "".join(texts_of(shown(refused, Style.MODERN).blocks))


def test_the_steps_of_the_work_keep_their_ids_and_end_one_after_the_other():
    before, after = steps(replace(READING, stage=Stage.SEARCHING), "en"), steps(READING, "en")
    assert [(step["id"], step["status"]) for step in before] == [("q1-searching", "in_progress")]
    assert [(step["id"], step["status"]) for step in after] == [
        ("q1-searching", "complete"), ("q1-reading", "in_progress"),
    ]  # fmt: skip
    assert "Leave handbook" in after[1]["title"]


@pytest.mark.parametrize(
    ("days", "english", "german"),
    [
        (0, "today", "heute"),
        (1, "yesterday", "gestern"),
        (2, "2 days ago", "vor 2 Tagen"),
        (30, "a month ago", "vor einem Monat"),
        (364, "12 months ago", "vor 12 Monaten"),
        (365, "a year ago", "vor einem Jahr"),
        (800, "2 years ago", "vor 2 Jahren"),
    ],
)
def test_ages_are_told_in_words(days, english, german):
    since = a_source(1, "x", days=days).passage.modified_at
    assert wording.age(wording.ENGLISH, since, NOW) == english
    assert wording.age(wording.GERMAN, since, NOW) == german
