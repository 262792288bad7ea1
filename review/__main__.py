"""The review program: `python -m review` serves the dashboard, `python -m review worker` works off its queue."""

from __future__ import annotations

import typer

from answerloop.cli.console import clear_errors
from answerloop.exact_recognisers import ExactRecognisers
from answerloop.observability import configure_logging, serve_metrics
from answerloop.settings import Settings, load_settings
from answerloop.web.server import WebServer
from review import reviewers, worker
from review.wiring import Dashboard, Workshop

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(reviewers.app, name="reviewers")


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve() -> None:
    """Serve the dashboard until SIGTERM."""
    with clear_errors():
        settings = _settings("review")
        dashboard = Dashboard(settings)
        dashboard.start()
        try:
            WebServer(dashboard.app, settings.host, settings.review_port).run()
        finally:
            dashboard.stop()


@app.command("worker")
def work() -> None:
    """Push audits, read judgements back and draw the consequences until SIGTERM."""
    with clear_errors():
        settings = _settings(worker.NAME)
        serve_metrics(settings.host, settings.metrics_port)
        raise typer.Exit(worker.serve(Workshop(settings)))


def _settings(program: str) -> Settings:
    settings = load_settings()
    recognisers = ExactRecognisers(settings.masked_types, settings.redaction_regions)
    configure_logging(program, settings.log_format, settings.log_level, recognisers)
    return settings


if __name__ == "__main__":
    app(prog_name="python -m review")
