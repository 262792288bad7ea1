import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from answerloop.chat.text import shortened
from answerloop.slack.mrkdwn import (
    JOINER,
    escape,
    escape_markdown,
    fitted,
    link,
    mention,
    plain,
    without_mention,
)

HOSTILE = st.sampled_from(
    ["<!channel>", "<!here|x>", "<@U01>", "<#C01|x>", "<!subteam^S1>", "&lt;!channel&gt;", "@channel", "@here", "#x",
     "https://evil.example/a?b=c&d", "http://", "//", "www.", "evil.example", "mailto:a@b.example", "a@b.example",
     "127.0.0.1:80", "<https://evil.example|x>", "[x](https://evil.example)", "![x](y.png)", "[x]: https://evil.example",
     ":fire:", ":+1:", "*", "_", "~", "`", "```", "\n", "\r\n", "\n> ", "\n# ", " ", ".", ":", "@", "a", "1", "\\", "|",
     "]("]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(HOSTILE | st.text(max_size=3), max_size=20).map("".join))
LIVE = re.compile(
    r"""
    https?:// | mailto:\w | www\.\w                # an address with a scheme, or taken for one
    | [\w-]+\.[a-z]{2,}                            # a domain
    | \w@\w                                        # an e-mail address
    | (?<!\d)\d+\.\d+\.\d+\.\d+                    # a network address
    | @(?:channel|here|everyone)                   # somebody
    | :[a-z0-9_+'-]+:                              # an emoji
    | [*~`] | (?<!\w)_(?=\S) | (?<=\S)_(?!\w)      # a style
    """,
    re.VERBOSE | re.IGNORECASE,
)


CODE = re.compile(r"(?<!\w)`[A-Za-z0-9][A-Za-z0-9._~/+=?:@%-]*`(?!\w)")
"""What may be in code: nothing that Slack or Markdown reads as anything else."""


@given(TEXTS)
def test_nothing_written_by_others_comes_alive_in_mrkdwn(text):
    written = escape(text)
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", written)
    assert not LIVE.search(CODE.sub(" ", written))


@given(TEXTS)
@example("\r#")
@example("a\r - b")
def test_nothing_written_by_others_comes_alive_in_markdown(text):
    written = escape_markdown(text)
    assert not re.search(r"[<>]|!\[|\]\(|\]:|&#?\w+;|^\s{0,3}#", written, re.MULTILINE)
    assert not LIVE.search(CODE.sub(" ", written))


@given(TEXTS)
def test_what_people_read_is_what_was_written(text):
    """Invisible joiners, marks that look alike and those of code apart."""
    alike = str.maketrans({"∗": "*", "∼": "~", "ˋ": None, "`": None, "ˍ": "_", "‹": "<", "›": ">", JOINER: None})
    assert plain(escape(text).translate(alike)) == plain(re.sub("[<>&]", _escaped, text).translate(alike))
    assert escape_markdown(text).translate(alike) == text.translate(alike)


def _escaped(match: re.Match[str]) -> str:
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}[match[0]]


@pytest.mark.parametrize("text", ["90 days [1], 3.5 % or 1:30", "VPN_CLIENT_01 (“really”)", "on 4.11.2026 at 12:30"])
def test_ordinary_text_stays_as_it_is(text):
    assert escape(text) == escape_markdown(text) == text


@pytest.mark.parametrize(
    "address",
    ["people-desk@orrenby.example", "https://intranet.example/leave/?id=1", "vpn.orrenby.example:443", "10.0.0.1",
     "http://10.0.0.1:8080/", "a.b+c@mail.orrenby.example", "https://intranet.example"],
)  # fmt: skip
def test_an_address_can_be_copied_as_it_is_and_is_no_link(address):
    assert escape(f"Write to {address}.") == escape_markdown(f"Write to {address}.") == f"Write to `{address}`."
    assert escape(f"`{address}`") == f"`{address}`"
    assert escape(f"({address}), <{address}>") == f"(`{address}`), &lt;`{address}`&gt;"


@pytest.mark.parametrize(
    "address",
    ["https://a.example/?x=1&y=2", "a@b.example@c.example", "mailto:a@b.example", "äa@b.example",
     "https://a.example/#part", "a@b", "a.example:80:x", "e.g."],
)  # fmt: skip
def test_what_is_no_plain_address_is_broken_whole(address):
    for written in (escape(address), escape_markdown(address)):
        assert "`" not in written
        assert not LIVE.search(written)


def test_a_label_of_a_link_has_no_code():
    assert link("https://a.example/", "about vpn.orrenby.example") == (
        f"<https://a.example/|about vpn.{JOINER}orrenby.{JOINER}example>"
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("<@U01> how &lt;long&gt; &amp; why", "@U01 how <long> & why"),
        ("see <https://a.example/x|the page> and <https://b.example>", "see the page and https://b.example"),
        ("ask <#C01|general> or <!here>", "ask #general or @here"),
        ("ask <!subteam^S01|@hr> by <mailto:a@b.example|a@b.example>", "ask @hr by a@b.example"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_what_a_person_typed_is_read_out_of_the_escaped_form(typed, meant):
    assert plain(typed) == meant


def test_our_own_name_is_taken_out_of_a_question():
    assert without_mention("<@U0BOT> how long? <@U0BOT|ask> <@U01>", "U0BOT").split() == ["how", "long?", "<@U01>"]


@pytest.mark.parametrize(
    "url",
    [None, "", "javascript:alert(1)", "ftp://a.example", "https://", "https://a.example/>|x", "https://a b", "http://[",
     "https://a.example/" + "x" * 1000],
)  # fmt: skip
def test_an_address_that_is_none_of_the_web_is_no_link(url):
    assert link(url, "Page") == "Page"


@given(TEXTS)
def test_a_label_cannot_change_where_its_link_leads(label):
    written = link("https://a.example/?x=1&y=2", label)
    assert re.fullmatch(r"<https://a\.example/\?x=1&amp;y=2\|[^<>|]*>", written, re.DOTALL)


@pytest.mark.parametrize("user", ["", "channel", "u01", "U01>", "!here", "S01"])
def test_only_a_person_is_mentioned(user):
    with pytest.raises(ValueError, match="user"):
        mention(user)


@given(TEXTS, st.integers(min_value=20, max_value=120))
def test_what_is_shortened_fits(text, limit):
    assert len(shortened(text, limit)) <= limit
    assert 0 < len(fitted(text, limit)) <= limit


def test_a_text_is_cut_at_a_word():
    assert shortened("one two three four", 12) == "one two …"
