"""How a workspace installs us: Bolt's OAuth flow over our own tables.

Every full member of a workspace that has installed us counts as an employee, so only those that the operator names may.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any, Protocol

import anyio
from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.error import BoltError
from slack_bolt.oauth import OAuthFlow
from slack_bolt.oauth.callback_options import CallbackOptions, FailureArgs, SuccessArgs
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError
from slack_sdk.oauth import InstallationStore, OAuthStateStore
from slack_sdk.oauth.installation_store import Installation
from starlette.requests import Request
from starlette.responses import Response

from answerloop.db.repositories import sign_ins
from answerloop.db.session import Database
from answerloop.errors import ConfigurationError, Retryable
from answerloop.settings import Settings
from answerloop.slack.address import person_id
from answerloop.slack.manifest import INSTALL_PATH, REDIRECT_PATH, SCOPES

log = logging.getLogger(__name__)

CALL_SECONDS = 10
FORBIDDEN, UNAVAILABLE = 403, 503


class Tokens(Protocol):
    """Keeps the tokens of workspaces, encrypted."""

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
    ) -> None: ...


class NotWelcome(BoltError):
    """This workspace may not install us."""


class Installations(InstallationStore):
    """Only stores: whose token is used for what is decided by our own `Authorize`."""

    def __init__(self, tokens: Tokens, workspaces: Sequence[str]) -> None:
        self._tokens = tokens
        self._workspaces = frozenset(workspaces)

    def save(self, installation: Installation) -> None:
        """Raises NotWelcome. An installation for a whole organisation is none of a workspace that was named."""
        workspace = installation.team_id
        if workspace not in self._workspaces or installation.is_enterprise_install or not installation.bot_token:
            raise NotWelcome("This workspace may not install the assistant (ANSWERLOOP_SLACK_WORKSPACES).")
        expires_at = installation.bot_token_expires_at
        self._tokens.install(
            workspace,
            str(installation.bot_user_id),
            installation.bot_token,
            refresh_token=installation.bot_refresh_token or "",
            expires_at=datetime.fromtimestamp(expires_at, UTC) if expires_at else None,
            installed_by=person_id(workspace, installation.user_id),
            details={"name": installation.team_name, "scopes": list(installation.bot_scopes or ())},
        )


class SignIns(OAuthStateStore):
    """States that are good once, for ten minutes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def issue(self, *_: object, **__: object) -> str:
        with self._database.writing() as session:
            return sign_ins.begin(session)

    def consume(self, state: str) -> bool:
        with self._database.writing() as session:
            return sign_ins.finish(session, state)


class SlackInstall:
    """The two pages of the flow: where it begins, and where Slack sends the installer back to."""

    def __init__(self, settings: Settings, tokens: Tokens, database: Database) -> None:
        """Raises ConfigurationError."""
        if not settings.slack_workspaces or not settings.public_url:
            raise ConfigurationError(
                "ANSWERLOOP_SLACK_CLIENT_ID needs ANSWERLOOP_SLACK_WORKSPACES, the team ids of the workspaces that may "
                "install the assistant, and ANSWERLOOP_PUBLIC_URL."
            )
        self._flow = OAuthFlow(
            client=WebClient(base_url=settings.slack_api_url, timeout=CALL_SECONDS, retry_handlers=[]),
            settings=OAuthSettings(
                client_id=settings.slack_client_id,
                client_secret=settings.slack_client_secret.get_secret_value(),
                scopes=list(SCOPES),
                user_scopes=[],
                redirect_uri=f"{settings.public_url.rstrip('/')}{REDIRECT_PATH}",
                install_path=INSTALL_PATH,
                install_page_rendering_enabled=False,
                redirect_uri_path=REDIRECT_PATH,
                callback_options=CallbackOptions(_succeeded, _failed),
                installation_store=Installations(tokens, settings.slack_workspaces),
                state_store=SignIns(database),
            ),
        )

    async def begin(self, request: Request) -> Response:
        return await self._answered(self._flow.handle_installation, request)

    async def finish(self, request: Request) -> Response:
        return await self._answered(self._flow.handle_callback, request)

    async def _answered(self, handle: Callable[[BoltRequest], BoltResponse], request: Request) -> Response:
        headers: dict[str, str | Sequence[str]] = dict(request.headers)
        asked = BoltRequest(body="", query=request.url.query, headers=headers)
        try:
            answer = await anyio.to_thread.run_sync(handle, asked)
        except (OSError, HTTPException, SlackClientError, Retryable) as error:
            log.warning("workspace not installed", extra={"error": type(error).__name__})
            answer = self._flow.failure_handler(self._out_of_reach(asked))
        return Response(answer.body, answer.status, {name: values[0] for name, values in answer.headers.items()})

    def _out_of_reach(self, asked: BoltRequest) -> FailureArgs:
        """Slack, or our database: nothing is installed, and beginning again may succeed."""
        return FailureArgs(
            request=asked,
            reason="out_of_reach",
            suggested_status_code=UNAVAILABLE,
            settings=self._flow.settings,
            default=self._flow.default_callback_options,
        )


def _succeeded(arguments: SuccessArgs) -> BoltResponse:
    return arguments.default.success(arguments)


def _failed(arguments: FailureArgs) -> BoltResponse:
    if isinstance(arguments.error, NotWelcome):
        return BoltResponse(status=FORBIDDEN, body=str(arguments.error))
    return arguments.default.failure(arguments)
