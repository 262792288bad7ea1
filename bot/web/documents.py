"""The page of one document, opened at the passage an answer stands on.

A document is hostile until proven otherwise: its HTML is shown as text, its images are not loaded, and only links
that a browser may safely open stay links.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from answerloop.db.repositories import documents
from answerloop.db.repositories.documents import DocumentView
from answerloop.db.session import Database
from answerloop.domain import Audience
from answerloop.errors import NotFound
from answerloop.ports import Directory
from answerloop.web.identity import CurrentAsker
from answerloop.web.pages import page
from bot.web.snapshots import web_url

MOST_CHARACTERS = 200_000
"""A longer document is shown around the passage only: a million characters of prose take 1.5 s, of brackets 30 s."""
LONGEST_MARK = 20_000
"""More than any passage has: the marked part comes from the address, so anybody can ask for a longer one."""
SKIP_TO_PASSAGE = '<a class="skip-link" href="#passage">Skip to the passage</a>'


class DocumentPages:
    """Who may read a document is asked anew for every request."""

    def __init__(self, database: Database, directory: Directory, tenant: str) -> None:
        self._database = database
        self._directory = directory
        self._tenant = tenant
        self._markdown = _markdown()

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/documents/{document_id}", self.document, response_class=HTMLResponse)
        return router

    def document(self, document_id: str, asker: CurrentAsker, start: str = "", end: str = "") -> HTMLResponse:
        audience = Audience.of(self._tenant, [self._directory.person(asker.id)])
        with self._database.reading() as session:
            found = documents.readable_document(session, document_id, audience)
        if found is None:
            raise NotFound("There is no such document, or it is not for you to read.")
        passage = _passage(start, end, len(found.text))
        return HTMLResponse(page(found.title, self._body(found, passage), script="document.js"))

    def _body(self, document: DocumentView, passage: tuple[int, int] | None) -> str:
        return (
            f'{SKIP_TO_PASSAGE if passage else ""}<header class="bar"><a href="/">answerloop</a>'
            f'<span aria-hidden="true">{escape(document.title)}</span></header>'
            f'<main class="sheet"><div class="heading"><h1>{escape(document.title)}</h1>{_facts(document)}</div>'
            f'<article class="prose">{self._content(document, passage)}</article></main>'
        )

    def _content(self, document: DocumentView, passage: tuple[int, int] | None) -> str:
        start, end = passage or (0, 0)
        first, last = max(0, start - MOST_CHARACTERS // 2), min(len(document.text), end + MOST_CHARACTERS // 2)
        before: str = self._markdown.render(document.text[first:start], {"title": document.title})
        after: str = self._markdown.render(document.text[end:last], {"title": "" if passage else document.title})
        marked: str = self._markdown.render(document.text[start:end], {"title": "" if before else document.title})
        return (
            ('<p class="cut">The beginning is left out here.</p>' if first else "")
            + before
            + (f'<mark id="passage" tabindex="-1">{marked}</mark>' if passage else "")
            + after
            + ('<p class="cut">The rest is left out here.</p>' if last < len(document.text) else "")
        )


def _passage(start: str, end: str, length: int) -> tuple[int, int] | None:
    """The offsets of a link, unless they are from an older and longer version of the document."""
    try:
        first, last = int(start), int(end)
    except ValueError:
        return None
    return (first, min(last, first + LONGEST_MARK)) if 0 <= first < last <= length else None


def _facts(document: DocumentView) -> str:
    facts = []
    if document.modified_at:
        day = document.modified_at.date()
        facts.append(f'<time datetime="{day.isoformat()}">Last modified {day.day} {day:%B %Y}</time>')
    if document.superseded:
        facts.append('<span class="warning">A newer document replaces this one</span>')
    original = web_url(document.url)
    if original:
        facts.append(f'<a href="{escape(original)}" rel="noopener noreferrer nofollow" target="_blank">Original</a>')
    return f'<p class="facts">{"".join(facts)}</p>' if facts else ""


class _Renderer(RendererHTML):
    """HTML of the tokens, with links and images made harmless."""

    def link_open(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        tokens[index].attrSet("rel", "noopener noreferrer nofollow")
        tokens[index].attrSet("target", "_blank")
        return self.renderToken(tokens, index, options, env)

    def image(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        return f'<span class="image">[Image: {escape(tokens[index].content or "without description")}]</span>'


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable(["table", "strikethrough"])
    markdown.validateLink = _is_safe_link  # type: ignore[method-assign]
    markdown.core.ruler.push("below_our_title", _below_our_title)
    return markdown


def _is_safe_link(url: str) -> bool:
    return url.lower().startswith(("http://", "https://", "mailto:"))


def _below_our_title(state: StateCore) -> None:
    """The page's own title is its `h1`: move the document's headings down, and drop its first if it says the same."""
    tokens = state.tokens
    first = tokens[1].content.strip() if [token.type for token in tokens[:2]] == ["heading_open", "inline"] else None
    if first is not None and first == state.env.get("title"):
        del tokens[:3]
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
