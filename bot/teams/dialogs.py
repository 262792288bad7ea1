"""The settings of chats and channels, for admins: which room, then how. Pure functions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from answerloop.chat.wording import RESPONDS, SPOKEN
from answerloop.db.repositories.places import Place
from answerloop.domain import Respond, RoomSettings
from answerloop.teams.card import Element, actions, card, choice, words

MOST_OPTIONS = 100
MOST_LABEL = 75
PEOPLE = {"choices.data": {"type": "Data.Query", "dataset": "graph.microsoft.com/users"}, "isMultiSelect": True}
"""A field that searches the people of the company, where Teams offers it; what it sends are Entra object ids."""
UNNAMED = "Chat or channel without a name"


def choose_room(rooms: Sequence[Place]) -> Element:
    options = [((room.name or UNNAMED)[:MOST_LABEL], room.id) for room in rooms[:MOST_OPTIONS]]
    if not options:
        return card(words("I am in no chat or channel yet. Add me to one, and mention me there."))
    return card(
        choice("room", options, value=options[0][1], label="Chat or channel", style="compact", isRequired=True),
        actions({"type": "Action.Submit", "title": "Next"}),
    )


def room_form(room: Place, settings: RoomSettings, sources: Sequence[str]) -> Element:
    known = [(source[-MOST_LABEL:], name) for name, source in _offered(settings, sources).items()]
    chosen = ",".join(name for name, source in _offered(settings, sources).items() if source in settings.sources)
    private = [("Only the person who asks sees the answer", "ephemeral")]
    return card(
        words(f"Settings of {_plain(room.name or UNNAMED)}", weight="Bolder"),
        choice("respond", [(text, each.value) for each, text in RESPONDS.items()], value=settings.respond.value,
               label="I answer", style="compact"),
        choice("ephemeral", private, value="ephemeral" if settings.ephemeral else "", multiple=True, label="Answers"),
        choice("language", [(name, code) for code, name in SPOKEN.items()], value=settings.language, label="Language",
               style="compact"),
        _people("escalation", "Whom to call when somebody asks for a human", settings.escalation),
        _people("allow", "Answer only these people (none: everybody)", settings.allow),
        choice("sources", known, value=chosen, multiple=True, label="Answer only from these sources (none: all)")
        if known else None,
        actions({"type": "Action.Submit", "title": "Save", "data": {"settings_of": room.id}}),
    )  # fmt: skip


def read_room_form(data: Mapping[str, Any], settings: RoomSettings, sources: Sequence[str]) -> RoomSettings:
    """What was submitted, of a form made from these. Raises ValueError, KeyError, IndexError, AttributeError for what
    no form could send."""
    offered = _offered(settings, sources)
    return RoomSettings(
        respond=Respond(data["respond"]),
        ephemeral=bool(data.get("ephemeral")),
        sources=tuple(offered[name] for name in _several(data, "sources")),
        allow=_several(data, "allow"),
        escalation=_several(data, "escalation"),
        language=_language(data["language"]),
    )


def _offered(settings: RoomSettings, sources: Sequence[str]) -> dict[str, str]:
    """The sources by the name they have in a form. Those that are chosen now are among them, known or not: saving
    something else must not open the room to all."""
    every = list(dict.fromkeys((*settings.sources, *sources)))[:MOST_OPTIONS]
    return {hashlib.sha256(source.encode()).hexdigest()[:32]: source for source in every}


def _language(code: str) -> str:
    if code not in SPOKEN:
        raise ValueError("no language of ours")
    return code


def _several(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Teams sends several choices as one text with commas."""
    return tuple(part for part in (data.get(name) or "").split(",") if part)


def _people(name: str, label: str, chosen: Sequence[str]) -> Element:
    known = [(user, user) for user in chosen]
    return {**choice(name, known, value=",".join(chosen), multiple=True, label=label), **PEOPLE}


def _plain(name: str) -> str:
    return "".join(each for each in name if each.isalnum() or each in " .'’-,()/&#").strip() or UNNAMED
