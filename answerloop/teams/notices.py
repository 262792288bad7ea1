"""Messages beside the answers, as Teams shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from answerloop.chat import wording
from answerloop.chat.prompts import PROMPTS
from answerloop.chat.text import shortened
from answerloop.chat.wording import Wording
from answerloop.domain import HomeFacts, HomeQuestion, Notice, NoticeKind
from answerloop.teams.activity import mention, message
from answerloop.teams.address import parts
from answerloop.teams.answer import MOST_NAME, Names, plain, resolved, restated, thumbs, why
from answerloop.teams.card import Element, actions, ask, card, execute, line, paragraphs, quote, run, words

MOST_TEXT = 2500
MOST_QUESTION = 120
MOST_ANSWER = 300
MOST_PEOPLE = 20

_ID = re.compile(r"[0-9A-Za-z:._-]{1,200}")
_LINKED = re.compile(r"\.(?=\S)")


def render_notice(notice: Notice, names: Names, language: str, now: datetime) -> dict[str, Any]:
    said = wording.wording(language)
    match notice.kind:
        case NoticeKind.ESCALATION:
            return _escalation(notice, names, said)
        case NoticeKind.REMINDER:
            answer = notice.answer_id or ""
            buttons = actions(*thumbs(answer, said))
            return message(card(words(said.rate), restated(notice.question), buttons, why(answer, said)), said.rate)
        case NoticeKind.SUGGESTION:
            about = {"notice": notice.id}
            buttons = actions(execute(said.accept, "accept", about), execute(said.dismiss, "dismiss", about))
            shown = card(
                words(said.suggest),
                restated(notice.question),
                words(said.your_reply),
                quote(shortened(notice.text, MOST_TEXT)),
                buttons,
            )
            return message(shown, said.suggest)
        case NoticeKind.HOME if notice.home:
            return message(_home(notice.home, said, now), said.home_greeting)
        case NoticeKind.THANKS | NoticeKind.CORRECTED:
            return _told(notice, said)
    return message(card(*paragraphs(shortened(notice.text, MOST_TEXT))), notice.text)


def _told(notice: Notice, said: Wording) -> dict[str, Any]:
    if notice.kind is NoticeKind.THANKS:
        return message(card(words(said.thanks)), said.thanks)
    text = said.corrected.format(home="")
    return message(card(words(text), restated(notice.question)), text)


def _escalation(notice: Notice, names: Names, said: Wording) -> dict[str, Any]:
    called = _mentions(notice.people, names)
    asker = _plain(names(notice.escalation.asked_by)) if notice.escalation else "?"
    wanted = said.help_wanted if called else said.help_wanted_by_all
    text = wanted.format(people=" ".join(each["text"] for each in called), asker=asker)
    end: Element | None = None
    if notice.escalation and notice.escalation.resolved_by:
        end = line(run(resolved(notice.escalation.resolved_by, said, names)))
    elif notice.answer_id:
        end = actions(execute(said.resolve, "resolve", {"answer": notice.answer_id}))
    shown = card(words(text), restated(notice.question), end)
    if called:
        shown["msteams"] = {"entities": called}
    return message(shown, said.help_wanted_by_all.format(asker=asker))


def _mentions(people: Sequence[str], names: Names) -> list[Element]:
    """People are mentioned by their Entra ids; between `<at>` and `</at>` has to stand what they are called, and Teams
    tells them apart by that."""
    times = Counter[str]()
    called = []
    for person in [each for each in dict.fromkeys(people) if _user(each)][:MOST_PEOPLE]:
        name = _plain(names(person))
        times[name] += 1
        called.append(mention(_user(person), name if times[name] == 1 else f"{name} {times[name]}"))
    return called


def _user(person: str) -> str:
    """Nothing for somebody who is not of Teams."""
    try:
        user = parts(person)[1]
    except ValueError:
        return ""
    return user if _ID.fullmatch(user) else ""


def _plain(name: str) -> str:
    """A name in a text block must be neither markup nor an address."""
    kept = "".join(each for each in " ".join(name.split()) if each.isalnum() or each in " .'’-,()")
    return _LINKED.sub(" ", kept).strip(" .'’-,()")[:MOST_NAME].strip() or "?"


def _home(facts: HomeFacts, said: Wording, now: datetime) -> Element:
    asked = [part for question in facts.questions for part in _question(question, said, now)]
    settings = {"type": "Action.Submit", "title": said.room_settings, "data": {"msteams": {"type": "task/fetch"}}}
    return card(
        words(said.home_greeting, weight="Bolder"),
        words(wording.known(said, facts, now), isSubtle=True),
        *(words(f"• {way}", spacing="Small") for way in said.teams_ways),
        words(said.home_try, weight="Bolder", separator=True),
        *(actions(ask(question)) for _, question in PROMPTS),
        words(said.home_last, weight="Bolder", separator=True) if asked else None,
        *asked,
        actions(settings) if facts.admin else None,
    )


def _question(question: HomeQuestion, said: Wording, now: datetime) -> list[Element]:
    """With the answer, where nobody else was told it."""
    state = said.outcomes[question.outcome] if question.outcome else said.waiting
    text = shortened(" ".join(question.text.split()), MOST_QUESTION)
    asked = line(run(f"• {text}"), run(f" – {state}, {wording.age(said, question.asked_at, now)}", subtle=True))
    told = " ".join(plain(question.answer).split())
    return [{**asked, "spacing": "Small"}, *([quote(shortened(told, MOST_ANSWER))] if told else [])]


def render_gone(language: str) -> dict[str, Any]:
    """In place of what was taken back, where a message cannot be deleted."""
    said = wording.wording(language)
    return message(card(line(run(said.taken_back, subtle=True))), said.taken_back)
