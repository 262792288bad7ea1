"""What the workers do on request: index, answer, measure, check, prepare."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from rich.markdown import Markdown
from rich.table import Table

from answerloop.cli.console import EXIT_INCOMPLETE, clear_errors, console, progress_bar
from answerloop.db.session import Database
from answerloop.domain import Action, Audience, Outcome
from answerloop.exact_recognisers import ExactRecognisers
from answerloop.observability import configure_logging
from answerloop.settings import Settings, load_settings
from workers import evaluation, health
from workers.answering.pipeline import Asked
from workers.evaluation import tables
from workers.indexing.sync import SyncReport
from workers.wiring import Workshop, prepare_models


class Baseline(StrEnum):
    """What the answers can be compared with."""

    NO_RETRIEVAL = "no-retrieval"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def prepare() -> None:
    """Fetch and check the default models; a second time changes nothing."""
    with clear_errors():
        prepare_models(_settings(), lambda line: console.print(f"  {line}", highlight=False, markup=False))


def migrate() -> None:
    """Bring the database to the newest version."""
    with clear_errors():
        Database(_settings().effective_database_url).migrate()


def ingest(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="PATH…", help="Files, folders or .jsonl.")] = None,
    allow: Annotated[list[str] | None, typer.Option(help="A group that may read what says nothing else.")] = None,
    tenant: Annotated[str | None, typer.Option(help="The tenant they belong to.")] = None,
    trusted: Annotated[
        bool | None, typer.Option("--trusted/--untrusted", help="Untrusted: not only the company writes there.")
    ] = None,
    may_leave: Annotated[
        bool | None,
        typer.Option("--may-leave/--must-stay", help="Whether models outside the house may be shown them."),
    ] = None,
    rebuild: Annotated[bool, typer.Option(help="First write the whole index anew, e.g. for another embedder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Index files, folders or .jsonl; report what was read, skipped and why."""
    if not paths and not rebuild:
        raise typer.BadParameter("name at least one file or folder")
    reports: dict[str, SyncReport] = {}
    with clear_errors():
        settings = _settings()
        workshop = Workshop(settings, "ingest")
        workshop.database.migrate()
        if rebuild:
            with progress_bar("rebuilding") as progress:
                workshop.indexer.rebuild(tenant or settings.tenant, progress)
        for path in paths or []:
            source_id = workshop.indexer.register(path, tenant or settings.tenant, allow or [], trusted, may_leave)
            with progress_bar(path.name) as progress:
                reports[str(path)] = workshop.indexer.sync(source_id, progress)
        if as_json:
            typer.echo(json.dumps({path: report.as_dict() for path, report in reports.items()}, indent=2))
        else:
            for source, report in reports.items():
                _print_report(source, report)
    if any(report.rejected or report.busy for report in reports.values()):
        raise typer.Exit(EXIT_INCOMPLETE)


def _print_report(path: str, report: SyncReport) -> None:
    if report.busy:
        console.print(f"{path}: another process is indexing it right now", highlight=False)
        return
    console.print(
        f"{path}: {report.indexed} indexed in {report.chunks} chunks, {report.unchanged} unchanged, "
        f"{report.access_changed} with new access, {report.deleted} deleted, "
        f"{len(report.skipped)} skipped, {len(report.rejected)} rejected",
        highlight=False,
        soft_wrap=True,
    )
    for kind, items in (("skipped", report.skipped), ("rejected", report.rejected), ("note on", report.notes)):
        for key, reason in items.items():
            console.print(f"  {kind} {key}: {reason}", highlight=False, markup=False, soft_wrap=True)


def ask(
    text: Annotated[str, typer.Argument(help="The question.")],
    person: Annotated[str | None, typer.Option("--as", metavar="USER", help="Ask with this person's rights.")] = None,
    audience: Annotated[
        list[str] | None, typer.Option(help="Answer for readers in these groups; with --as, tell who asks of better.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask one question through the whole pipeline."""
    with clear_errors():
        settings = _settings()
        workshop = Workshop(settings, "ask")
        workshop.database.check()
        asker = Audience.of(settings.tenant, [workshop.directory.person(person or settings.dev_user)])
        readers = Audience.of_person(settings.tenant, frozenset(audience)) if audience else asker
        asked = Asked(text.strip(), (), readers, asker if person else None)
        workshop.cast.warm_up()
        draft = workshop.pipeline.answer(asked, lambda stage, text="", sources=None: None)
        workshop.close()
    if as_json:
        typer.echo(json.dumps(evaluation.as_json(draft), indent=2, default=str))
    else:
        console.print(Markdown(draft.text))
        if draft.hint:
            console.print(f"  {draft.hint}", highlight=False)
        if draft.decision.action in (Action.ABSTAINED, Action.FAILED) and settings.human_contact:
            console.print(f"  A person can help: {settings.human_contact}", highlight=False)
        for source in draft.sources:
            mark = f"[{source.number}]" if source.cited else "   "
            where = " > ".join((source.passage.title, *source.passage.headings))
            console.print(f"  {mark} {where}", highlight=False, markup=False)
        console.print(
            f"  {draft.confidence} · {draft.model} · {draft.timings_ms['total']:.0f} ms", style="dim", highlight=False
        )
    if draft.outcome is Outcome.FAILED:
        raise typer.Exit(EXIT_INCOMPLETE)


def evaluate(
    documents: Annotated[Path, typer.Option(exists=True, dir_okay=True, help="documents.jsonl, or a folder.")],
    questions: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="questions.jsonl.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first questions.")] = None,
    generate: Annotated[bool, typer.Option("--generate/--no-generate", help="Also answer, not only retrieve.")] = True,
    compare: Annotated[Baseline | None, typer.Option(help="Ask the same questions in another way, too.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
) -> None:
    """Measure retrieval, answers and abstention on a question set of yours, in a throw-away index."""
    with clear_errors():
        result = evaluation.evaluate(
            _settings(), documents, questions, limit=limit, generate=generate, compare=compare is not None
        )
        if out:
            out.write_text(json.dumps(result, indent=2, default=str))
        console.print(tables.figures(result))
        if compare:
            console.print(tables.comparison(result["comparison"]))


def doctor(
    slack: Annotated[bool, typer.Option("--slack", help="Only what Slack needs: tokens, scopes, people.")] = False,
    teams: Annotated[bool, typer.Option("--teams", help="Only what Teams needs: registration, keys, rooms.")] = False,
    as_json: AsJson = False,
) -> None:
    """Is this installation healthy? Exit code 6 when something is not."""
    examine = health.examine_slack if slack else health.examine_teams if teams else health.examine
    with clear_errors():
        findings = examine(Workshop(_settings(), f"doctor-{uuid4().hex[:6]}"))
    if as_json:
        typer.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        table = Table("check", "", "finding", show_lines=False)
        for finding in findings:
            table.add_row(finding.check, "[green]ok[/green]" if finding.healthy else "[red]not ok[/red]", finding.text)
        console.print(table)
    if not all(finding.healthy for finding in findings):
        raise typer.Exit(EXIT_INCOMPLETE)


def _settings() -> Settings:
    settings = load_settings()
    recognisers = ExactRecognisers(settings.masked_types, settings.redaction_regions)
    configure_logging("workers", "text", "WARNING", recognisers)
    return settings
