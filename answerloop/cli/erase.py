"""`answerloop erase`: what is known of a person or of a document goes, and a receipt says so."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from answerloop.cli.console import EXIT_INCOMPLETE, clear_errors, console
from answerloop.db.eraser import Eraser
from answerloop.db.repositories import receipts
from answerloop.db.repositories.receipts import Receipt
from answerloop.db.session import Database
from answerloop.errors import NotFound
from answerloop.moving import erasures
from answerloop.secrets import key_of
from answerloop.settings import load_settings

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
) -> None:
    """Erase what is known of a person or of a document. Exit code 6 while something of it is still under way."""
    if len([given for given in (person, document, receipt) if given]) != 1:
        raise typer.BadParameter("name a --person, a --document or a --receipt")
    with clear_errors():
        settings = load_settings()
        database = Database(settings.effective_database_url)
        database.check()
        eraser = Eraser(database, key_of(settings.state.receipt_key), settings.state.logs, settings.state.datasets)
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


def _print(receipt: Receipt) -> None:
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in receipt.counts.items())
    console.print(f"Erased: {said}. Receipt {receipt.id}.", highlight=False, soft_wrap=True)
    for name, left in receipt.unfinished.items():
        console.print(f"  still under way: {WAITING[name]} ({left})", highlight=False, soft_wrap=True)
