"""How every command line of ours speaks: one clear sentence when something is wrong, and an exit code that means it.

Exit codes: 0 done · 1 done, but not all of it, or an unhealthy finding · 2 wrong usage · 3 try again later ·
4 fix the settings or the installation · 5 not found or not allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from answerloop.errors import AnswerloopError, ConfigurationError, Retryable, UserFault

EXIT_INCOMPLETE, EXIT_USAGE, EXIT_RETRY, EXIT_CONFIGURATION, EXIT_REFUSED = 1, 2, 3, 4, 5

console = Console()
complaints = Console(stderr=True)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn our own errors, a full disk and Ctrl-C into a sentence and an exit code. Bugs keep their traces."""
    try:
        yield
    except AnswerloopError as error:
        complaints.print(f"[red]answerloop:[/red] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(_exit_code(error)) from None
    except OSError as error:
        if error.errno not in (28, 122, 13, 30):  # no space, quota, permission, read-only
            raise
        complaints.print(f"[red]answerloop:[/red] {error.strerror}: {error.filename or 'the state folder'}", soft_wrap=True)
        raise typer.Exit(EXIT_CONFIGURATION) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _exit_code(error: AnswerloopError) -> int:
    if isinstance(error, ConfigurationError):
        return EXIT_CONFIGURATION
    if isinstance(error, Retryable):
        return EXIT_RETRY
    return EXIT_REFUSED if isinstance(error, UserFault) else EXIT_INCOMPLETE
