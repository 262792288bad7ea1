"""Dialogs and the App Home, as pure functions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from answerloop.chat import wording
from answerloop.chat.text import shortened
from answerloop.domain import HomeFacts, HomeQuestion, Respond, RoomSettings
from answerloop.slack.address import Mode, SlackAddress
from answerloop.slack.answer import as_mrkdwn
from answerloop.slack.mrkdwn import escape, link
from answerloop.slack.rendered import Block, context, label, section

FEEDBACK_DETAILS = "feedback_details"
ROOM_SETTINGS = "room_settings"
SAID = wording.wording("en")
"""Slack opens dialogs and the Home before we know anybody's language."""
MOST_BETTER = 3000
MOST_COMMENT, MOST_SOURCE = 2000, 1000
MOST_OPTIONS = 100
MOST_ANSWER = 700
MOST_LABEL = 75
USER, CHANNEL_ID = re.compile(r"[UW][A-Z0-9]{1,30}"), re.compile(r"[CG][A-Z0-9]{1,30}")
HOW_TO_ASK = (
    "*How to ask*\n• Send me a direct message.\n• Mention me in a channel; I answer in the thread.\n"
    "• Type `/ask` and your question: only you see the answer, and you can share it.\n"
    "• Choose “Answer this” in the menu of any message."
)


def feedback_details(answer_id: str) -> dict[str, Any]:
    options = [_option(text, reason.value) for reason, text in SAID.reasons.items()]
    return {
        "type": "modal",
        "callback_id": FEEDBACK_DETAILS,
        "private_metadata": answer_id,
        "title": label(SAID.why),
        "submit": label(SAID.send),
        "close": label("Cancel"),
        "blocks": [
            _input("reason", "Reason", {"type": "radio_buttons", "action_id": "reason", "options": options}),
            _input("comment", SAID.comment, _text("comment", MOST_COMMENT, SAID.comment_hint)),
            _input("better", SAID.better, _text("better", MOST_BETTER, SAID.better_hint)),
            _input("source", SAID.source, _text("source", MOST_SOURCE, SAID.source_hint)),
        ],
    }  # fmt: skip


def thanked() -> dict[str, Any]:
    """What the dialog becomes: it does not say where it was opened, so nobody could be thanked there."""
    return {
        "type": "modal",
        "title": label(SAID.why),
        "close": label("Close"),
        "blocks": [section(SAID.thanks)],
    }


def room_settings(channel: str, settings: RoomSettings, sources: Sequence[str]) -> dict[str, Any]:
    chosen = [_option(text, respond.value) for respond, text in wording.RESPONDS.items()]
    languages = [_option(text, code) for code, text in wording.SPOKEN.items()]
    private = _option("Only the person who asks sees the answer", "ephemeral")
    checkbox = {"type": "checkboxes", "action_id": "ephemeral", "options": [private]}
    checkbox |= {"initial_options": [private]} if settings.ephemeral else {}
    known = {source: _source(source, name) for name, source in _offered(settings, sources).items()}
    selected = [known[source] for source in settings.sources if source in known]
    blocks = [
        _choice("respond", "I answer", chosen, settings.respond.value),
        _input("ephemeral", "Answers", checkbox),
        {
            **_choice("language", "Language", languages, settings.language),
            "hint": label("Of buttons and notices. Answers are in the words of the documents."),
        },
        _input(
            "escalation",
            "Whom to call when somebody asks for a human",
            _people("escalation", settings.escalation, "The usual people"),
        ),
        _input("allow", "Answer only these people", _people("allow", settings.allow, "Everybody")),
    ]
    if known:
        element: dict[str, Any] = {"type": "multi_static_select", "action_id": "sources"}
        element |= {"options": list(known.values()), "placeholder": label("All sources")}
        element |= {"initial_options": selected} if selected else {}
        blocks.append(_input("sources", "Answer only from these sources", element))
    return {
        "type": "modal",
        "callback_id": ROOM_SETTINGS,
        "private_metadata": channel,
        "title": label("Channel settings"),
        "submit": label("Save"),
        "close": label("Cancel"),
        "blocks": [context(f"Settings of <#{channel}>"), *blocks],
    }


def read_room_settings(values: Any, settings: RoomSettings, sources: Sequence[str]) -> RoomSettings:
    """What was submitted, of a dialog made from these. Raises ValueError for what no dialog of ours could send."""
    offered = _offered(settings, sources)
    try:
        chosen = values.get("sources", {}).get("sources", {}).get("selected_options") or []
        language = values["language"]["language"]["selected_option"]["value"]
        return RoomSettings(
            respond=Respond(values["respond"]["respond"]["selected_option"]["value"]),
            ephemeral=bool(values["ephemeral"]["ephemeral"].get("selected_options")),
            sources=tuple(offered[option["value"]] for option in chosen),
            allow=_users(values, "allow"),
            escalation=_users(values, "escalation"),
            language={code: code for code in wording.SPOKEN}[language],
        )
    except (KeyError, TypeError, AttributeError):
        raise ValueError("not a dialog of ours") from None


def _offered(settings: RoomSettings, sources: Sequence[str]) -> dict[str, str]:
    """The sources by the name they have in a dialog. Those that are chosen now are among them, known or not: saving
    something else must not open the room to all."""
    every = list(dict.fromkeys((*settings.sources, *sources)))[:MOST_OPTIONS]
    return {hashlib.sha256(source.encode()).hexdigest()[:32]: source for source in every}


def _users(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    users = tuple(values[name][name].get("selected_users") or ())
    if not all(USER.fullmatch(user) for user in users):
        raise ValueError("not the id of a user")
    return users


def home(facts: HomeFacts, now: datetime, *, admin: bool) -> dict[str, Any]:
    blocks: list[Block] = [
        section(f"*{SAID.home_greeting}*"),
        context(wording.known(SAID, facts, now)),
        section(HOW_TO_ASK),
    ]
    if facts.questions:
        blocks += [{"type": "divider"}, section(f"*{SAID.home_last}*")]
        blocks += [section(_question(question, now)) for question in facts.questions]
    if admin:
        select = {
            "type": "conversations_select",
            "action_id": "home_room",
            "placeholder": label("Choose a channel"),
            "filter": {"include": ["public", "private"], "exclude_bot_users": True},
        }
        blocks += [{"type": "divider"}, {**section(f"*{SAID.room_settings}*"), "accessory": select}]
    return {"type": "home", "blocks": blocks}


def _question(question: HomeQuestion, now: datetime) -> str:
    at = SlackAddress.parse(question.address)
    url = f"https://slack.com/app_redirect?team={at.workspace}&channel={at.channel}"
    text = link(url, shortened(" ".join(question.text.split()), 120))
    state = SAID.outcomes[question.outcome] if question.outcome else SAID.waiting
    line = f"• {text} – {state}, {escape(wording.age(SAID, question.asked_at, now))}"
    if at.mode is not Mode.EPHEMERAL or not question.answer:
        return line
    answer = as_mrkdwn(question.answer, MOST_ANSWER).splitlines()
    return "\n".join((line, *(f"> {each}" for each in answer if each)))


def _option(text: str, value: str) -> dict[str, Any]:
    return {"text": label(shortened(text, MOST_LABEL)), "value": value}


def _source(location: str, name: str) -> dict[str, Any]:
    """Paths differ at their end."""
    return _option(location if len(location) <= MOST_LABEL else f"…{location[1 - MOST_LABEL :]}", name)


def _input(block: str, title: str, element: dict[str, Any]) -> Block:
    return {"type": "input", "block_id": block, "optional": True, "label": label(title), "element": element}


def _text(action: str, longest: int, placeholder: str) -> dict[str, Any]:
    return {
        "type": "plain_text_input",
        "action_id": action,
        "max_length": longest,
        "placeholder": label(placeholder),
        "multiline": action != "source",
    }


def _choice(name: str, title: str, options: list[dict[str, Any]], value: str) -> Block:
    """One of them is always chosen."""
    initial = next((option for option in options if option["value"] == value), options[0])
    element = {"type": "static_select", "action_id": name, "options": options, "initial_option": initial}
    return {**_input(name, title, element), "optional": False}


def _people(action: str, users: Sequence[str], placeholder: str) -> dict[str, Any]:
    """Slack opens no dialog that names somebody who cannot be: a file may say anything."""
    known = [user for user in users if USER.fullmatch(user)]
    element = {"type": "multi_users_select", "action_id": action, "placeholder": label(placeholder)}
    return element | ({"initial_users": known} if known else {})
