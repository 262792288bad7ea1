"""Where Label Studio is and what lets us in: an operator's own server, or the one that `answerloop up` starts."""

from __future__ import annotations

import json
import os
import secrets
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Literal

from answerloop.settings import Settings

VERSION = "1.23.2"
HINT_HEADER = "X-Answerloop-Secret"
TOKEN_BYTES = 20
OWNER = "answerloop@answerloop.local"
"""The account that we ourselves work under; nobody signs in with it."""


@dataclass(frozen=True, slots=True)
class Access:
    """`hint_secret` is what Label Studio brings along when it tells us of news. Every reviewer can read it there, so
    it lets nobody do more than that."""

    url: str
    token: str
    hint_secret: str


class LabelStudioFolder:
    """What lies where for the server that we start."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / "venv"
        self.installed = root / "installed"
        self.data = root / "data"
        self.secrets = root / "secrets.json"
        self.complete = root / "complete"
        self.status = root / "status"
        self.url = root / "url"
        self.impossible = root / "cannot-be-installed"
        self.lock = root / "lock"
        self.log = root / "server.log"

    @property
    def program(self) -> Path:
        return self.venv / "bin" / "label-studio"


@dataclass(frozen=True, slots=True)
class Secrets:
    password: str
    token: str
    hint_secret: str


def mode(settings: Settings) -> Literal["label-studio", "page", "off"]:
    """Where people judge right now: on the page when Label Studio cannot be installed here."""
    here = settings.review == "label-studio" and not settings.label_studio_url
    if here and LabelStudioFolder(settings.state.label_studio).impossible.exists():
        return "page"
    return settings.review


def access(settings: Settings) -> Access | None:
    """None as long as there is no server yet."""
    folder = LabelStudioFolder(settings.state.label_studio)
    if settings.label_studio_url:
        ours = own_secrets(folder)
        return Access(
            settings.label_studio_url.rstrip("/"), settings.label_studio_token.get_secret_value(), ours.hint_secret
        )
    try:
        url = folder.url.read_text().strip()
    except FileNotFoundError:
        return None
    found = own_secrets(folder)
    return Access(url, found.token, found.hint_secret)


def own_secrets(folder: LabelStudioFolder) -> Secrets:
    """Made at the first call, for their owner's eyes alone. Two who make them at once end with the same ones."""
    if not folder.secrets.exists():
        folder.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = Secrets(secrets.token_urlsafe(18), secrets.token_hex(TOKEN_BYTES), secrets.token_urlsafe(24))
        beside = folder.secrets.with_name(f"secrets.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(made), file)
        try:
            os.link(beside, folder.secrets)
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return Secrets(**json.loads(folder.secrets.read_text()))


# --- the server that we start ---------------------------------------------------------------------------------------


def server_environment(data: Path, secrets: Secrets) -> dict[str, str]:
    """All that the server sees. Account, token and sign-up rules are read at the very first start only."""
    ours = {
        "BASE_DATA_DIR": str(data),
        "USERNAME": OWNER,
        "PASSWORD": secrets.password,
        "USER_TOKEN": secrets.token,
        "ENABLE_LEGACY_API_TOKEN": "true",
        "DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "COLLECT_ANALYTICS": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "LATEST_VERSION_CHECK": "false",
        "USE_DEFAULT_BANNED_SUBNETS": "false",  # else it may not tell us of news on loopback
    }
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(data),
        "LANG": "C.UTF-8",
        **{f"LABEL_STUDIO_{name}": value for name, value in ours.items()},
    }


def is_up(url: str) -> bool:
    return _status(f"{url}/health") == HTTPStatus.OK


def lets_in(url: str, token: str) -> bool:
    return _status(f"{url}/api/current-user/whoami", token) == HTTPStatus.OK


def _status(url: str, token: str = "") -> int | None:
    headers = {"Authorization": f"Token {token}"} if token else {}
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
