"""How every command line of ours speaks: one clear sentence when something is wrong, and an exit code that means it.

Exit codes: 0 done · 1 a bug, with its trace · 2 wrong usage · 3 try again later · 4 fix the settings or the
installation · 5 not found or not allowed · 6 done, but not all of it, or not healthy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from answerloop.errors import AdapterRefused, AnswerloopError, ConfigurationError, Retryable, UserFault

EXIT_RETRY, EXIT_CONFIGURATION, EXIT_REFUSED, EXIT_INCOMPLETE = 3, 4, 5, 6

console = Console()
complaints = Console(stderr=True)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn our own errors, a full disk and Ctrl-C into a sentence and an exit code. Bugs keep their traces.

    Whatever a command writes is for its owner alone.
    """
    os.umask(0o077)
    try:
        yield
    except AnswerloopError as error:
        complaints.print(f"[red]answerloop:[/red] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(_exit_code(error)) from None
    except OSError as error:
        if error.errno not in (28, 122, 13, 30):  # no space, quota, permission, read-only
            raise
        complaints.print(
            f"[red]answerloop:[/red] {error.strerror}: {error.filename or 'the state folder'}", soft_wrap=True
        )
        raise typer.Exit(EXIT_CONFIGURATION) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _exit_code(error: AnswerloopError) -> int:
    if isinstance(error, ConfigurationError):
        return EXIT_CONFIGURATION
    if isinstance(error, Retryable):
        return EXIT_RETRY
    return EXIT_REFUSED if isinstance(error, UserFault | AdapterRefused) else EXIT_INCOMPLETE


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar on standard error; what it yields takes the number done, the number in all, and the item in hand."""
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=complaints) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total, _item: bar.update(task, completed=done, total=total)
