"""`answerloop export-state | import-state | backup`: an installation as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerloop.cli.console import clear_errors, console, progress_bar
from answerloop.cli.erase import erase_again
from answerloop.db import departure
from answerloop.db.session import Database
from answerloop.moving import erasures
from answerloop.moving.archive import Manifest
from answerloop.moving.arriving import Arrived
from answerloop.moving.arriving import import_state as arrive
from answerloop.moving.leaving import export_state as leave
from answerloop.settings import load_settings

NEW_FILE = typer.Argument(metavar="FILE", help="The archive to write; it holds personal data and keys.")


def export_state(
    file: Annotated[Path | None, NEW_FILE] = None,
    live: Annotated[bool, typer.Option("--live", help="While everything runs, and it goes on here: a backup.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Go on here, although the state was exported.")] = False,
) -> None:
    """Write everything that must not be lost into one file, to go on elsewhere; nothing starts here any more."""
    if (file is None) != undo:
        raise typer.BadParameter("name a file, or --undo")
    if file is not None:
        _export(file, live=live)
        return
    with clear_errors():
        database = Database(load_settings().effective_database_url)
        with database.writing() as session:
            had_left = departure.stay(session)
        database.dispose()
    _say("This installation goes on here." if had_left else "This installation was not exported.")


def backup(file: Annotated[Path, NEW_FILE]) -> None:
    """Write everything that must not be lost into one file, whether or not anything runs."""
    _export(file, live=True)


def import_state(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An archive of `export-state` or `backup`.")],
    source: Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="Where a source is now; once for each that has moved.")
    ] = None,
    erased: Annotated[
        Path | None,
        typer.Option(
            "--erasures", exists=True, dir_okay=False, help="A newer erasures.jsonl: what it tells of is erased again."
        ),
    ] = None,
) -> None:
    """Fill an empty installation with the state of another one: everything, or nothing."""
    moved = dict(_moved(each) for each in source or [])
    with clear_errors():
        settings = load_settings()
        told = erasures.read(erased) if erased else []
        database = Database(settings.effective_database_url)
        with progress_bar("importing") as progress:
            arrived = arrive(settings, database, file, progress, moved, to_erase_again=erased is not None)
        _say(f"Imported: {_summary(arrived.manifest)}.")
        if erased:
            _say(f"Erasing again; should that be cut short, nothing starts until `answerloop erase --again {erased}`.")
            erase_again(settings, database, told)
        database.dispose()
    _tell(arrived, was_told=erased is not None)


def _export(file: Path, *, live: bool) -> None:
    with clear_errors():
        settings = load_settings()
        database = Database(settings.effective_database_url)
        with progress_bar("exporting") as progress:
            manifest = leave(settings, database, file, progress, live=live)
        database.dispose()
    _say(f"{file}: {_summary(manifest)}. It holds personal data and keys: keep it as the database itself.")
    if not live:
        _say("Nothing starts here any more; to go on here after all: `answerloop export-state --undo`.")


def _moved(pair: str) -> tuple[str, str]:
    old, separator, new = pair.partition("=")
    if not (old and separator and new):
        raise typer.BadParameter(f"{pair!r} is not OLD=NEW")
    return old, str(Path(new).resolve())


def _tell(arrived: Arrived, *, was_told: bool) -> None:
    if arrived.replaced:
        _say(f"{arrived.replaced} texts had a NUL, which this database cannot hold: it is U+FFFD now.")
    for location in arrived.unreachable:
        _say(f"The source {location} is not here: put it there, or import with --source {location}=…")
    for tenant in arrived.tenants:
        _say(f"Next: `answerloop ingest --rebuild --tenant {tenant}` writes its index, then start.")
    if arrived.manifest.live and not was_told:
        made = f"{arrived.manifest.created_at:%Y-%m-%d %H:%M} UTC"
        _say(f"This is a backup of {made}: what was erased since is here again.")
        _say("Erase it again: `answerloop erase --again FILE`, with the newest erasures.jsonl that there is.")


def _summary(manifest: Manifest) -> str:
    return f"{manifest.rows:,} rows of {len(manifest.tables)} tables and {len(manifest.files)} files"


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
