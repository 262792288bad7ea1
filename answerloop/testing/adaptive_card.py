"""What is wrong with a card by the schema of Adaptive Cards 1.5, as far as Teams shows it and we use it.

An element that is not in the table, a field that its element does not have, and a field that it must have and lacks are
all wrong: Teams shows nothing of a card that it does not understand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from answerloop.teams.card import VERSION

Rule = type | frozenset[str] | str | list[str]
"""A type, the words that may stand there, the kind of thing, or a list of such things."""

SIZES = frozenset({"Small", "Default", "Medium", "Large", "ExtraLarge"})
WEIGHTS = frozenset({"Lighter", "Default", "Bolder"})
COLORS = frozenset({"Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"})
SPACINGS = frozenset({"None", "Small", "Default", "Medium", "Large", "ExtraLarge", "Padding"})
STYLES = frozenset({"default", "emphasis", "good", "attention", "warning", "accent"})

TEXT: dict[str, Rule] = {"weight": WEIGHTS, "size": SIZES, "isSubtle": bool, "color": COLORS}
INPUT: dict[str, Rule] = {"label": str, "isRequired": bool, "errorMessage": str, "placeholder": str, "value": str}
ACTION: dict[str, Rule] = {"tooltip": str, "iconUrl": str, "style": frozenset({"default", "positive", "destructive"})}
ELEMENT: dict[str, Rule] = {"id": str, "isVisible": bool, "separator": bool, "spacing": SPACINGS}

KINDS: Mapping[str, Mapping[str, tuple[dict[str, Rule], dict[str, Rule]]]] = {
    "card": {
        "AdaptiveCard": (
            {"version": frozenset({VERSION}), "body": ["element"]},
            {"$schema": str, "msteams": dict, "actions": ["action"]},
        ),
    },
    "element": {
        "TextBlock": ({"text": str}, {**ELEMENT, **TEXT, "wrap": bool, "maxLines": int}),
        "RichTextBlock": ({"inlines": ["run"]}, ELEMENT),
        "Container": ({"items": ["element"]}, {**ELEMENT, "style": STYLES}),
        "ActionSet": ({"actions": ["action"]}, ELEMENT),
        "Input.Text": ({"id": str}, {**ELEMENT, **INPUT, "isMultiline": bool, "maxLength": int}),
        "Input.ChoiceSet": (
            {"id": str, "choices": ["choice"]},
            {**ELEMENT, **INPUT, "isMultiSelect": bool, "wrap": bool, "style": frozenset({"compact", "expanded"})},
        ),
    },
    "run": {"TextRun": ({"text": str}, {**TEXT, "underline": bool, "selectAction": "action"})},
    "choice": {"": ({"title": str, "value": str}, {})},
    "action": {
        "Action.Execute": ({"title": str, "verb": str, "data": dict}, ACTION),
        "Action.Submit": ({"title": str, "data": dict}, ACTION),
        "Action.ToggleVisibility": ({"title": str, "targetElements": list}, ACTION),
        "Action.OpenUrl": ({"url": str}, {**ACTION, "title": str}),
    },
}
MUST_SAY_SOMETHING = frozenset({"text", "title", "inlines", "items", "actions", "choices", "body"})


def flaws(activity: Mapping[str, Any]) -> list[str]:
    """Of every card of the activity."""
    cards = [attached["content"] for attached in activity.get("attachments", [])]
    return [flaw for card in cards for flaw in (*_flaws("card", card), *_of_names(card))]


def things(found: Any) -> Iterator[Mapping[str, Any]]:
    """Everything in it that has a type, from the outside in."""
    if isinstance(found, Mapping):
        if "type" in found:
            yield found
        for value in found.values():
            yield from things(value)
    elif isinstance(found, list):
        for value in found:
            yield from things(value)


def _flaws(kind: str, thing: Mapping[str, Any]) -> Iterator[str]:
    name = str(thing.get("type", ""))
    if name not in KINDS[kind]:
        yield f"{name} is no {kind}"
        return
    required, optional = KINDS[kind][name]
    yield from (f"{name} without {field}" for field in required if field not in thing)
    rules = {**required, **optional}
    for field, value in thing.items():
        if field == "type":
            continue
        if field not in rules:
            yield f"{name} has no {field}"
            continue
        yield from _flaws_of_value(f"{name}.{field}", value, rules[field])
        if field in MUST_SAY_SOMETHING and not value:
            yield f"{name}.{field} is empty"


def _flaws_of_value(where: str, value: Any, rule: Rule) -> Iterator[str]:
    if isinstance(rule, frozenset):
        if value not in rule:
            yield f"{where} cannot be {value!r}"
    elif isinstance(rule, type):
        if not isinstance(value, rule):
            yield f"{where} is no {rule.__name__}"
    elif isinstance(rule, str):
        yield from _flaws(rule, value)
    elif isinstance(value, list):
        for each in value:
            yield from _flaws(rule[0], each)
    else:
        yield f"{where} is no list"


def _of_names(card: Mapping[str, Any]) -> Iterator[str]:
    """Every name is used once, and what is opened is there."""
    names = Counter(thing["id"] for thing in things(card["body"]) if "id" in thing)
    yield from (f"two are called {name}" for name, times in names.items() if times > 1)
    for thing in things(card["body"]):
        yield from (f"nothing is called {target}" for target in thing.get("targetElements", []) if target not in names)
