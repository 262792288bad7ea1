"""Slack's markup: what people typed, out of it; what documents and models say, harmlessly into it.

Slack makes mentions, links and previews of `<…>` and of bare addresses, and styles of marks. Here brackets are
escaped, marks are replaced by characters that look like them, and addresses are written as code: no link, and the very
characters that somebody may want to copy. What is no plain address is broken by an invisible joiner.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from answerloop.chat.text import shortened

JOINER = "\u2060"
"""Invisible, and the end of every address and mark-up that it stands in."""
MOST_URL = 1000
"""Characters; a longer address is not worth its place."""

_BRACKETS = re.compile(r"<([^<>]*)>")
_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_ADDRESS = re.compile(r"(?<=[\w)])(?!(?<=\d)[.:]\d)([.:@])(?=[\w/])")
"""A dot, colon or at sign in the midst of a word makes an address of it: example.com, https://, a@b. Not in 3.5."""
_NETWORK_ADDRESS = re.compile(r"(?<!\d)\d+\.\d+\.\d+\.\d+(?!\d)")
_COPIED = re.compile(
    r"""
    (?<![\w.:@/+%`-]) (`?)                                                    # marked as code already, or not
    ((?:https?://)? (?:[A-Za-z0-9][A-Za-z0-9._%+-]*@)?                        # a scheme, or a person
     (?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9] # at a host
       |\d{1,3}(?:\.\d{1,3}){3})
     (?::\d{1,5})? (?:/(?:[A-Za-z0-9._~/+=?-]*[A-Za-z0-9/])?)?)               # and a place there
    \1 (?![\w@&=+~?/#%`-]|[:.,;]\w)
    """,
    re.VERBOSE,
)
"""An address of such characters alone as mean nothing to Slack in code."""
_EMOJI = re.compile(r":(?=[a-z0-9_+'-]+:)")
_MENTION = re.compile(r"@(?=\w)")
_ALIKE = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_EDGE_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")  # word_word stays


def plain(text: str) -> str:
    """What a person typed, out of Slack's escaped form."""
    return html.unescape(_BRACKETS.sub(lambda match: _spelled(match[1]), text)).strip()


def _spelled(inside: str) -> str:
    target, _, label = inside.partition("|")
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    if target.startswith(("@", "#")):
        return f"{target[0]}{label}" if label else target
    return label or target.removeprefix("mailto:")


def without_mention(text: str, bot_user: str) -> str:
    """The text without our own name in it."""
    return _named(bot_user).sub(" ", text).strip()


def mentions(text: str, bot_user: str) -> bool:
    return bool(_named(bot_user).search(text))


def _named(user: str) -> re.Pattern[str]:
    return re.compile(rf"<@{re.escape(user)}(?:\|[^>]*)?>")


def inert(text: str) -> str:
    """Nothing that Slack would make a link, a mention, an emoji or a style of, where it takes no brackets."""
    text = _EDGE_UNDERSCORE.sub("ˍ", text.translate(_ALIKE))
    text = _EMOJI.sub(f":{JOINER}", text)
    text = _MENTION.sub(f"@{JOINER}", text)
    text = _NETWORK_ADDRESS.sub(lambda match: match[0].replace(".", f".{JOINER}"), text)
    return _ADDRESS.sub(rf"\1{JOINER}", text)


def escape(text: str) -> str:
    """For a text object of type `mrkdwn`."""
    return _with_addresses(text, _escape)


def _escape(text: str) -> str:
    return inert(text).translate(_SPECIAL)


def _with_addresses(text: str, escaped: Callable[[str], str]) -> str:
    parts, end = [], 0
    for found in _COPIED.finditer(text):
        parts += [escaped(text[end : found.start()]), f"`{found[2]}`"]
        end = found.end()
    return "".join((*parts, escaped(text[end:])))


_MARKDOWN = re.compile(
    r"""
    !(?=\[) | \](?=[(:])        # an image, a link, what a link refers to
    | &(?=\#?\w+;)             # an entity
    | \\(?=[!-/:-@\[-`{-~])    # an escape
    | (?:^|(?<=\r))(?=[^\S\n]{0,3}[#+|=-])  # a heading, a list, a table, a line
    """,
    re.VERBOSE | re.MULTILINE,
)


def escape_markdown(text: str) -> str:
    """For a `markdown` block. `<…>` would be markup there too, and entities may be taken for brackets."""
    written = _with_addresses(text, lambda text: inert(text).replace("<", "‹").replace(">", "›"))
    return _MARKDOWN.sub(lambda match: match[0] + JOINER, written)


def link(url: str | None, label: str) -> str:
    """A link of ours to a web page, or the label alone where the address is none."""
    named = _escape(label).replace("|", "¦")
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return named
    written = (url or "").replace("&", "&amp;")
    usable = parts.scheme in ("http", "https") and parts.netloc and not re.search(r"[\s<>|]", written)
    return f"<{written}|{named}>" if usable and len(written) <= MOST_URL else named


def mention(user: str) -> str:
    """For a person whom we mean to notify. Raises ValueError for what is no user's id."""
    if not re.fullmatch(r"[UW][A-Z0-9]{1,30}", user):
        raise ValueError("not the id of a user")
    return f"<@{user}>"


def fitted(text: str, limit: int, rendered: Callable[[str], str] = escape) -> str:
    """The text as it is written there, with as much of it as fits into so many characters. Never empty."""
    text = shortened(text, limit)
    while len(written := rendered(text)) > limit:
        text = shortened(text, len(text) * 4 // 5)
    return written if written.strip() else "…"
