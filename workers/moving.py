"""`answerloop migrate-index`: from the embedded index to Weaviate, and back."""

from __future__ import annotations

import json
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
from workers.wiring import IndexKind, Workshop

NEXT = {
    IndexKind.WEAVIATE: "Set ANSWERLOOP_WEAVIATE_URL={url} and its companions for every process, and restart them.",
    IndexKind.LANCEDB: "Take ANSWERLOOP_WEAVIATE_URL out of the settings of every process, and restart them.",
}
ONCE_MORE = (
    "Whatever is indexed until then goes to the old index alone: stop the index worker and run this once more before."
)


def migrate_index(
    to: Annotated[IndexKind, typer.Option(help="Where to; the settings of both must be there.")],
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a script.")] = False,
) -> None:
    """Copy the index to another backend, without embedding anything again; goes on where it was stopped."""
    with clear_errors():
        settings = load_settings()
        recognisers = ExactRecognisers(settings.masked_types, settings.redaction_regions)
        configure_logging("workers", "text", "WARNING", recognisers)
        workshop = Workshop(settings, "migrate-index")
        workshop.database.check()
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
            workshop.close()
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in moved], indent=2))
        return
    console.print(_table(moved))
    for line in (NEXT[to].format(url=settings.weaviate_url), ONCE_MORE):
        console.print(line, highlight=False, soft_wrap=True)


def _table(moved: list[Moved]) -> Table:
    table = Table("tenant", "documents", "chunks", "copied", "already there", "left out", "checksum")
    for each in moved:
        figures = (each.documents, each.chunks, each.copied, each.kept, each.left_out)
        table.add_row(each.tenant, *map(str, figures), each.checksum)
    return table
