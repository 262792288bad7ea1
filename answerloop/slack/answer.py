"""An answer, as Slack shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from answerloop.chat import wording
from answerloop.chat.text import shortened
from answerloop.chat.wording import Wording
from answerloop.domain import Action, CitedSource, Confidence, Outcome, OutgoingMessage
from answerloop.slack.address import parts
from answerloop.slack.mrkdwn import escape, escape_markdown, fitted, link, mention
from answerloop.slack.rendered import MOST_SECTION, Block, Rendered, Style, actions, button, context, label, section

Url = Callable[[CitedSource], str | None]
"""Where a source can be read."""

MOST_ANSWER = 2500
"""Characters as written; ours have sixty words and a footnote."""
MOST_SOURCES = 5
MOST_TITLE = 80
MOST_QUESTION = 400

_LEAD = re.compile(r"\A\*\*(.+?)\*\*(?=\s|\Z)", re.DOTALL)


def render_answer(
    message: OutgoingMessage,
    style: Style,
    *,
    url: Url,
    private: bool,
    shareable: bool,
    restate: bool,
    language: str,
    now: datetime,
) -> Rendered:
    """`private`: its reader alone sees it, and may share it. `restate` the question where it does not stand above."""
    words = wording.wording(language)
    blocks: list[Block] = []
    if restate:
        blocks.append(context(_asked(message, words, ephemeral=private)))
    blocks.append(_body(message.text, style))
    blocks += _marks(message, words)
    blocks += _sources(message, words, url, now)
    blocks += _buttons(message, style, words, shareable)
    return Rendered(fitted(_LEAD.sub(r"\1", message.text), MOST_ANSWER), blocks)


def _asked(message: OutgoingMessage, words: Wording, *, ephemeral: bool) -> str:
    question = fitted(message.question, MOST_QUESTION)
    if ephemeral:
        return words.you_asked.format(question=question)
    return words.asked.format(person=person(message.asker), question=question)


def _body(text: str, style: Style) -> Block:
    """The lead in bold, everything else as it is: a document's marks mark nothing here."""
    if style is Style.MODERN:
        return {
            "type": "markdown",
            "text": fitted(text, MOST_ANSWER, lambda text: _written(text, escape_markdown, "**")),
        }
    return section(as_mrkdwn(text, MOST_ANSWER))


def as_mrkdwn(text: str, limit: int) -> str:
    """As much of an answer's text as fits into so many characters."""
    return fitted(text, limit, lambda text: _written(text, escape, "*"))


def _written(text: str, escaped: Callable[[str], str], bold: str) -> str:
    """In paragraphs: one for the lead and one for each line."""
    lead = _LEAD.match(text)
    rest = text[lead.end() :] if lead else text
    phrase = " ".join(lead[1].split()) if lead else ""
    lines = [f"{bold}{escaped(phrase)}{bold}" if phrase else "", *(escaped(line.strip()) for line in rest.splitlines())]
    return "\n\n".join(filter(None, lines))


def _marks(message: OutgoingMessage, words: Wording) -> list[Block]:
    marks = []
    if message.verified:
        marks.append(words.verified)
    elif message.outcome is Outcome.ANSWERED and message.confidence is Confidence.UNCERTAIN:
        marks.append(words.uncertain)
    if message.sensitivity:
        marks.append(words.marked.format(mark=escape(message.sensitivity)))
    if message.escalation and message.escalation.resolved_by:
        marks.append(words.resolved_by.format(person=person(message.escalation.resolved_by)))
    elif message.escalation:
        marks.append(words.human_asked)
    return [context("\n".join(marks))] if marks else []


def _sources(message: OutgoingMessage, words: Wording, url: Url, now: datetime) -> list[Block]:
    """A list in one block, since Slack sets the elements of a block side by side; in more when it is too long.

    A document has one line: with the numbers that the answer cites it by, or a bullet where it is merely near.
    """
    if not message.sources:
        return []
    cited: dict[tuple[str, str], list[str]] = {}
    near: dict[str, str] = {}
    for source in message.sources:
        document, named = source.passage.document_id, _named(source, words, url, now)
        near.setdefault(document, f"• {named}")
        if source.cited:
            cited.setdefault((document, named), []).append(f"[{source.number}]")
    lines = [f"{' '.join(numbers)} {named}" for (_, named), numbers in cited.items()] or list(near.values())
    head = f"*{words.sources if cited else words.nearest}*"
    return [context(text) for text in _packed([head, *lines[:MOST_SOURCES]], MOST_SECTION)]


def _packed(lines: Sequence[str], limit: int) -> Iterator[str]:
    packed = lines[0]
    for line in lines[1:]:
        if len(packed) + 1 + len(line) > limit:
            yield packed
            packed = line
        else:
            packed = f"{packed}\n{line}"
    yield packed


def _named(source: CitedSource, words: Wording, url: Url, now: datetime) -> str:
    title = link(url(source), shortened(" ".join(source.passage.title.split()), MOST_TITLE) or "…")
    changed = source.passage.modified_at
    aged = f" · {words.updated.format(age=wording.age(words, changed, now))}" if changed else ""
    return f"{title}{aged}"


def _buttons(message: OutgoingMessage, style: Style, words: Wording, shareable: bool) -> list[Block]:
    answer = message.answer_id
    human = [] if message.escalation else [button(words.ask_human, "answer_human", answer)]
    share = [button(words.share, "answer_share", answer)] if shareable else []
    rated = message.outcome is not Outcome.FAILED and message.action is not Action.REFUSED
    if style is Style.CLASSIC:
        thumbs = thumb_buttons(answer, words)
        retract = [button(words.retract, "answer_retract", answer)]
        return [actions(*(thumbs if rated else []), *human, *share, *retract)]
    icons = [*([_thumbs(answer, words)] if rated else []), _trash(answer, words)]
    return [{"type": "context_actions", "elements": icons}, *([actions(*human, *share)] if human or share else [])]


def thumb_buttons(answer: str, words: Wording) -> list[Block]:
    up, down = f"👍 {words.helpful}", f"👎 {words.not_helpful}"
    return [button(up, "answer_up", answer), button(down, "answer_down", answer)]


def _thumbs(answer: str, words: Wording) -> Block:
    """Slack draws the thumbs itself."""
    return {
        "type": "feedback_buttons",
        "action_id": "answer_feedback",
        "positive_button": {"text": label(words.helpful), "value": f"up:{answer}"},
        "negative_button": {"text": label(words.not_helpful), "value": f"down:{answer}"},
    }


def _trash(answer: str, words: Wording) -> Block:
    retract = label(words.retract)
    return {"type": "icon_button", "icon": "trash", "text": retract, "action_id": "answer_retract", "value": answer}


def person(person_id: str) -> str:
    """A mention of somebody whom Slack itself named to us."""
    try:
        return mention(parts(person_id)[1])
    except ValueError:
        return escape(person_id)
