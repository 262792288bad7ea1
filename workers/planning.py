"""`answerloop plan`: what the models would take, and what is missing for it. Nothing is loaded and nothing changes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from answerloop.cli.console import clear_errors, console
from answerloop.settings import load_settings
from workers.wiring import planned


def plan(
    device: Annotated[str, typer.Option(help="As ANSWERLOOP_DEVICE: cpu, cuda, cuda:1; it need not be there.")] = "",
    model: Annotated[str, typer.Option(help="As ANSWERLOOP_MODEL.")] = "",
    quantisation: Annotated[str, typer.Option(help="As ANSWERLOOP_QUANTISATION: none, int8 or int4.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a script.")] = False,
) -> None:
    """Explain what the models would take on a device, without one: precision, memory, batches, and what is missing."""
    given = {"device": device, "model": model, "quantisation": quantisation}
    with clear_errors():
        settings = load_settings(**{name: value for name, value in given.items() if value})
        found = planned(settings)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
        return
    console.print(f"[bold]{settings.model}[/bold], answering", highlight=False)
    _facts(found.chosen)
    _memory(found.serving)
    rows = ", ".join(f"{count} of {tokens} tokens" for tokens, count in found.rows.items())
    console.print(f"  questions at once: {rows}", highlight=False, soft_wrap=True)
    console.print("training", style="bold")
    _facts(found.training_chosen)
    _memory(found.training)
    for name in found.missing:
        console.print(f"  [red]missing here:[/red] {name}", highlight=False, soft_wrap=True)
    if not found.missing:
        console.print("  Nothing is missing for it here.")


def _facts(chosen: dict[str, str]) -> None:
    for name, value in chosen.items():
        console.print(f"  {name}: {value}", highlight=False, soft_wrap=True)


def _memory(parts: dict[str, float]) -> None:
    table = Table("memory", "GB", box=None, padding=(0, 2))
    for name, count in parts.items():
        table.add_row(name, f"{count / 1e9:.2f}")
    table.add_row("in all", f"{sum(parts.values()) / 1e9:.2f}", style="bold")
    console.print(table)
