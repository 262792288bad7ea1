"""docker-compose.yml as a container engine reads it: merged, with the defaults of its variables put in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docker-compose.yml"
DOCKER = ROOT / ".docker"
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}|\$\$")


def load() -> dict[str, Any]:
    found: dict[str, Any] = _filled(yaml.safe_load(FILE.read_text()))
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load()["services"]
    return found


def ours() -> dict[str, dict[str, Any]]:
    """The services of our own image."""
    return {name: service for name, service in services().items() if service["image"].startswith("answerloop")}


def programs() -> dict[str, dict[str, Any]]:
    """Those of them that run for long."""
    return {name: service for name, service in ours().items() if name not in ("volumes", "migrate")}


def settings_of(service: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in service.get("environment", {}).items()}


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each) for each in value]
    if not isinstance(value, str):
        return value
    return VARIABLE.sub(lambda match: "$" if match[0] == "$$" else match[2], value)
