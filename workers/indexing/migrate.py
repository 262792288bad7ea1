"""Copies an index into another backend, without embedding anything again.

It is written to a fresh generation, compared document by document with what was read, and published at the end: both
indices answer meanwhile. A run that was killed goes on where it was: what stands there and is right is not copied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from answerloop.checksums import checksum
from answerloop.db.repositories import documents
from answerloop.db.session import Database
from answerloop.db.tables import DocumentRow
from answerloop.domain import Chunk
from answerloop.errors import ConfigurationError, IndexMismatch, IndexUnavailable
from answerloop.ports import DocumentIndex
from workers.indexing.rest import at_rest

COPIED_AT_ONCE = 50
NAMED = 3

Progress = Callable[[int, int, str], None]
"""Called with documents done, documents in all, and the document in hand."""


@dataclass(slots=True)
class Moved:
    """What one run did for a tenant, in documents; `checksum` is over all that the new index holds."""

    tenant: str
    documents: int = 0
    chunks: int = 0
    copied: int = 0
    kept: int = 0
    left_out: int = 0
    checksum: str = ""


@dataclass(slots=True)
class _Read:
    """What the source holds: checksums by document, and what is not as the database says."""

    sums: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class IndexMigration:
    def __init__(self, database: Database, source: DocumentIndex, target: DocumentIndex) -> None:
        self._database = database
        self._source = source
        self._target = target

    def run(self, tenant: str, progress: Progress) -> Moved:
        """Nothing is indexed meanwhile. Raises IndexMismatch when another embedder filled the source,
        ConfigurationError when it is not what the database lists, IndexUnavailable when the copy is not what was read.
        """
        with at_rest(self._database, "`answerloop migrate-index`"):
            generation, there = self._begun(tenant)
            moved = Moved(tenant)
            read = self._copy(tenant, generation, there, moved, progress)
            self._check(tenant, read)
            self._forget(tenant, generation, [document for document in there if document not in read.sums])
            generation.refresh(tenant)
            self._compare(read.sums, _sums(generation, tenant))
            generation.publish(tenant)
        moved.documents = len(read.sums)
        moved.checksum = hashlib.sha256(repr(sorted(read.sums.items())).encode()).hexdigest()[:16]
        return moved

    def _begun(self, tenant: str) -> tuple[DocumentIndex, Mapping[str, str]]:
        """Where to write, and what an earlier run has written there."""
        generation = self._target.begin_rebuild(tenant, resume=True)
        try:
            return generation, _sums(generation, tenant)
        except IndexMismatch:  # left by a rebuild for another embedder
            return self._target.begin_rebuild(tenant), {}

    def _copy(
        self,
        tenant: str,
        generation: DocumentIndex,
        there: Mapping[str, str],
        moved: Moved,
        progress: Progress,
    ) -> _Read:
        read = _Read()
        with self._database.reading() as session:
            total = documents.count(session, tenant)
        exported = self._source.export(tenant)
        while part := dict(islice(exported, COPIED_AT_ONCE)):
            known = self._known(part, read, moved)
            sums = {document: checksum(chunks) for document, chunks in known.items()}
            fresh = {document: known[document] for document, said in sums.items() if there.get(document) != said}
            if fresh:
                generation.replace_documents(tenant, fresh)
            read.sums |= sums
            moved.copied += len(fresh)
            moved.kept += len(known) - len(fresh)
            moved.chunks += sum(map(len, known.values()))
            progress(len(read.sums), max(total, len(read.sums)), next(iter(part)))
        return read

    def _known(self, part: Mapping[str, Sequence[Chunk]], read: _Read, moved: Moved) -> dict[str, Sequence[Chunk]]:
        """Those that the database lists; what it has forgotten does not come along."""
        with self._database.reading() as session:
            rows = documents.with_texts(session, list(part))
            read.wrong += [rows[document].title for document in rows if not _as_listed(rows[document], part[document])]
        moved.left_out += len(part) - len(rows)
        return {document: chunks for document, chunks in part.items() if document in rows}

    def _check(self, tenant: str, read: _Read) -> None:
        with self._database.reading() as session:
            missing = documents.indexed(session, tenant) - read.sums.keys()
            wrong = read.wrong + [row.title for row in documents.with_texts(session, sorted(missing)[:NAMED]).values()]
        count = len(read.wrong) + len(missing)
        if count:
            raise ConfigurationError(
                f"{count} documents do not stand in the old index as the database lists them ({_named(wrong)}): it "
                "is not the one that serves, or it is damaged. Let `answerloop ingest` come to its end, then try again."
            )

    def _forget(self, tenant: str, generation: DocumentIndex, gone: Sequence[str]) -> None:
        if gone:
            generation.replace_documents(tenant, {document: [] for document in gone})

    def _compare(self, wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
        wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        if wrong:
            raise IndexUnavailable(
                f"{len(wrong)} documents do not stand in the new index as they were read ({_named(wrong)}); nothing "
                "was switched. The next run copies them once more."
            )


def _sums(index: DocumentIndex, tenant: str) -> dict[str, str]:
    exported: Iterator[tuple[str, Sequence[Chunk]]] = index.export(tenant)
    return {document: checksum(chunks) for document, chunks in exported}


def _as_listed(row: DocumentRow, chunks: Sequence[Chunk]) -> bool:
    return all(
        chunk.text == row.text[chunk.start : chunk.end]
        and chunk.reader_set == row.reader_set_id
        and chunk.superseded == row.superseded
        for chunk in chunks
    )


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
