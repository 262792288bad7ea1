"""`python -m bot`: the process that employees talk to."""

from __future__ import annotations

import typer

from answerloop.cli.console import clear_errors
from answerloop.exact_recognisers import ExactRecognisers
from answerloop.observability import configure_logging
from answerloop.settings import load_settings
from bot.web.server import ChatServer
from bot.wiring import Bot


def main() -> None:
    """Serve all channels on one port until SIGTERM."""
    with clear_errors():
        settings = load_settings()
        recognisers = ExactRecognisers(settings.masked_types, settings.redaction_regions)
        configure_logging("bot", settings.log_format, settings.log_level, recognisers)
        bot = Bot(settings)
        bot.start()
        try:
            ChatServer(bot.app, settings.host, settings.port).run()
        finally:
            bot.stop()


if __name__ == "__main__":
    typer.run(main)
