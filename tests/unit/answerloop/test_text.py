import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerloop.backends.groundedness_mixed import MixedGroundednessDetector
from answerloop.domain import Sentence
from answerloop.text import content_words, is_negated, numbers, plain, stem
from workers.answering import guard


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EUR 1,500 per day", {"1500"}),
        ("2.25 days and 08:30", {"2.25", "08:30".lstrip("0").replace(",", ".")}),
        ("twenty days", {"20"}),
        ("seventy thousand", {"70", "1000"}),
        ("form HR-17", {"17"}),
        ("nothing", set()),
    ],
)
def test_numbers_are_compared_in_one_form(text, expected):
    assert numbers(text) == expected


def test_content_words_are_stems_without_stop_words():
    assert content_words("How do I reimburse the reimbursed expenses?") == ["reimburs", "reimburs", "expens"]


def test_many_threads_stem_at_once():
    words = [f"{beginning}{ending}" for beginning in ("employ", "certif", "reimburs", "nation") for ending in
             ("ing", "ment", "ational", "fulness", "ization", "ed", "s", "ousli")] * 40  # fmt: skip
    alone = [stem.__wrapped__(word) for word in words]
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            rounds = list(pool.map(lambda _: [stem.__wrapped__(word) for word in words], range(16)))
    finally:
        sys.setswitchinterval(0.005)
    assert all(together == alone for together in rounds)


@pytest.mark.parametrize(("text", "expected"), [("You may not.", True), ("You mustn't.", True), ("You may.", False)])
def test_negation(text, expected):
    assert is_negated(text) is expected


@pytest.mark.parametrize(
    "hostile",
    [
        "see [here](https://evil.example/?q=secret)",
        "see [here][1]\n\n[1]: https://evil.example/x",
        "![pixel](https://evil.example/p.png)",
        "![pixel][1]\n[1]: https://evil.example/p.png",
        "<https://evil.example>",
        "https://evil.example/path",
        "HTTPS://EVIL.EXAMPLE",
        "www.evil.example",
        "<img src=x onerror=fetch('https://evil.example')>",
        "<a href='javascript:alert(1)'>x</a>",
        "javascript:alert(1)",
        "mailto:eve@evil.example",
        "[a![b](https://evil.example)](https://evil.example)",
        "data:text/html;base64,xxxx",
        "[click]**(https:**//evil.example)",
        "!**[x]**(https:**//evil.example/p.png)",
        "_http://evil.example_",
        "1http://evil.example",
        "[a [b] c](//evil.example)",
        "[a\\]b](//evil.example)",
        "ht\u200btps://evil.example",
        "[here][]\n\n[here]: https://evil.example",
        "[here]\n\n[here]: <https://evil.example> 'title'",
        "[here](<https://evil.example/a b>)",
        "[here](https://evil.example 'title')",
        "[here]( https://evil.example )",
        "[![x](https://evil.example/p.png)](https://evil.example)",
        "![x][]\n\n[x]: https://evil.example/p.png",
        "See the note.[^1]\n\n[^1]: https://evil.example",
        "| a | b |\n|---|---|\n| [x](https://evil.example) | https://evil.example |",
        "<a href=https://evil.example>x</a>",
        "<img src='https://evil.example/p.png'",
        "<svg/onload=fetch('//evil.example')>",
        "<https://evil.example|company page>",
        "<mailto:eve@evil.example|mail>",
        "\uff1chttps://evil.example\uff1e",
        "[here]\u200b(https://evil.example)",
        "\\[here\\](https://evil.example)",
        "ftp://evil.example/x",
        "JaVaScRiPt:alert(1)",
        "vbscript://evil.example",
        "file:///evil",
    ],
)
def test_nothing_that_links_loads_or_runs_survives(hostile):
    text = f"Leave is 90 days. {hostile} Bye."
    for clean in (plain(text), guard.quote(Sentence(text, 1, 0.9, 0.9)), said(text)):
        for trace in ("evil", "javascript:", "<", "data:", "]("):
            assert trace not in clean.lower()
    assert "Leave is 90 days." in plain(text)


def said(text: str) -> str:
    """What passes of a model that repeats the document word by word."""
    return guard.Guard(MixedGroundednessDetector(), 0.6).check(text, "What is it?", (Sentence(text, 1, 0.9, 0.9),)).text


@pytest.mark.parametrize(
    "mention",
    [
        "<!channel>",
        "<@U123>",
        "<!here|here>",
        "<at>Bob</at>",
        "@channel",
        "@everyone",
        "@**channel",
        "\uff20channel",
        "@\u200bchannel",
        "<!channel",
        "<#C1|general>",
        "<!subteam^S1|@hr>",
        "<at id='1'>Bob</at>",
    ],
)
def test_nobody_is_mentioned(mention):
    clean = plain(f"Ask {mention} now")
    assert "<" not in clean
    assert "@" not in clean


def test_words_are_kept():
    assert plain("**90 days** of `leave` (see [the page](https://x.example))") == "90 days of leave (see the page)"


def test_a_hostile_text_is_read_in_no_time():
    for piece in ("[", "![", "<a", "(", "**", "_", "@", "http://"):
        plain(piece * 20_000)


def test_an_email_address_is_not_a_mention():
    assert plain("Write to people-desk@orrenby.example.") == "Write to people-desk@orrenby.example."


@given(st.text())
def test_plain_text_stays_plain(text):
    once = plain(text)
    assert plain(once) == once
