"""One of each message that the bot sends, by name, for snapshots and checks of their shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from answerloop.domain import (
    Action,
    CitedSource,
    Confidence,
    Escalation,
    Notice,
    NoticeKind,
    Outcome,
    OutgoingMessage,
    Passage,
    Progress,
    Stage,
)
from answerloop.slack.answer import render_answer
from answerloop.slack.notices import render_notice
from answerloop.slack.progress import render_progress
from answerloop.slack.rendered import Rendered, Style

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DANA, FINN = "slack:T01:U01DANA", "slack:T01:U01FINN"


def a_source(
    number: int, title: str, *, cited: bool = True, days: int | None = 3, url: str | None = None
) -> CitedSource:
    changed = None if days is None else NOW - timedelta(days=days)
    passage = Passage(f"d{number}", f"c{number}", title, (), "", 0, 0, url, changed, 0.9, 1.0, 0.9)
    return CitedSource(number, passage, cited)


HANDBOOK = a_source(1, "Leave handbook", url="https://intranet.example/leave?id=1&part=2")
FAQ = a_source(2, "Parental leave: questions & answers", days=400)
SURE = OutgoingMessage(
    question_id="q1",
    answer_id="a1",
    text="**90 days**\n\n“Every employee gets 90 days of parental leave.” [1]\n“It may be taken in two parts.” [2]",
    outcome=Outcome.ANSWERED,
    confidence=Confidence.SURE,
    sources=(HANDBOOK, FAQ, a_source(3, "Merely near", cited=False)),
    question="How long is parental leave?",
    asker=DANA,
)
UNKNOWN = replace(
    SURE,
    text="I do not know. Please ask people-desk@orrenby.example.",
    outcome=Outcome.ABSTAINED,
    action=Action.ABSTAINED,
    confidence=Confidence.DONT_KNOW,
    sources=(replace(HANDBOOK, cited=False),),
)
HOSTILE = replace(
    SURE,
    text="<!channel> *ring* @here :fire: [click](https://evil.example) ![x](http://evil.example/x.png)\n<@U01FINN>",
    sources=(a_source(1, "<!here|now> & *bold* https://evil.example", url="javascript:alert(1)"),),
)
ANSWERS: Mapping[str, OutgoingMessage] = {
    "sure": SURE,
    "uncertain": replace(SURE, confidence=Confidence.UNCERTAIN, sources=(FAQ,)),
    "verified": replace(SURE, verified=True, confidence=Confidence.UNCERTAIN),
    "human asked": replace(SURE, escalation=Escalation(DANA)),
    "taken care of": replace(SURE, escalation=Escalation(DANA, FINN)),
    "not known": UNKNOWN,
    "refused": replace(UNKNOWN, text="I cannot give legal advice.", action=Action.REFUSED, sources=()),
    "failed": replace(UNKNOWN, text="Sorry, something went wrong.", outcome=Outcome.FAILED, sources=()),
    "hostile": HOSTILE,
}
READING = Progress("q1", Stage.READING, sources=(HANDBOOK, FAQ))
CALL = Notice("n1", NoticeKind.ESCALATION, people=(FINN,), question="How?\nAnd when?", answer_id="a1",
              escalation=Escalation(DANA))  # fmt: skip
OTHERS: Mapping[str, Rendered] = {
    "queued": render_progress(Progress("q1", Stage.QUEUED, ahead=3), "en"),
    "reading": render_progress(READING, "en"),
    "writing": render_progress(replace(READING, stage=Stage.WRITING, text="**90 days**\n\n“Every …” [1]"), "de"),
    "call for help": render_notice(CALL, "en"),
    "call taken care of": render_notice(replace(CALL, escalation=Escalation(DANA, FINN), people=()), "de"),
    "reminder": render_notice(Notice("n2", NoticeKind.REMINDER, question="How long?", answer_id="a1"), "en"),
    "suggestion": render_notice(Notice("n3", NoticeKind.SUGGESTION, "It is 95 days.", question="How long?"), "en"),
    "hint": render_notice(Notice("n4", NoticeKind.HINT, "Ask me in a direct message."), "en"),
    "thanks": render_notice(Notice("n5", NoticeKind.THANKS), "en"),
    "corrected": render_notice(Notice("n6", NoticeKind.CORRECTED, question="How long is leave?"), "en"),
}


def shown(
    message: OutgoingMessage,
    style: Style,
    *,
    url: Callable[[CitedSource], str | None] = lambda source: source.passage.url,
    private: bool = False,
    shared: bool = False,
    language: str = "en",
) -> Rendered:
    said: dict[str, Any] = {"restate": private or shared, "language": language, "now": NOW}
    return render_answer(message, style, url=url, private=private, shareable=private, **said)


def every_message() -> dict[str, Rendered]:
    answers = {f"{name} ({style})": shown(message, style) for name, message in ANSWERS.items() for style in Style}
    private = {f"private ({style})": shown(SURE, style, private=True, language="de") for style in Style}
    shared = {f"shared ({style})": shown(SURE, style, shared=True) for style in Style}
    return {**answers, **private, **shared, **OTHERS}
