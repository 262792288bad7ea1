"""An approved answer as people see it: its words made safe, each line with the documents that carry it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from answerloop.claims import carriers, source_sentences
from answerloop.db.repositories.curated import Ground
from answerloop.domain import CitedSource, Passage
from answerloop.text import content_words, numbers, plain
from workers.answering.credentials import without_credentials

_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n(?![ \t]*\n)[^\n]*)*")
_CITATION = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
NUMBER_WORTH = 3
"""Words that a shared number counts for: it seldom stands in a paragraph by chance."""


def shown(text: str, grounds: Sequence[Ground]) -> tuple[str, tuple[CitedSource, ...]]:
    """The text with a citation at the end of each line, and every document of it as a source: one that no line stands
    on is cited by the last one, since the answer was approved as standing on all of them."""
    sources = tuple(CitedSource(number, passage(ground, text), cited=True) for number, ground in enumerate(grounds, 1))
    lines = [line for line in map(_safe, text.splitlines()) if line]
    best = [max(range(len(grounds)), key=lambda at: (_carried(line, grounds[at].text), -at)) + 1 for line in lines]
    unused = [source.number for source in sources if source.number not in best]
    cited = [f"{line} [{number}]" for line, number in zip(lines, best, strict=True)]
    return "\n".join(cited) + "".join(f" [{number}]" for number in unused if cited), sources


def _safe(line: str) -> str:
    """As what a document says: no links, mentions, markup or secrets, and no citation of the writer's own numbering."""
    return _CITATION.sub("", without_credentials(plain(line))).strip()


def passage(ground: Ground, answer: str) -> Passage:
    """The paragraph of the document that carries the answer, with its best sentence to show."""
    spans = [match.span() for match in _PARAGRAPH.finditer(ground.text)] or [(0, len(ground.text))]
    start, end = max(spans, key=lambda span: (_carried(answer, ground.text[span[0] : span[1]]), -span[0]))
    text = ground.text[start:end]
    sentences = source_sentences([text])
    best = next(iter(carriers(answer, sentences)), "")
    return Passage(
        document_id=ground.document_id,
        chunk_id=f"{ground.document_id}-approved",
        title=ground.title,
        headings=(),
        text=text,
        start=start,
        end=end,
        url=ground.url,
        modified_at=ground.modified_at,
        score=1.0,
        bm25=0.0,
        cosine=0.0,
        excerpt=without_credentials(best),
    )


def _carried(said: str, text: str) -> float:
    """How much of what is said stands there; of two paragraphs with as much, the shorter one."""
    words = set(content_words(said)) & set(content_words(text))
    return len(words) + NUMBER_WORTH * len(numbers(said) & numbers(text)) - len(text) / 1_000_000
