"""The pieces of Adaptive Cards, and what Teams would say against a card.

What people, documents and models say goes into text runs, which know no markup: nothing in it can link, mention or
format. Text blocks do, and hold our own sentences alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

Element = dict[str, Any]

VERSION = "1.5"
MOST_BYTES = 80_000
"""Of an activity as JSON: Teams takes about 100 KB and counts as UTF-16."""
MOST_URL = 1000
MOST_LINES = 60

_HIDDEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
"""Control characters, those that hide or turn around what is written, and halves of characters."""
_UNSEEN = re.compile(f"[{_HIDDEN}]")
_WEB_ADDRESS = re.compile(rf"https?://[^\s\\{_HIDDEN}]+", re.IGNORECASE)


def card(*body: Element | None) -> Element:
    return {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": VERSION,
        "body": [element for element in body if element],
    }


def attachment(content: Element) -> Element:
    return {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}


def seen(text: str) -> str:
    """What of it can be seen; never nothing."""
    shown = _UNSEEN.sub("", text)
    return shown if shown.strip() else "…"


def run(text: str, *, bold: bool = False, subtle: bool = False, url: str | None = None) -> Element:
    """Text as it is; a link where the address is one of the web."""
    shown: Element = {"type": "TextRun", "text": seen(text)}
    if bold:
        shown["weight"] = "Bolder"
    if subtle:
        shown["isSubtle"] = True
    if url and is_web_address(url):
        shown |= {"selectAction": {"type": "Action.OpenUrl", "url": url}, "color": "Accent", "underline": True}
    return shown


def line(*runs: Element, **layout: Any) -> Element:
    return {"type": "RichTextBlock", "inlines": list(runs), **layout}


def paragraphs(text: str) -> list[Element]:
    """One for each line, of which there is at least one; what comes after many lines stands in the last."""
    lines = [each.strip() for each in text.splitlines() if each.strip()] or [""]
    last = " ".join(lines[MOST_LINES - 1 :])
    return [line(run(each)) for each in (*lines[: MOST_LINES - 1], *([last] if last else []))]


def words(text: str, **layout: Any) -> Element:
    """A sentence of ours."""
    return {"type": "TextBlock", "text": text, "wrap": True, **layout}


def quote(text: str) -> Element:
    """What somebody wrote, set apart."""
    return {"type": "Container", "style": "emphasis", "items": [line(run(text))]}


def execute(title: str, verb: str, data: Element, **layout: Any) -> Element:
    return {"type": "Action.Execute", "title": title, "verb": verb, "data": data, **layout}


def ask(question: str) -> Element:
    """A button that writes this into the chat, as if the person had."""
    return {"type": "Action.Submit", "title": question, "data": {"msteams": {"type": "imBack", "value": question}}}


def toggle(title: str, target: str) -> Element:
    return {"type": "Action.ToggleVisibility", "title": title, "targetElements": [target]}


def actions(*elements: Element) -> Element:
    return {"type": "ActionSet", "actions": list(elements)}


def choice(name: str, options: Sequence[tuple[str, str]], *, value: str = "", multiple: bool = False,
           **layout: Any) -> Element:  # fmt: skip
    """`options` are pairs of what is read and what is sent."""
    return {
        "type": "Input.ChoiceSet",
        "id": name,
        "choices": [{"title": title, "value": sent} for title, sent in options],
        "value": value,
        "isMultiSelect": multiple,
        "wrap": True,
        **layout,
    }


def is_web_address(url: str) -> bool:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    return bool(host) and len(url) <= MOST_URL and _WEB_ADDRESS.fullmatch(url) is not None


def problems(activity: Element) -> list[str]:
    """Every limit that the activity breaks: its size, and elements without what they need."""
    size = len(json.dumps(activity, ensure_ascii=False).encode("utf-16-le"))
    found = [f"{size} bytes"] if size > MOST_BYTES else []
    for attached in activity.get("attachments", []):
        found.extend(_empty(attached["content"]["body"]))
    return found


def _empty(elements: Sequence[Element]) -> list[str]:
    found = []
    for element in elements:
        kind = element["type"]
        if kind == "RichTextBlock" and not any(run["text"] for run in element["inlines"]):
            found.append("a line without text")
        if kind == "TextBlock" and not element["text"]:
            found.append("a block without text")
        if kind == "ActionSet" and not element["actions"]:
            found.append("a row without buttons")
        found.extend(_empty(element.get("items", [])))
    return found
