"""Make the index say what a source says: new, changed and deleted documents, and who may read them.

The order of the writes keeps every moment safe. Before a document changes in the index, its row gets the new readers:
narrower rights hold at once through the check after the query, wider ones wait for the index. A row's fingerprint is
written last, so whatever was interrupted is done again by the next run.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from answerloop.db.repositories import documents, receipts
from answerloop.db.repositories.documents import SourceView
from answerloop.db.session import Database
from answerloop.db.tables import DocumentRow, now
from answerloop.errors import DocumentRejected, NotFound, Retryable
from answerloop.ports import DocumentIndex, Embedder
from workers.indexing.chunk import split
from workers.indexing.document import ExtractedDocument, leave_below
from workers.indexing.embed import Prepared, embed_documents
from workers.indexing.rest import Rest, at_rest, held, publish
from workers.indexing.sandbox import Extractor
from workers.indexing.sources import SourceItem, walk

log = logging.getLogger(__name__)

BATCH_CHUNKS = 64
LEASE = timedelta(minutes=5)
OLD_VERSIONS = timedelta(minutes=11)
"""So long an index may keep what it was before, for a search that is under way."""

Progress = Callable[[int, int, str], None]
"""Called with documents done, documents in all, and the key in hand."""


def _silent(done: int, total: int, key: str) -> None:
    pass


@dataclass(slots=True)
class SyncReport:
    """What one run did, in documents, and each file it left out with the reason."""

    indexed: int = 0
    unchanged: int = 0
    access_changed: int = 0
    deleted: int = 0
    chunks: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    busy: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A document on its way into the index."""

    document: Prepared
    tenant: str
    fingerprint: str
    content_hash: str


class Indexer:
    def __init__(
        self,
        database: Database,
        index: DocumentIndex,
        embedder: Embedder,
        *,
        chunk_tokens: int,
        max_document_bytes: int,
    ) -> None:
        self._database = database
        self._index = index
        self._embedder = embedder
        self._chunk_tokens = chunk_tokens
        self._max_document_bytes = max_document_bytes

    def register(
        self,
        location: Path,
        tenant: str,
        allow: Sequence[str],
        trusted: bool | None = None,
        may_leave: bool | None = None,
    ) -> str:
        """The id of the source. Raises NotFound for a path that is not there."""
        if not location.exists():
            raise NotFound(f"{location}: there is no such file or folder.")
        with self._database.writing() as session:
            return documents.register_source(session, tenant, str(location.resolve()), allow, trusted, may_leave)

    def sync_all(self) -> None:
        with self._database.reading() as session:
            sources = documents.sources(session)
        for source in sources:
            try:
                self.sync(source.id)
            except Exception:  # the next source must be read all the same, its deletions above all
                log.exception("sync failed", extra={"source_id": source.id})

    def forget(self, receipt_id: str) -> None:
        """Take erased documents out of the index. One that is in its source still comes back with the next sync.

        What is being written at this moment may hold them still: then the receipt waits for the next time.
        """
        with self._database.reading() as session:
            forgotten = receipts.documents_to_forget(session, receipt_id)
            written_to = documents.is_source_held(session)
        for tenant, document_id in forgotten:
            self._index.replace_documents(tenant, {document_id: []})
            self._index.refresh(tenant)
            if not written_to:
                with self._database.writing() as session:
                    receipts.document_forgotten(session, receipt_id, document_id, OLD_VERSIONS)

    def rebuild(self, tenant: str, progress: Progress | None = None) -> int:
        """Write the tenant's whole index anew beside the live one, then switch; returns the number of documents.

        Needed after a change of the embedder or of the chunks. Works from the stored texts, so no source is read.
        Raises IndexUnavailable while a source is being synced: its changes would be lost with the old generation.
        """
        with at_rest(self._database, "the rebuild") as rest:
            return self._rebuild(tenant, progress or _silent, rest)

    def _rebuild(self, tenant: str, progress: Progress, rest: Rest) -> int:
        generation = self._index.begin_rebuild(tenant)
        with self._database.reading() as session:
            ids = documents.ids_of_tenant(session, tenant)
        for done, document_id in enumerate(ids):
            progress(done, len(ids), document_id)
            rest.require()
            with self._database.reading() as session:
                row = documents.with_texts(session, [document_id]).get(document_id)
            if row is None:  # erased meanwhile
                continue
            pieces = split(row.text, row.title, self._embedder.count_tokens, self._chunk_tokens)
            prepared = Prepared(
                row.id, row.title, row.url, row.modified_at, row.version, row.reader_set_id, row.superseded, pieces
            )
            generation.replace_documents(tenant, embed_documents(self._embedder, [prepared]))
        generation.refresh(tenant)
        publish(self._database, self._index, generation, tenant, ids, rest)
        progress(len(ids), len(ids), "")
        return len(ids)

    def sync(self, source_id: str, progress: Progress | None = None) -> SyncReport:
        """One run over one source; does nothing while another process is at it."""
        with held(self._database, source_id, LEASE) as is_ours:
            if not is_ours:
                return SyncReport(busy=True)
            with self._database.reading() as session:
                source = documents.source(session, source_id)
            if source is None:
                return SyncReport(busy=True)
            report = _Run(self, source, progress or _silent).run()
            with self._database.writing() as session:
                documents.synced(session, source_id, report.as_dict())
            return report


class _Run:
    """The state of one run."""

    def __init__(self, indexer: Indexer, source: SourceView, progress: Progress) -> None:
        self._indexer = indexer
        self._database = indexer._database
        self._index = indexer._index
        self._embedder = indexer._embedder
        self._source = source
        self._progress = progress
        self._report = SyncReport()
        self._tenants: set[str] = set()
        self._waiting: list[_Waiting] = []
        self._accepted: set[tuple[str, str]] = set()
        self._extractor = Extractor(indexer._max_document_bytes)

    def run(self) -> SyncReport:
        try:
            source = self._source
            items = list(walk(Path(source.location), source.allow, source.trusted, source.may_leave))
        except DocumentRejected as error:
            self._report.rejected[self._source.location] = str(error)
            log.warning("source unreadable, its documents stay", extra={"location": self._source.location})
            return self._report
        with self._database.reading() as session:
            known = documents.of_source(session, self._source.id)
        with self._extractor:
            for done, item in enumerate(items):
                self._progress(done, len(items), item.key)
                self._take(item, known.get(self._place(item)))
                if sum(len(waiting.document.pieces) for waiting in self._waiting) >= BATCH_CHUNKS:
                    self._flush()
        self._flush()
        self._delete_missing(items, known)
        self._mark_superseded()
        for tenant in self._tenants:
            self._index.refresh(tenant)
        self._progress(len(items), len(items), "")
        log.info("source synced", extra={"location": self._source.location, **_counts(self._report)})
        return self._report

    def _take(self, item: SourceItem, row: DocumentRow | None) -> None:
        if item.skipped:
            self._report.skipped[item.key] = item.skipped
        elif row is not None and item.fingerprint and row.fingerprint == item.fingerprint:
            self._report.unchanged += 1
            self._accepted.add(self._place(item))
        else:
            try:
                document = self._extractor.read(item)
                self._prepare(item, row, document)
                self._accepted.add(self._place(item))
            except DocumentRejected as error:
                self._report.rejected[item.key] = str(error)
            except Retryable:
                raise
            except Exception:  # one document must not stop the others
                log.exception("document failed", extra={"source_id": self._source.id})
                self._report.rejected[item.key] = "it could not be indexed; the log has the reason"

    def _place(self, item: SourceItem) -> tuple[str, str]:
        return item.tenant or self._source.tenant, item.key

    def _prepare(self, item: SourceItem, row: DocumentRow | None, document: ExtractedDocument) -> None:
        tenant = item.tenant or self._source.tenant
        allow = document.allow if document.allow is not None else item.allow
        content_hash = _content_hash(document, self._embedder.name, self._indexer._chunk_tokens)
        same_content = row is not None and row.content_hash == content_hash and row.fingerprint != ""
        self._tenants.add(tenant)
        with self._database.writing() as session:
            reader_set = documents.reader_set(session, tenant, allow)
            stored = session.get(DocumentRow, row.id) if row else None
            if stored is None:
                stored = DocumentRow(source_id=self._source.id, key=item.key, tenant=tenant, reader_set_id=reader_set)
                session.add(stored)
            stored.reader_set_id, stored.fingerprint = reader_set, ""
            stored.trusted = item.trusted and document.trusted
            stored.may_leave = _may_leave(item, document)
            stored.sensitivity = document.sensitivity
            stored.title, stored.text, stored.supersedes = document.title, document.text, document.supersedes
            stored.url, stored.version, stored.modified_at = document.url, document.version, document.modified_at
            session.flush()
            row_id, superseded = stored.id, bool(stored.superseded)
        if same_content:
            self._index.update_access(tenant, row_id, reader_set=reader_set, superseded=superseded)
            self._settle(row_id, item.fingerprint, content_hash)
            self._report.access_changed += 1
            return
        prepared = Prepared(
            id=row_id,
            title=document.title,
            url=document.url,
            modified_at=document.modified_at,
            version=document.version,
            reader_set=reader_set,
            superseded=superseded,
            pieces=split(document.text, document.title, self._embedder.count_tokens, self._indexer._chunk_tokens),
        )
        self._waiting.append(_Waiting(prepared, tenant, item.fingerprint, content_hash))

    def _flush(self) -> None:
        """Embed and store what is waiting, one commit of the index for each tenant."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        chunks = embed_documents(self._embedder, [entry.document for entry in waiting])
        for tenant in {entry.tenant for entry in waiting}:
            own = [entry.document.id for entry in waiting if entry.tenant == tenant]
            self._index.replace_documents(tenant, {document_id: chunks[document_id] for document_id in own})
        for entry in waiting:
            self._settle(entry.document.id, entry.fingerprint, entry.content_hash, len(chunks[entry.document.id]))
        self._report.indexed += len(waiting)
        self._report.chunks += sum(map(len, chunks.values()))

    def _settle(self, row_id: str, fingerprint: str, content_hash: str, chunks: int | None = None) -> None:
        counted = {} if chunks is None else {"chunks": chunks}
        self._change(row_id, fingerprint=fingerprint, content_hash=content_hash, indexed_at=now(), **counted)

    def _change(self, row_id: str, **values: Any) -> None:
        """Nothing where it was erased meanwhile: `Indexer.forget` takes its chunks out after this run."""
        with self._database.writing() as session:
            documents.change(session, row_id, values)

    def _delete_missing(self, items: Iterable[SourceItem], known: dict[tuple[str, str], DocumentRow]) -> None:
        """Whatever the source no longer offers leaves the index, also a file that can no longer be read."""
        unlisted = tuple(item.key for item in items if item.rejected and item.key.endswith("/"))
        gone = [row for place, row in known.items() if place not in self._accepted and not row.key.startswith(unlisted)]
        for row in gone:
            self._change(row.id, fingerprint="")  # should the file come back before the row is gone
            self._index.replace_documents(row.tenant, {row.id: []})
            with self._database.writing() as session:
                if (stored := session.get(DocumentRow, row.id)) is not None:
                    session.delete(stored)
            self._tenants.add(row.tenant)
        self._report.deleted = len(gone)

    def _mark_superseded(self) -> None:
        with self._database.reading() as session:
            rows = documents.of_source(session, self._source.id)
        replaced = {place for row in rows.values() if (place := self._replaced_by(row, rows)) is not None}
        for place, row in rows.items():
            if row.superseded != (place in replaced):
                superseded = not row.superseded
                self._index.update_access(row.tenant, row.id, reader_set=row.reader_set_id, superseded=superseded)
                self._change(row.id, superseded=superseded)
                self._tenants.add(row.tenant)

    def _replaced_by(self, row: DocumentRow, rows: dict[tuple[str, str], DocumentRow]) -> tuple[str, str] | None:
        """The place of the document that this one supersedes for everybody who may read the old one."""
        place = (row.tenant, row.supersedes or "")
        old = rows.get(place)
        if old is None or old.id == row.id:
            return None
        if not set(old.reader_set.groups) <= set(row.reader_set.groups):
            self._report.notes[row.key] = f"does not hide {old.key}: not all of its readers may read this one"
            return None
        return place


def _may_leave(item: SourceItem, document: ExtractedDocument) -> bool:
    """A document may say of itself that it stays; that it may leave, only where the company alone writes it."""
    own = document.may_leave
    trusted = item.trusted and document.trusted
    return leave_below(item.may_leave, own if own is False or trusted else None) is True


def _content_hash(document: ExtractedDocument, embedder: str, chunk_tokens: int) -> str:
    """Changes with what a chunk in the index says, not with who may read it, nor with a mere touch of the file."""
    parts = (
        document.title,
        document.text,
        document.url,
        document.version,
        embedder,
        chunk_tokens,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _counts(report: SyncReport) -> dict[str, int]:
    counts = {name: value for name, value in report.as_dict().items() if isinstance(value, int)}
    return {**counts, "skipped": len(report.skipped), "rejected": len(report.rejected)}
