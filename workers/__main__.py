"""The workers' own command line. `python -m workers` serves every queue in one process."""

from __future__ import annotations

from typing import Annotated

import typer

from answerloop.cli.console import clear_errors
from answerloop.exact_recognisers import ExactRecognisers
from answerloop.observability import configure_logging
from answerloop.settings import Settings, load_settings
from workers import adapters, commands, moving, planning, serving
from workers.training import commands as training_commands
from workers.training.tonight import nightly

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve(group: Annotated[str, typer.Argument(help=f"One of: {', '.join(serving.GROUPS)}.")] = "all") -> None:
    """Work on the queues of a group until stopped."""
    with clear_errors():
        raise typer.Exit(serving.serve(_settings(f"worker-{group}"), group))


@app.command()
def beat() -> None:
    """Send the periodic jobs. Run it once."""
    with clear_errors():
        serving.beat(_settings("beat"))


def _settings(program: str) -> Settings:
    settings = load_settings()
    recognisers = ExactRecognisers(settings.masked_types, settings.redaction_regions)
    configure_logging(program, settings.log_format, settings.log_level, recognisers)
    return settings


app.add_typer(adapters.app, name="adapters")
app.command()(commands.ingest)
app.command()(commands.ask)
app.command()(commands.evaluate)
app.command()(commands.doctor)
app.command()(commands.prepare)
app.command()(commands.migrate)
app.command()(moving.migrate_index)
app.command()(nightly)
app.command()(planning.plan)
app.add_typer(training_commands.app, name="dataset")

if __name__ == "__main__":
    app(prog_name="python -m workers")
