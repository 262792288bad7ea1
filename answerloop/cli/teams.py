"""`answerloop teams …`: what an operator needs to set Teams up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

import typer

from answerloop.cli.console import clear_errors, console
from answerloop.settings import load_settings
from answerloop.teams.manifest import DEFAULT_NAME, app_manifest, write_package

LONGEST_NAME = 30

app = typer.Typer(no_args_is_help=True, help="Set Microsoft Teams up.")


@app.callback()
def teams() -> None:
    """Set Microsoft Teams up."""


@app.command()
def manifest(
    out: Annotated[Path, typer.Option(help="The app package to write.")] = Path("answerloop-teams.zip"),
    app_id: Annotated[
        str, typer.Option(help="The bot's app id; else ANSWERLOOP_TEAMS_APP_ID.", show_default=False)
    ] = "",
    website: Annotated[
        str,
        typer.Option(
            help="Where people read about the assistant, https://…; else ANSWERLOOP_PUBLIC_URL.", show_default=False
        ),
    ] = "",
    name: Annotated[str, typer.Option(help="What people mention us by.")] = DEFAULT_NAME,
    hear_everything: Annotated[
        bool, typer.Option("--hear-everything", help="Also what does not mention us, where team owners agree.")
    ] = False,
) -> None:
    """Write the app package, to be uploaded in the Teams admin center under Manage apps."""
    with clear_errors():
        settings = load_settings()
    app_id, website = app_id or settings.teams_app_id, website or settings.public_url
    if not 0 < len(name) <= LONGEST_NAME:
        raise typer.BadParameter(f"a name has 1 to {LONGEST_NAME} characters", param_hint="--name")
    if not _is_guid(app_id):
        raise typer.BadParameter("give the app id of the registration in Entra, a GUID", param_hint="--app-id")
    if urlsplit(website).scheme != "https" or not urlsplit(website).hostname:
        raise typer.BadParameter("give an address such as https://ask.example.com", param_hint="--website")
    with clear_errors():
        try:
            write_package(out, app_manifest(app_id, name, website, hear_everything=hear_everything))
        except OSError as error:
            raise typer.BadParameter(f"cannot be written: {error.strerror}", param_hint="--out") from None
    console.print(f"Written to {out}.", highlight=False, markup=False, soft_wrap=True)


def _is_guid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
