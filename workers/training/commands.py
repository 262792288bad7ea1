"""`python -m workers dataset …`: look at what adapters learn, and load made-up corrections for a demonstration."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from answerloop.cli.console import clear_errors, console
from answerloop.exact_recognisers import ExactRecognisers
from answerloop.observability import configure_logging
from answerloop.settings import Settings, load_settings
from workers.training import seed as seeds
from workers.training.dataset import build
from workers.training.export import Format
from workers.training.export import export as export_to
from workers.training.parts import parts_of
from workers.wiring import Workshop

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A folder that is empty or not there yet.")],
    kind: Annotated[Format, typer.Option("--format", help="hf: a folder that Hugging Face's datasets loads.")] = (
        Format.JSONL
    ),
) -> None:
    """Write what would be learned right now. A copy is reached by no erasure: delete it when it has done its work."""
    with clear_errors():
        settings = _settings()
        workshop = Workshop(settings, f"dataset-{uuid4().hex[:6]}")
        workshop.database.check()
        dataset = build(workshop.database, settings.tenant, parts_of(workshop), remember=False)
        export_to(dataset, folder, kind)
        workshop.close()
        console.print(f"{folder}: dataset {dataset.hash[:12]}, test version {dataset.test_version}", highlight=False)
        for name, count in dataset.manifest["rows"].items():
            console.print(f"  {count} {name.removesuffix('.jsonl')}", highlight=False)
        for reason, count in dataset.manifest["left_out"].items():
            console.print(f"  {count} left out: {reason}", highlight=False, markup=False, soft_wrap=True)
        for why in dataset.suspicions:
            console.print(f"  suspicious: {why}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def seed(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Such as samples/corrections.jsonl.")],
    force: Annotated[bool, typer.Option("--force", help="Also beside corrections of real people.")] = False,
) -> None:
    """Load made-up corrections as if people had written and approved them, for a demonstration."""
    with clear_errors():
        settings = _settings()
        workshop = Workshop(settings, f"seed-{uuid4().hex[:6]}")
        workshop.database.check()
        wanted, lasts = seeds.read(file), timedelta(days=settings.curated_days)
        new = seeds.seed(workshop.database, settings.tenant, wanted, lasts, force=force)
        console.print(f"{new} of {len(wanted)} corrections are new and approved.", highlight=False)


def _settings() -> Settings:
    settings = load_settings()
    recognisers = ExactRecognisers(settings.masked_types, settings.redaction_regions)
    configure_logging("workers", "text", "WARNING", recognisers)
    return settings
