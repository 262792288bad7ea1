"""One of each message that the bot sends to Teams, by name, for snapshots and checks of their shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from answerloop.domain import (
    CitedSource,
    Escalation,
    HomeFacts,
    HomeQuestion,
    Notice,
    NoticeKind,
    Outcome,
    OutgoingMessage,
    Progress,
    Stage,
)
from answerloop.teams.answer import render_answer, render_short
from answerloop.teams.notices import render_gone, render_notice
from answerloop.teams.progress import render_progress
from tests.unit.answerloop.slack.messages import ANSWERS, FAQ, HANDBOOK, NOW, SURE

Message = dict[str, Any]

DANA, FINN = "teams:t1:00000000-dana", "teams:t1:00000000-finn"
NAMES = {DANA: "Dana Devlin", FINN: "Finn Maertens"}
CALL = Notice("n1", NoticeKind.ESCALATION, people=(FINN,), question="How?\nAnd when?", answer_id="a1",
              escalation=Escalation(DANA))  # fmt: skip
READING = Progress("q1", Stage.READING, sources=(HANDBOOK, FAQ))
HOME = HomeFacts(
    documents=1234,
    updated_at=NOW - timedelta(days=1),
    questions=(
        HomeQuestion("How long is parental leave?", Outcome.ANSWERED, NOW - timedelta(days=2), {}, SURE.text),
        HomeQuestion("And *who* <at>decides</at>?", None, NOW, {}),
    ),
)


def named(person: str) -> str:
    return NAMES.get(person, "a colleague")


def shown(
    message: OutgoingMessage,
    *,
    url: Callable[[CitedSource], str | None] = lambda source: source.passage.url,
    names: Callable[[str], str] = named,
    restate: bool = False,
    private: bool = False,
    shareable: bool = False,
    language: str = "en",
) -> Message:
    return render_answer(
        message, url=url, names=names, private=private, shareable=shareable, restate=restate, language=language, now=NOW
    )


def told(notice: Notice, language: str = "en", names: Callable[[str], str] = named) -> Message:
    return render_notice(notice, names, language, NOW)


OTHERS: Mapping[str, Message] = {
    "private": shown(SURE, restate=True, private=True, shareable=True, language="de"),
    "shared": shown(replace(SURE, asker=DANA), restate=True),
    "confidential": shown(replace(SURE, sensitivity="Confidential, Internal")),
    "too large": render_short(replace(SURE, sensitivity="Internal")),
    "queued": render_progress(Progress("q1", Stage.QUEUED, ahead=3), "en"),
    "reading": render_progress(READING, "en"),
    "writing": render_progress(replace(READING, stage=Stage.WRITING, text="**90 days**\n\n“Every …” [1]"), "de"),
    "call for help": told(CALL),
    "call to nobody": told(replace(CALL, people=()), "de"),
    "call taken care of": told(replace(CALL, escalation=Escalation(DANA, FINN), people=()), "de"),
    "reminder": told(Notice("n2", NoticeKind.REMINDER, question="How long?", answer_id="a1")),
    "suggestion": told(Notice("n3", NoticeKind.SUGGESTION, "It is 95 days.", question="How long?")),
    "hint": told(Notice("n4", NoticeKind.HINT, "Ask me in a personal chat.\n\nIt knows more.")),
    "thanks": told(Notice("n5", NoticeKind.THANKS)),
    "corrected": told(Notice("n9", NoticeKind.CORRECTED, question="How long is leave?")),
    "switched off": told(Notice("n6", NoticeKind.REFUSED, "I am switched off here.")),
    "home": told(Notice("n7", NoticeKind.HOME, home=HOME)),
    "home of an administrator": told(Notice("n8", NoticeKind.HOME, home=replace(HOME, admin=True, questions=())), "de"),
    "taken back": render_gone("en"),
}


def every_message() -> dict[str, Message]:
    return {**{name: shown(message) for name, message in ANSWERS.items()}, **OTHERS}
