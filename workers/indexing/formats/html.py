"""HTML without its navigation and footer, as Markdown."""

from __future__ import annotations

import re
from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING

from answerloop.errors import DocumentRejected
from workers.indexing.document import ExtractedDocument, moment, one_line
from workers.indexing.formats.tables import with_headers

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_UPDATED = ("article:modified_time", "last-modified", "dcterms.modified", "dc.date.modified", "updated", "date")
_SITE_NAME = re.compile(r"\s+[|\u2013\u2014·»]\s+[^|\u2013\u2014·»]+$")


def read(data: bytes) -> ExtractedDocument:
    # imported here: trafilatura takes 0.4 s and 40 MB, for processes that may never see a web page
    import trafilatura  # noqa: PLC0415
    from trafilatura.settings import DEFAULT_CONFIG  # noqa: PLC0415
    from trafilatura.utils import load_html  # noqa: PLC0415

    page = load_html(data)
    if page is None:
        raise DocumentRejected("not an HTML page")
    title, url, updated = _title(page), _canonical(page), _updated(page)
    _give_it_a_body(page)
    config = deepcopy(DEFAULT_CONFIG)
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", "0")  # shorter pages would come as bare words, navigation included
    text = trafilatura.extract(
        page,
        output_format="markdown",
        include_comments=False,
        include_images=False,
        favor_recall=True,
        fast=True,  # no second opinion of other extractors: they lose headings and tables
        prune_xpath=["//nav", "//footer", "//*[@role='navigation']", "//*[@hidden]"],
        config=config,
    )
    if not text:
        raise DocumentRejected("no words in it")
    return ExtractedDocument(title=title, text=with_headers(text), url=url, modified_at=updated)


def _give_it_a_body(page: HtmlElement) -> None:
    """In a page without any sections, as editors export it, headings are only kept inside an article."""
    if page.xpath("//main | //article | //div | //section"):
        return
    for body in page.xpath("//body"):
        article = body.makeelement("article")
        article.text, body.text = body.text, None
        article.extend(list(body))
        body.append(article)


def _title(page: HtmlElement) -> str:
    headings = [one_line(heading.text_content()) for heading in page.xpath("//h1")]
    if len(headings) == 1 and headings[0]:
        return headings[0]
    return _SITE_NAME.sub("", one_line(page.findtext(".//title") or ""))


def _canonical(page: HtmlElement) -> str | None:
    links = page.xpath("//link[translate(@rel, 'CANONIL', 'canonil')='canonical']/@href")
    return next((str(link).strip() for link in links if str(link).strip().startswith(("https://", "http://"))), None)


def _updated(page: HtmlElement) -> datetime | None:
    said = {
        (meta.get("property") or meta.get("name") or meta.get("http-equiv") or "").lower(): meta.get("content") or ""
        for meta in page.xpath("//meta")
    }
    return next((found for name in _UPDATED if (found := moment(said.get(name, "")))), None)
