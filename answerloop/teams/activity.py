"""The activities that we send: a card, and what Teams is to know about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from answerloop.chat.text import shortened
from answerloop.teams.card import Element, attachment, seen

MOST_SUMMARY = 120
MOST_MARK = 80


def message(card: Element, summary: str, entities: Sequence[Element] = ()) -> dict[str, Any]:
    """`summary` is what notifications and the list of chats show."""
    short = shortened(" ".join(seen(summary).split()), MOST_SUMMARY)
    return {"type": "message", "summary": short, "attachments": [attachment(card)], "entities": list(entities)}


def ai_generated(sensitivity: str) -> Element:
    """Teams marks the message as made by a machine, and with the sensitivity of what it stands on.

    It must be the only root entity of its type (Microsoft: "Bot messages with AI-generated content"). Sources are no
    citations of this entity, since those belong to plain text; they stand in the card.
    """
    entity: Element = {
        "type": "https://schema.org/Message",
        "@type": "Message",
        "@context": "https://schema.org",
        "@id": "",
        "additionalType": ["AIGeneratedContent"],
    }
    if sensitivity:
        entity["usageInfo"] = {
            "type": "https://schema.org/Message",
            "@type": "CreativeWork",
            "name": shortened(seen(sensitivity), MOST_MARK),
            "description": "The documents behind this answer are marked so.",
        }
    return entity


def mention(account: str, name: str) -> Element:
    """Belongs into the card's `msteams.entities`, with `<at>name</at>` in one of its text blocks."""
    return {"type": "mention", "text": f"<at>{name}</at>", "mentioned": {"id": account, "name": name}}
