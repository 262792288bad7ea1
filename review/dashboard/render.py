"""HTML out of templates. Whatever a template is given is escaped; what people and documents wrote loses its links."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from review.dashboard import charts
from review.dashboard.access import Viewer

MINUTE, HOUR, DAY = 60, 3600, 86400
TEMPLATES = Path(__file__).parent / "templates"
WORDS = {
    "sample": "drawn by lot",
    "out": "in Label Studio",
    "thumb_down": "not helpful",
    "thumb_up": "helpful",
    "human": "asked for a person",
    "suggestion": "better answer suggested",
    "canary": "new adapter",
    "partly_grounded": "partly",
    "not_grounded": "no",
    "grounded": "yes",
    "needs_second": "second person needed",
    "general": "general",
    "up": "helpful",
    "down": "not helpful",
    "missing": "document named by a reviewer",
    "unanswered": "not answered",
    "uncertain": "uncertain",
}


class Renderer:
    def __init__(self, assistant_url: str) -> None:
        self._assistant_url = assistant_url
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._environment.filters |= {
            "percent": charts.percent,
            "duration": duration,
            "ago": ago,
            "words": words,
            "points": lambda share: f"{100 * share:+.1f}".replace("-", "−"),
            "total_of": lambda counts: counts.total(),
            "prose": _Prose(),
            "when": lambda moment: f"{moment.day} {moment:%b %Y, %H:%M}",
            "date": lambda moment: f"{moment.day} {moment:%b %Y}",
        }

    def page(self, name: str, viewer: Viewer, values: Mapping[str, Any]) -> HTMLResponse:
        template = self._environment.get_template(f"{name}.html")
        return HTMLResponse(
            template.render(here=name, viewer=viewer, assistant_url=self._assistant_url, now=_now(), **values)
        )


class _Prose:
    """Markdown as HTML, without HTML of its own, links or images."""

    def __init__(self) -> None:
        self._markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
        self._markdown.disable(["link", "image", "autolink", "reference"])

    def __call__(self, text: str) -> Markup:
        return Markup(self._markdown.render(text))  # noqa: S704 - the renderer has escaped it


def duration(seconds: float | None) -> str:
    """In the unit that people would say it in."""
    if seconds is None:
        return "–"
    if seconds < 0.9995:  # noqa: PLR2004
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.0f} h" if seconds < 2 * DAY else f"{seconds / DAY:.0f} days"


def ago(moment: datetime | None) -> str:
    if moment is None:
        return "–"
    seconds = (_now() - moment).total_seconds()
    return "just now" if seconds < MINUTE else f"{duration(seconds)} ago"


def words(value: str) -> str:
    """The words of the domain as people say them."""
    return WORDS.get(value, value.replace("_", " "))


def _now() -> datetime:
    return datetime.now(UTC)
