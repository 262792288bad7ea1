"""Without a room for reports the log names them; what they say stands on the dashboard."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


class LogNotifier:
    """A `Notifier`."""

    def report(self, key: str, text: str) -> None:
        log.info("a report is on the dashboard", extra={"report": key})
