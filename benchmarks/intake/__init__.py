"""Are questions acknowledged in time, and each of them stored once?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from benchmarks.intake.channels import Asking, Platform, SlackAsking, slack
from benchmarks.intake.teams import ASKING, teams

CHANNELS: dict[str, tuple[Asking, Callable[[int], AbstractContextManager[Platform]]]] = {
    "slack": (SlackAsking(), slack),
    "teams": (ASKING, teams),
}
