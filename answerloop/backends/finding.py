"""What the check-ups of backends report."""

from __future__ import annotations

from typing import NamedTuple


class Found(NamedTuple):
    check: str
    healthy: bool
    text: str
