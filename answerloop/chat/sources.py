"""Where a source can be read from inside a chat."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from answerloop.domain import CitedSource


def source_url(public_url: str, source: CitedSource) -> str | None:
    """The document's own web address, else its page in the web chat, where people can reach that."""
    passage = source.passage
    if passage.url and passage.url.startswith(("https://", "http://")):
        return passage.url
    if not public_url:
        return None
    place = urlencode({"start": passage.start, "end": passage.end})
    return f"{public_url.rstrip('/')}/documents/{quote(passage.document_id)}?{place}#passage"
