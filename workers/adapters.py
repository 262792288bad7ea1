"""`python -m workers adapters …`, or by itself, which starts sooner: which adapters there are, and who speaks."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from answerloop.cli.console import clear_errors, console
from answerloop.db.repositories import adapters
from answerloop.db.session import Database
from answerloop.domain import Serving
from answerloop.errors import NotFound
from answerloop.exact_recognisers import ExactRecognisers
from answerloop.observability import configure_logging
from answerloop.ports import AdapterStore
from answerloop.settings import load_settings
from workers.training import wiring
from workers.training.promote import Promotion

app = typer.Typer(no_args_is_help=True, help="See who speaks; promote an adapter, or roll it back.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """All adapters that were trained here, the latest first."""
    with clear_errors():
        database, _, promotion = _parts()
        serving = promotion.settle()
        with database.reading() as session:
            found = adapters.everyone(session)
        database.dispose()
    if as_json:
        typer.echo(json.dumps({"serving": _plain(serving), "adapters": [_row(each) for each in found]}, indent=2))
        return
    table = Table("adapter", "state", "tainted", "trained")
    for each in found:
        table.add_row(each.name, each.state.value, each.tainted_because or "", f"{each.created_at:%Y-%m-%d %H:%M}")
    console.print(table)
    _say(serving)


@app.command()
def show(name: Annotated[str, typer.Argument(help="The adapter.")]) -> None:
    """One adapter as JSON: where it comes from, the hashes of its files, how it fared as a canary."""
    with clear_errors():
        database, store, _ = _parts()
        with database.reading() as session:
            found = adapters.get(session, name)
        if found is None:
            raise NotFound(f"There is no adapter {name}.")
        files = dict(store.manifest(name).files) if name in store.names() else {}
        database.dispose()
    typer.echo(json.dumps({**_row(found), "files": files}, indent=2))


@app.command()
def promote(name: Annotated[str, typer.Argument(help="The adapter that everybody shall hear.")]) -> None:
    """Make an adapter live at once; the workers hear of it within a second."""
    with clear_errors():
        database, _, promotion = _parts()
        serving = promotion.promote(name)
        database.dispose()
    _say(serving)


@app.command()
def rollback(
    name: Annotated[str | None, typer.Argument(help="None: the canary or, where none runs, the live one.")] = None,
) -> None:
    """Silence an adapter; the one before speaks again, or the configured generator. It takes effect within seconds."""
    with clear_errors():
        database, _, promotion = _parts()
        serving = promotion.rollback(name)
        database.dispose()
    _say(serving)


def _parts() -> tuple[Database, AdapterStore, Promotion]:
    settings = load_settings()
    recognisers = ExactRecognisers(settings.masked_types, settings.redaction_regions)
    configure_logging("workers", "text", "WARNING", recognisers)
    database = Database(settings.effective_database_url)
    return database, wiring.adapter_store(settings), wiring.promotion(settings, database)


def _say(serving: Serving) -> None:
    console.print(f"Live: {serving.live or 'none, the configured generator speaks'}.", highlight=False, soft_wrap=True)
    if serving.canary:
        console.print(
            f"Canary: {serving.canary}, for {serving.canary_share:.0%} of the conversations.", highlight=False
        )


def _plain(serving: Serving) -> dict[str, Any]:
    return {
        "live": serving.live,
        "canary": serving.canary,
        "canary_share": serving.canary_share,
        "previous": serving.previous,
        "number": serving.number,
        "since": serving.since.isoformat() if serving.since else None,
    }


def _row(adapter: adapters.Adapter) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "state": adapter.state.value,
        "run": adapter.run,
        "dataset": adapter.dataset,
        "base_model": adapter.base_model,
        "tainted_because": adapter.tainted_because,
        "watch": dict(adapter.watch),
        "created_at": adapter.created_at.isoformat(),
    }


if __name__ == "__main__":
    app(prog_name="answerloop adapters")
