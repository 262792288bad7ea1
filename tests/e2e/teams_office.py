"""A whole installation beside Microsoft's simulator of Teams."""

from __future__ import annotations

import json
from pathlib import Path

from answerloop.testing.installation import RunningInstallation
from tests.e2e.office import Office, Opinion
from tests.e2e.teams_playground import ALICE, BOB, OTHER_CHANNEL, TENANT, Message, Playground, buttons


class TeamsOffice(Office):
    """The simulator has no limits, so ours are raised: what waits here waits for us."""

    def __init__(self, folder: Path, documents: Path, alices: str = "everyone") -> None:
        """`alices` groups, besides which nobody has any but those of every employee."""
        rooms = folder / "rooms.yaml"
        rooms.write_text(json.dumps({"rooms": {f"teams:{TENANT}:{OTHER_CHANNEL}": {"respond": "all"}}}))
        people = folder / "access.yaml"
        people.write_text(f"people: {{alice: {{email: alice@orrenby.example, groups: [{alices}]}}}}")
        installation = RunningInstallation(
            folder / "state",
            documents,
            teams="development",
            teams_tenants=TENANT,
            teams_admins=ALICE,
            teams_escalation=BOB,
            teams_messages_per_second="1000",
            rooms_file=str(rooms),
            directory_file=str(people),
        )
        super().__init__(installation)
        self.teams = Playground(folder / "teams", installation.url)

    def start(self) -> None:
        self.installation.start()
        self.teams.start()

    def stop(self) -> None:
        self.teams.stop()
        self.installation.stop()
        self.installation.database.dispose()

    def opinions(self, answer: Message) -> dict[str, Opinion]:
        return self.opinions_of(_id(answer))


def _id(answer: Message) -> str:
    return str(buttons(answer)["retract"]["data"]["answer"])
