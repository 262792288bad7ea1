"""`answerloop …`: launches the programs; imports none of them."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from answerloop import __version__
from answerloop.cli import slack, state, teams
from answerloop.cli.console import clear_errors
from answerloop.cli.erase import erase
from answerloop.cli.label_studio import LabelStudioServer
from answerloop.cli.up import Up
from answerloop.settings import load_settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A self-hosted assistant that answers employees' questions from the company's documents, with citations.",
)

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def up(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the web chat.")] = None,
    review: Annotated[bool, typer.Option("--review/--no-review", help="Also start the review program.")] = True,
) -> None:
    """Start everything on this machine: broker, workers, beat and the web chat. Ctrl-C stops it all."""
    with clear_errors():
        settings = load_settings(**({"port": port} if port else {}), **({} if review else {"review": "off"}))
        raise typer.Exit(Up(settings).run())


def _launches(name: str, summary: str, program: str = "workers", module: str = "") -> None:
    """A command that is a program's own: its options and help are passed on, and its exit code is ours. `module` is the
    command alone, where the whole program takes too long to start."""
    called = [module] if module else [program, name]

    @app.command(name, context_settings=_PASS_ON, add_help_option=False, help=summary)
    def command(context: typer.Context) -> None:
        sys.stdout.flush()
        os.execv(  # noqa: S606 - our own program takes this process over
            sys.executable, [sys.executable, "-m", *called, *context.args]
        )


_launches("ingest", "Index files, folders or .jsonl; report what was read, skipped and why.")
_launches("ask", "Ask one question through the whole pipeline.")
_launches("evaluate", "Measure retrieval, answers and abstention on a question set of yours.")
_launches("doctor", "Is this installation healthy?")
_launches(
    "adapters",
    "See which trained adapters there are and who speaks; promote one, or roll it back.",
    module="workers.adapters",
)
_launches("plan", "What would the models take on this or another device, and what is missing for it?")
_launches("migrate", "Bring the database to the newest version.")
_launches("migrate-index", "Copy the index from LanceDB to Weaviate, or back, without embedding anything again.")
_launches("dataset", "Look at what adapters learn, or load made-up corrections for a demonstration.")

_launches("nightly", "Train an adapter, judge it, and promote it if it proves itself; or say when that is due.")

_launches("reviewers", "Invite people who may judge answers, and list them.", program="review")

app.add_typer(slack.app, name="slack")
app.add_typer(teams.app, name="teams")
app.command()(erase)
app.command()(state.export_state)
app.command()(state.import_state)
app.command()(state.backup)


@app.command("label-studio")
def serve_label_studio(
    prepare: Annotated[bool, typer.Option("--prepare", help="Install it, set its database up, and end.")] = False,
) -> None:
    """Install Label Studio in an environment of its own and run it; `answerloop up` does so in the background."""
    with clear_errors():
        raise typer.Exit(LabelStudioServer(load_settings(), prepare=prepare).run())


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    app()
