"""With which token we speak in a Slack workspace: the one of the settings, or the one that its installation gave us.

Tokens of installations are encrypted in the database. Where Slack lets them expire, they are renewed two hours before,
by one process at a time: two at once would invalidate each other's.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from answerloop.backends.slack_api import call, client
from answerloop.db.repositories import installations
from answerloop.db.repositories.installations import Installation
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.errors import ConfigurationError, DeliveryImpossible, DeliveryUnavailable
from answerloop.secrets import Sealer
from answerloop.settings import Settings
from answerloop.slack.address import CHANNEL
from answerloop.timed_cache import TimedCache

log = logging.getLogger(__name__)

KEPT_SECONDS = 30.0
RENEW_BEFORE = timedelta(hours=2)
LEASE = timedelta(minutes=1)
WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class App:
    """Who we are for workspaces that install us, and what keeps their tokens unreadable."""

    client_id: str
    client_secret: str
    sealer: Sealer

    def seal(self, token: str, refresh_token: str) -> bytes:
        return self.sealer.seal(json.dumps([token, refresh_token]))

    def open(self, secret: bytes) -> tuple[str, str]:
        """Token and refresh token. Raises ConfigurationError."""
        token, refresh_token = json.loads(self.sealer.open(secret))
        return token, refresh_token


class SlackTokens:
    """The token of a workspace. Raises DeliveryImpossible where we are not installed, DeliveryUnavailable."""

    def __init__(
        self,
        database: Database,
        app: App | None,
        *,
        api_url: str,
        token: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._app = app
        self._api_url = api_url
        self._token = token
        self._own_user: str | None = None
        self._kept: TimedCache[str, str] = TimedCache(KEPT_SECONDS, clock)

    @classmethod
    def of(cls, settings: Settings, database: Database) -> SlackTokens:
        """Raises ConfigurationError."""
        app = None
        if settings.slack_client_id:
            client_secret = settings.slack_client_secret.get_secret_value()
            app = App(settings.slack_client_id, client_secret, Sealer(settings.secret_keys))
        return cls(database, app, api_url=settings.slack_api_url, token=settings.slack_bot_token.get_secret_value())

    def __call__(self, workspace: str) -> str:
        return self._token or self._kept.get(workspace, lambda: self._read(workspace))

    def known(self, workspace: str) -> tuple[str, str | None]:
        """Token and bot user from our own records, whatever Slack does meanwhile: the token may be due for renewal, and
        whose the one of the settings is has to be learnt first."""
        if self._token:
            return self._token, self._own_user
        installation, app = self._get(workspace)
        return app.open(installation.secret)[0], installation.bot_user

    def renew_due(self) -> None:
        """Of every workspace, also where nobody has asked for the token in a long while: nobody has to wait then."""
        with self._database.reading() as session:
            due = [each.workspace for each in installations.of_channel(session, CHANNEL) if _is_due(each)]
        for workspace in due:
            try:
                self(workspace)
            except (DeliveryUnavailable, DeliveryImpossible) as error:
                log.warning("token cannot be renewed", extra={"workspace": workspace, "error": str(error)})

    def learn_own_user(self) -> None:
        """Ask Slack whose the token of the settings is."""
        self._own_user = str(call(client(self._token, self._api_url).auth_test)["user_id"])

    def install(
        self,
        workspace: str,
        bot_user: str,
        token: str,
        *,
        refresh_token: str,
        expires_at: datetime | None,
        installed_by: str,
        details: Mapping[str, Any],
    ) -> None:
        """Raises ConfigurationError without a client id: there is no key to encrypt with."""
        if self._app is None:
            raise ConfigurationError("Workspaces can install us when ANSWERLOOP_SLACK_CLIENT_ID is set.")
        secret = self._app.seal(token, refresh_token)
        with self._database.writing() as session:
            installations.put(
                session,
                Installation(workspace, CHANNEL, bot_user, secret, expires_at, installed_by, dict(details)),
            )
        self._kept.forget(workspace)

    def forget(self, workspace: str, at: datetime) -> None:
        """The workspace has removed us, or taken our tokens away, at that time; it may have installed us anew since."""
        with self._database.writing() as session:
            installations.delete_workspace(session, CHANNEL, workspace, installed_until=at)
        self._kept.forget(workspace)

    # --- installations

    def _read(self, workspace: str) -> str:
        installation, app = self._get(workspace)
        if _is_due(installation):
            installation = self._renewed(installation, app)
        return app.open(installation.secret)[0]

    def _get(self, workspace: str) -> tuple[Installation, App]:
        if self._app is None:
            raise DeliveryImpossible(f"There is no token for the workspace {workspace}.")
        with self._database.reading() as session:
            installation = installations.get(session, CHANNEL, workspace)
        if installation is None:
            raise DeliveryImpossible(f"The workspace {workspace} has not installed us.")
        return installation, self._app

    def _renewed(self, installation: Installation, app: App) -> Installation:
        """The old token serves as long as it is valid, when it cannot be renewed right now."""
        workspace = installation.workspace
        try:
            with self._leased(workspace):
                return self._renew(self._get(workspace)[0], app)
        except (DeliveryUnavailable, DeliveryImpossible) as error:
            if _is_over(installation):
                raise
            log.warning("token not renewed yet", extra={"workspace": workspace, "error": str(error)})
            return installation

    @contextmanager
    def _leased(self, workspace: str) -> Iterator[None]:
        with self._database.writing() as session:
            is_ours = installations.lease(session, workspace, LEASE)
        if not is_ours:
            raise DeliveryUnavailable("Another process renews the token.", retry_after_seconds=WAIT_SECONDS)
        try:
            yield
        finally:
            with self._database.writing() as session:
                installations.release(session, workspace)

    def _renew(self, installation: Installation, app: App) -> Installation:
        """With the lease. Nothing to do when another process was faster."""
        if not _is_due(installation):
            return installation
        answer = call(
            client("", self._api_url).oauth_v2_access,
            client_id=app.client_id,
            client_secret=app.client_secret,
            grant_type="refresh_token",
            refresh_token=app.open(installation.secret)[1],
        )
        secret = app.seal(str(answer["access_token"]), str(answer["refresh_token"]))
        expires_at = now() + timedelta(seconds=int(answer["expires_in"]))
        with self._database.writing() as session:
            installations.renew(session, installation, secret, expires_at)
        log.info("token renewed", extra={"workspace": installation.workspace})
        return self._get(installation.workspace)[0]


def _is_due(installation: Installation) -> bool:
    return installation.expires_at is not None and installation.expires_at - RENEW_BEFORE <= now()


def _is_over(installation: Installation) -> bool:
    return installation.expires_at is not None and installation.expires_at <= now()
