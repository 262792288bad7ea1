"""Whatever documents, models and people say: on a card it is text, and the card fits."""

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from answerloop.chat.wording import LANGUAGES
from answerloop.domain import Escalation, HomeFacts, HomeQuestion, Notice, NoticeKind, Outcome, Progress, Stage
from answerloop.teams.answer import render_short
from answerloop.teams.card import problems
from answerloop.teams.progress import render_progress
from answerloop.testing.adaptive_card import flaws, things
from tests.unit.answerloop.slack.messages import NOW, SURE, a_source
from tests.unit.answerloop.slack.test_mrkdwn import HOSTILE
from tests.unit.answerloop.teams.messages import DANA, FINN, Message, shown, told

TEAMS_ONLY = st.sampled_from(
    ["<at>Dana Devlin</at>", "<at>everyone</at>", '<at id="0">x</at>', "&lt;at&gt;x&lt;/at&gt;", "</at>", "<script>",
     "{{DATE(2026-01-01,SHORT)}}", "${x}", "\u202e", "\u200b", "\u2028", "\x07", "\x85", "\ud83d", "**", "**a**",
     "\r\n- ", "1. ", "[x](https://evil.example)", "www.evil.example", "evil.example", "\t", " "]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=200),
    st.lists(HOSTILE | TEAMS_ONLY | st.text(max_size=3), max_size=20).map("".join),
)
MANY = st.sampled_from([1, 1, 1, 40, 4000])
URL = "https://docs.example/page"
URLS = st.sampled_from(
    [URL, f"{URL}?a=1&b=2", f"{URL}/{'x' * 900}", f"{URL}/{'x' * 5000}", "HTTPS://DOCS.EXAMPLE/", "javascript:alert(1)",
     "data:x", "//evil.example", "https://", "https:///x", "http://[", "https://a b/", "https://x\\@y/", "\nhttps://x/",
     "https://x/\u202e", "https://x/\ud83d", "msteams://x", "", None]
)  # fmt: skip
MARKUP = re.compile(
    r"[*_`~#<>\[\]\\|!&{}$\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|://|www\.|\w\.\w"
)
SAID_BY_US = [
    sentence
    for words in LANGUAGES.values()
    for sentence in (words.sources, words.nearest, words.rate, words.suggest, words.thanks, words.home_greeting,
                     words.home_last, words.home_try, words.your_reply, words.corrected.format(home=""),
                     *(f"• {way}" for way in words.teams_ways))
]  # fmt: skip


def pattern(template: str) -> str:
    return re.sub(r"\\\{\w+\\\}", "(.*)", re.escape(template))


def any_of(*templates: str) -> re.Pattern[str]:
    return re.compile("|".join(map(pattern, templates)))


HOME_KNOWN = any_of(*(known for words in LANGUAGES.values() for known in words.home_known))
CALLED = any_of(*(each for words in LANGUAGES.values() for each in (words.help_wanted_by_all, words.help_wanted)))


def blocks(message: Message) -> list[str]:
    return [str(thing["text"]) for thing in things(message["attachments"]) if thing["type"] == "TextBlock"]


def check(message: Message, *, names: bool = False) -> None:
    assert problems(message) == []
    assert flaws(message) == []
    assert len(message["summary"]) <= 120
    for thing in things(message["attachments"]):
        if thing["type"] == "Action.OpenUrl":
            assert re.fullmatch(r"https?://[^\s/][^\s]*", thing["url"], re.IGNORECASE)
            assert len(thing["url"]) <= 1000
    [card] = [attached["content"] for attached in message["attachments"]]
    mentioned = card.get("msteams", {}).get("entities", [])
    if not names:
        assert mentioned == []
        assert all(text in SAID_BY_US or HOME_KNOWN.fullmatch(text) for text in blocks(message))
        return
    [text] = blocks(message)
    assert text.count("<at>") == text.count("</at>") == len(mentioned)
    for each in mentioned:
        assert each["text"] in text
        text = text.replace(each["text"], "", 1)
    assert CALLED.fullmatch(text)
    assert not MARKUP.search(text)
    assert not any(MARKUP.search(each["mentioned"]["name"]) for each in mentioned)


@settings(max_examples=150, deadline=None)
@given(
    text=TEXTS,
    lead=TEXTS,
    titles=st.lists(TEXTS, max_size=6),
    question=TEXTS,
    sensitivity=TEXTS,
    url=URLS,
    outcome=st.sampled_from(Outcome),
    restate=st.booleans(),
    resolved=st.sampled_from([None, Escalation(DANA), Escalation(DANA, FINN)]),
    name=TEXTS,
    many=MANY,
)
def test_whatever_documents_say_an_answer_is_harmless_and_fits(
    text, lead, titles, question, sensitivity, url, outcome, restate, resolved, name, many
):
    sources = tuple(a_source(number, title * many) for number, title in enumerate(titles, start=1))
    message = replace(
        SURE, text=f"**{lead}**\n\n{text * many}", sources=sources, question=question * many, outcome=outcome,
        sensitivity=sensitivity * many, escalation=resolved,
    )  # fmt: skip
    check(shown(message, url=lambda source: url, restate=restate, names=lambda person: name * many))
    check(render_short(message))


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS, TEXTS, st.sampled_from(NoticeKind), st.sampled_from([None, FINN]), MANY)
def test_whatever_people_say_and_are_called_a_notice_is_harmless_and_fits(text, question, name, kind, resolved, many):
    people = (FINN, "slack:T01:U1", text, f"teams:t1:{text}", "teams:", *(f"teams:t1:{number}" for number in range(40)))
    notice = Notice("n1", kind, text * many, people, question * many, "a1", Escalation(DANA, resolved))
    check(told(notice, names=lambda person: name * many), names=kind is NoticeKind.ESCALATION)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, st.sampled_from(Stage), st.sampled_from(["en", "de", "xx"]), MANY)
def test_progress_is_harmless_and_fits(text, title, stage, language, many):
    progress = Progress("q1", stage, 2, text * many, (a_source(1, title * many), a_source(2, title)))
    check(render_progress(progress, language))


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, max_size=8), st.sampled_from([None, *Outcome]), st.booleans(), MANY)
def test_home_is_harmless_and_fits(questions, outcome, admin, many):
    asked = tuple(HomeQuestion(text * many, outcome, NOW, {}, text * many) for text in questions)
    check(told(Notice("n1", NoticeKind.HOME, home=HomeFacts(7, NOW, asked, admin))))
