"""`answerloop slack …`: what an operator needs to set Slack up."""

from __future__ import annotations

import json
from typing import Annotated
from urllib.parse import urlsplit

import typer

from answerloop.cli.console import clear_errors
from answerloop.settings import load_settings
from answerloop.slack.manifest import DEFAULT_NAME, app_manifest

LONGEST_NAME = 35

app = typer.Typer(no_args_is_help=True, help="Set Slack up.")


@app.callback()
def slack() -> None:
    """Set Slack up."""


@app.command()
def manifest(
    socket: Annotated[bool, typer.Option("--socket", help="For Socket Mode: we open the connection.")] = False,
    url: Annotated[
        str, typer.Option(help="Where Slack reaches us, https://HOST; else ANSWERLOOP_PUBLIC_URL.", show_default=False)
    ] = "",
    many: Annotated[bool, typer.Option("--many", help="For many workspaces, which install us by OAuth.")] = False,
    name: Annotated[str, typer.Option(help="What people mention us by.")] = DEFAULT_NAME,
) -> None:
    """Print the app manifest, to be pasted at https://api.slack.com/apps?new_app=1."""
    if not 0 < len(name) <= LONGEST_NAME:
        raise typer.BadParameter(f"a name has 1 to {LONGEST_NAME} characters", param_hint="--name")
    with clear_errors():
        settings = load_settings()
    if not url:
        socket = socket or settings.slack == "socket"
        url = settings.public_url
    if socket and many:
        raise typer.BadParameter("workspaces can only install us where Slack reaches us", param_hint="--many")
    if not socket and not _is_https(url):
        raise typer.BadParameter("give an address such as https://ask.example.com, or --socket", param_hint="--url")
    typer.echo(json.dumps(app_manifest(name, None if socket else url, many=many), indent=2))


def _is_https(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.hostname) and not parts.query and not parts.fragment
