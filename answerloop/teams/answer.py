"""An answer, as Teams shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from answerloop.chat import wording
from answerloop.chat.text import shortened
from answerloop.chat.wording import Wording
from answerloop.domain import Action, CitedSource, Confidence, FeedbackReason, Outcome, OutgoingMessage
from answerloop.teams.activity import ai_generated, message
from answerloop.teams.card import Element, actions, card, choice, execute, line, paragraphs, quote, run, toggle, words

Url = Callable[[CitedSource], str | None]
"""Where a source can be read."""
Names = Callable[[str], str]
"""What a person is called."""

MOST_ANSWER = 4000
MOST_SHORT = 2000
MOST_SOURCES = 5
MOST_TITLE = 80
MOST_NAME = 80
MOST_QUESTION = 400
MOST_BETTER, MOST_COMMENT, MOST_SOURCE = 3000, 2000, 1000

_LEAD = re.compile(r"\A\*\*(.+?)\*\*(?=\s|\Z)", re.DOTALL)


def render_answer(
    answer: OutgoingMessage,
    *,
    url: Url,
    names: Names,
    private: bool,
    shareable: bool,
    restate: bool,
    language: str,
    now: datetime,
) -> dict[str, Any]:
    """`private`: its reader alone sees it, and may share it. `restate` the question where it does not stand above."""
    said = wording.wording(language)
    shown = card(
        line(run(_asked(answer, said, names, private=private), subtle=True)) if restate else None,
        *_body(shortened(answer.text, MOST_ANSWER)),
        *_marks(answer, said, names),
        _sources(answer, said, url, now),
        *_buttons(answer, said, shareable=shareable),
    )
    return message(shown, plain(answer.text), [ai_generated(answer.sensitivity)])


def _asked(answer: OutgoingMessage, said: Wording, names: Names, *, private: bool) -> str:
    question = shortened(" ".join(answer.question.split()), MOST_QUESTION)
    if private:
        return said.you_asked.format(question=question)
    return said.asked.format(person=called(answer.asker, names), question=question)


def called(person: str, names: Names) -> str:
    return shortened(" ".join(names(person).split()), MOST_NAME)


def render_short(answer: OutgoingMessage) -> dict[str, Any]:
    """The answer without anything around it, for where the whole was too much."""
    text = shortened(plain(answer.text), MOST_SHORT)
    return message(card(*paragraphs(text)), text, [ai_generated(answer.sensitivity)])


def plain(text: str) -> str:
    """Without the stars around its lead."""
    return _LEAD.sub(r"\1", text)


def _body(text: str) -> list[Element]:
    """The lead in bold, everything else as it is, a paragraph for each line."""
    lead = _LEAD.match(text)
    rest = text[lead.end() :] if lead else text
    if not lead:
        return paragraphs(rest)
    return [line(run(" ".join(lead[1].split()), bold=True)), *(paragraphs(rest) if rest.strip() else [])]


def _marks(answer: OutgoingMessage, said: Wording, names: Names) -> list[Element]:
    marks = []
    if answer.verified:
        marks.append(said.verified)
    elif answer.outcome is Outcome.ANSWERED and answer.confidence is Confidence.UNCERTAIN:
        marks.append(said.uncertain)
    if answer.sensitivity:
        marks.append(said.marked.format(mark=shortened(" ".join(answer.sensitivity.split()), MOST_NAME)))
    if answer.escalation and answer.escalation.resolved_by:
        marks.append(resolved(answer.escalation.resolved_by, said, names))
    elif answer.escalation:
        marks.append(said.human_asked)
    return [line(run(mark, subtle=True)) for mark in marks]


def resolved(person: str, said: Wording, names: Names) -> str:
    return said.resolved_by.format(person=called(person, names))


def _sources(answer: OutgoingMessage, said: Wording, url: Url, now: datetime) -> Element | None:
    cited = [source for source in answer.sources if source.cited]
    shown: Sequence[CitedSource] = cited or answer.sources
    if not shown:
        return None
    heading = words(said.sources if cited else said.nearest, weight="Bolder", size="Small")
    lines = [_source(source, said, url, now) for source in shown[:MOST_SOURCES]]
    return {"type": "Container", "separator": True, "items": [heading, *lines]}


def _source(source: CitedSource, said: Wording, url: Url, now: datetime) -> Element:
    title = shortened(" ".join(source.passage.title.split()), MOST_TITLE)
    changed = source.passage.modified_at
    aged = f" · {said.updated.format(age=wording.age(said, changed, now))}" if changed else ""
    runs = [run(f"[{source.number}] "), run(title, url=url(source))]
    return line(*runs, *([run(aged, subtle=True)] if aged else []), spacing="Small")


def _buttons(answer: OutgoingMessage, said: Wording, *, shareable: bool) -> list[Element]:
    about = {"answer": answer.answer_id}
    rated = answer.outcome is not Outcome.FAILED and answer.action is not Action.REFUSED
    buttons = [*thumbs(answer.answer_id, said)] if rated else []
    if not answer.escalation:
        buttons.append(execute(said.ask_human, "human", about))
    if shareable:
        buttons.append(execute(said.share, "share", about))
    buttons.append(execute(said.retract, "retract", about))
    return [actions(*buttons), *([why(answer.answer_id, said)] if rated else [])]


def thumbs(answer_id: str, said: Wording) -> tuple[Element, Element]:
    """The second one opens the question why, which `why` must bring along."""
    up = execute("👍", "up", {"answer": answer_id}, tooltip=said.helpful)
    return up, {**toggle("👎", f"why-{answer_id}"), "tooltip": said.not_helpful}


def why(answer_id: str, said: Wording) -> Element:
    """Hidden until the thumb goes down. Sent without a reason it is a thumb down alone."""
    reasons = [(said.reasons[reason], reason.value) for reason in FeedbackReason]
    return {
        "type": "Container",
        "id": f"why-{answer_id}",
        "isVisible": False,
        "items": [
            choice("reason", reasons, label=said.why, style="compact"),
            _written("comment", said.comment, said.comment_hint, MOST_COMMENT),
            _written("better", said.better, said.better_hint, MOST_BETTER),
            _written("source", said.source, said.source_hint, MOST_SOURCE),
            actions(execute(said.send, "down", {"answer": answer_id})),
        ],
    }


def _written(name: str, text: str, hint: str, most: int) -> Element:
    return {
        "type": "Input.Text",
        "id": name,
        "isMultiline": name != "source",
        "maxLength": most,
        "label": text,
        "placeholder": hint,
    }


def restated(text: str) -> Element:
    return quote(shortened(" ".join(text.split()), MOST_QUESTION))
