"""The people of the sample company in its Slack."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.e2e.local_slack import ALICE, BOB, BOT, GENERAL

HARRIET, INES, FINN, GUS = "U04HARRIET", "U05INES", "U06FINN", "U07GUS"
PEOPLE = {
    ALICE: ("alice", "Alice Amari"),
    BOB: ("bob", "Bob Berg"),
    HARRIET: ("harriet", "Harriet Quill"),
    INES: ("ines", "Ines Carvalho"),
    FINN: ("finn", "Finn Maertens"),
    GUS: ("gus", "Gus Visitor"),
}
RANDOM, HELPDESK, CLUB = "C02RANDOM", "C03HELPDESK", "C04CLUB"
CHANNELS = {
    GENERAL: ("general", [ALICE, BOB, HARRIET, INES, FINN]),
    RANDOM: ("random", list(PEOPLE)),
    HELPDESK: ("helpdesk", [BOB, HARRIET]),
    CLUB: ("chess-club", [ALICE, BOB]),
}


def direct(user: str) -> str:
    """The channel of somebody's direct messages with the bot."""
    return f"D{user[1:]}"


def furnish(folder: Path) -> None:
    """The workspace gets the people of the sample company, and more channels than one."""
    file = folder / "workspace.yaml"
    workspace = yaml.safe_load(file.read_text())
    workspace["users"] = [
        {"id": user, "name": name, "real_name": real_name, "email": f"{name}@orrenby.example"}
        for user, (name, real_name) in PEOPLE.items()
    ]
    workspace["channels"] = [
        {"id": channel, "name": name, "members": [*members, BOT]} for channel, (name, members) in CHANNELS.items()
    ] + [
        {"id": direct(user), "name": f"dm-{name}", "is_im": True, "is_channel": False, "is_private": True,
         "members": [user, BOT]}
        for user, (name, _) in PEOPLE.items()
    ]  # fmt: skip
    file.write_text(yaml.safe_dump(workspace))
