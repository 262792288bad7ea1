"""`answerloop erase`: what is known of a person or of a document goes, and a receipt says so."""

from __future__ import annotations

import getpass
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from answerloop.cli.console import EXIT_INCOMPLETE, clear_errors, console
from answerloop.db import departure
from answerloop.db.eraser import Eraser
from answerloop.db.repositories import receipts
from answerloop.db.repositories.receipts import Receipt
from answerloop.db.session import Database
from answerloop.errors import NotFound
from answerloop.moving import erasures
from answerloop.secrets import key_of
from answerloop.settings import Settings, load_settings

WAITING = {
    receipts.CHATS: "messages in chats are taken away",
    receipts.TASKS: "tasks of reviewers are taken away",
    receipts.INDEX: "chunks are taken out of the index; a document that is in its source still comes back with it",
    receipts.LOGS: "lines of logs are blanked",
    receipts.DATASETS: "files that adapters were trained on are deleted",
    receipts.JOURNAL: "the database's journal is emptied",
}


def erase(
    person: Annotated[str | None, typer.Option(metavar="ID", help="A person, as a channel names them.")] = None,
    document: Annotated[str | None, typer.Option(metavar="ID", help="A document and what was said from it.")] = None,
    receipt: Annotated[str | None, typer.Option(metavar="ID", help="Only look how far an erasure is.")] = None,
    again: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="After a restore: all that this erasures.jsonl tells of."
        ),
    ] = None,
) -> None:
    """Erase what is known of a person or of a document. Exit code 6 while something of it is still under way."""
    if len([given for given in (person, document, receipt, again) if given]) != 1:
        raise typer.BadParameter("name a --person, a --document, a --receipt or a list for --again")
    with clear_errors():
        settings = load_settings()
        database = Database(settings.effective_database_url)
        database.check(to_erase_again=again is not None)
        if again:
            erase_again(settings, database, erasures.read(again))
            database.dispose()
            return
        eraser = _eraser(settings, database)
        if receipt:
            eraser.finish()
            with database.reading() as session:
                found = receipts.get(session, receipt)
            if found is None:
                raise NotFound("There is no such receipt.")
        elif person:
            found = eraser.person(person, getpass.getuser())
        else:
            found = eraser.document(str(document), getpass.getuser())
        erasures.note(settings.state.erasures, database, key_of(settings.state.receipt_key))
        database.dispose()
    _print(found)
    if found.unfinished:
        raise typer.Exit(EXIT_INCOMPLETE)


def erase_again(settings: Settings, database: Database, told: list[erasures.Erasure]) -> None:
    """What a restored backup knows nothing of having been erased."""
    key, eraser = key_of(settings.state.receipt_key), _eraser(settings, database)
    found = erasures.missing(database, key, told)
    for kind, subject in found.again:
        with suppress(NotFound):  # it went with another one
            receipt = (eraser.person if kind == "person" else eraser.document)(subject, getpass.getuser())
            _say(f"Erased again: a {kind}, receipt {receipt.id}.")
    if found.nothing_known:
        _say(f"{found.nothing_known} erasures are of nobody and nothing that is known here.")
    for each in found.sealed_otherwise:
        _say(f"Not known whose: the erasure {each.id} of {each.at}, sealed with another key. Erase it by hand.")
    if told:
        erasures.note(settings.state.erasures, database, key, told)
    with database.writing() as session:
        departure.erased_again(session)


def _eraser(settings: Settings, database: Database) -> Eraser:
    state = settings.state
    return Eraser(database, key_of(state.receipt_key), state.logs, state.datasets)


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _print(receipt: Receipt) -> None:
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in receipt.counts.items())
    console.print(f"Erased: {said}. Receipt {receipt.id}.", highlight=False, soft_wrap=True)
    for name, left in receipt.unfinished.items():
        console.print(f"  still under way: {WAITING[name]} ({left})", highlight=False, soft_wrap=True)
