"""`answerloop migrate-index`: from the embedded index to Weaviate, and back, and what was left is dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from answerloop.cli.console import clear_errors, console, progress_bar
from answerloop.db.repositories import documents
from answerloop.exact_recognisers import ExactRecognisers
from answerloop.observability import configure_logging
from answerloop.settings import load_settings
from workers.indexing.migrate import IndexMigration, Moved
from workers.wiring import IndexKind, Workshop, drop_index

NEXT = {
    IndexKind.WEAVIATE: "Set ANSWERLOOP_WEAVIATE_URL={url} and its companions for every process, and restart them.",
    IndexKind.LANCEDB: "Take ANSWERLOOP_WEAVIATE_URL out of the settings of every process, and restart them.",
}
ONCE_MORE = (
    "Whatever is indexed until then goes to the old index alone: stop the index worker and run this once more before."
)
LEFT = "The old index keeps all it has, and no erasure reaches it: once nothing uses it any more, {command}."
DROPPED_BY = {
    IndexKind.WEAVIATE: "`answerloop migrate-index --drop lancedb`",
    IndexKind.LANCEDB: "`answerloop migrate-index --drop weaviate --at {url}`",
}


def migrate_index(
    to: Annotated[IndexKind | None, typer.Option(help="Where to; the settings of both must be there.")] = None,
    drop: Annotated[
        IndexKind | None, typer.Option(help="Instead: delete this index, which the settings use no more.")
    ] = None,
    at: Annotated[str, typer.Option(metavar="URL", help="With --drop weaviate: where it is.")] = "",
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a script.")] = False,
) -> None:
    """Copy the index to another backend, without embedding anything again; goes on where it was stopped."""
    if to is not None and drop is None and not at:
        _migrate(to, tenant, as_json=as_json)
    elif drop is not None and to is None and bool(at) == (drop is IndexKind.WEAVIATE):
        _drop(drop, at)
    else:
        raise typer.BadParameter("name --to, or --drop lancedb, or --drop weaviate with --at")


def _migrate(to: IndexKind, tenant: str | None, *, as_json: bool) -> None:
    with _workshop() as workshop:
        origin = IndexKind.LANCEDB if to is IndexKind.WEAVIATE else IndexKind.WEAVIATE
        source, target = workshop.index_in(origin), workshop.index_in(to)
        migration = IndexMigration(workshop.database, source, target)
        try:
            with workshop.database.reading() as session:
                tenants = [tenant] if tenant else documents.tenants(session)
            moved = []
            for each in tenants:
                with progress_bar(each) as progress:
                    moved.append(migration.run(each, progress))
        finally:
            source.close()
            target.close()
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in moved], indent=2))
        return
    console.print(_table(moved))
    for line in (NEXT[to], ONCE_MORE, LEFT.format(command=DROPPED_BY[to])):
        console.print(line.format(url=workshop.settings.weaviate_url), highlight=False, soft_wrap=True)


def _drop(kind: IndexKind, at: str) -> None:
    with _workshop() as workshop:
        dropped = drop_index(workshop, kind, at)
    console.print(f"Dropped: {dropped}.", highlight=False, soft_wrap=True)


@contextmanager
def _workshop() -> Iterator[Workshop]:
    with clear_errors():
        settings = load_settings()
        recognisers = ExactRecognisers(settings.masked_types, settings.redaction_regions)
        configure_logging("workers", "text", "WARNING", recognisers)
        workshop = Workshop(settings, "migrate-index")
        try:
            workshop.database.check()
            yield workshop
        finally:
            workshop.close()


def _table(moved: list[Moved]) -> Table:
    table = Table("tenant", "documents", "chunks", "copied", "already there", "left out", "checksum")
    for each in moved:
        figures = (each.documents, each.chunks, each.copied, each.kept, each.left_out)
        table.add_row(each.tenant, *map(str, figures), each.checksum)
    return table
