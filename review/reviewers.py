"""`answerloop reviewers …`: who may judge answers."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer
from rich.table import Table

from answerloop.cli.console import clear_errors, console
from answerloop.db.repositories import reviewers
from answerloop.db.session import Database
from answerloop.errors import InvalidReviewer
from answerloop.ports import ReviewerAccess
from answerloop.settings import Settings, load_settings
from review.queue_wiring import reviewer_accounts

app = typer.Typer(no_args_is_help=True, help="People who may judge answers.")


@app.callback()
def callback() -> None:
    """People who may judge answers."""


@app.command()
def invite(
    email: Annotated[str, typer.Argument(help="Their e-mail address.")],
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Trust an account of that address which was not made by an invitation of ours."),
    ] = False,
    person: Annotated[
        list[str] | None,
        typer.Option(help="Who they are in a chat, as the directory names them; may be given several times."),
    ] = None,
) -> None:
    """Make an account for a reviewer. Their password is shown once."""
    with clear_errors():
        settings = load_settings()
        database = _database(settings)
        accounts = reviewer_accounts(settings)
        email = email.strip().lower()
        access = accounts.invite(email) if accounts else None
        with database.writing() as session:
            if access and not access.password and not adopt:
                _refuse_strangers(session, email, access.account)
            account = access.account if access else None
            reviewers.admit(session, email, person or [], account, getpass.getuser())
        _show(email, access)


@app.command("list")
def show_list() -> None:
    """Who may judge."""
    with clear_errors():
        with _database(load_settings()).reading() as session:
            known = reviewers.everybody(session)
        if not known:
            console.print("Nobody was invited yet: answerloop reviewers invite EMAIL")
            return
        table = Table("reviewer", "in chats", "Label Studio", "since")
        for view in known:
            where = "yes" if view.account else "no"
            table.add_row(
                view.id, ", ".join(view.people), where if view.active else "left", f"{view.created_at:%d %b %Y}"
            )
        console.print(table)


def _database(settings: Settings) -> Database:
    database = Database(settings.effective_database_url)
    database.check()
    return database


def _refuse_strangers(session: Any, email: str, account: str) -> None:
    """Whoever may sign in can also make accounts, under any address."""
    if not any(view.account == account for view in reviewers.everybody(session) if view.id == email):
        raise InvalidReviewer(
            f"Label Studio has an account for {email} that no invitation of ours has made. If it is really theirs, "
            "repeat with --adopt; else delete it there first."
        )


def _show(email: str, access: ReviewerAccess | None) -> None:
    lines = [f"{email} may judge answers now."]
    if access is not None:
        lines.append(f"  Sign in at {access.url}/user/login/ as {email}")
        lines.append(
            f"  Password: {access.password} (shown this once; to be changed there, under Account & Settings)"
            if access.password
            else "  The account was there before; its password is as it was."
        )
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
