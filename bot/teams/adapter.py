"""The one file that knows the Bot Framework SDK. What it is given is proven already; it asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
from botbuilder.core import CloudAdapterBase, InvokeResponse, TurnContext
from botbuilder.schema import Activity, ActivityTypes
from botframework.connector.auth import BotFrameworkAuthentication, ClaimsIdentity
from botframework.connector.auth.authenticate_request_result import AuthenticateRequestResult
from botframework.connector.auth.connector_factory import ConnectorFactory

from bot.doorstep import Refused
from bot.teams.reply import Listener, Reply

THREADS = 16


class SdkAdapter:
    """Takes activities through the SDK to a listener, in a thread of its own few."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id
        self._sdk = _Adapter(_Proven())
        self._limiter = anyio.CapacityLimiter(THREADS)

    async def process(self, claims: Mapping[str, Any], raw: Mapping[str, Any], listener: Listener) -> Reply | None:
        """The listener's reply to an invoke. Raises Refused, and what the listener raises."""
        activity = _activity(raw)

        async def turn(context: TurnContext) -> None:
            reply = await anyio.to_thread.run_sync(listener, raw, limiter=self._limiter)
            if reply is not None and activity.type == ActivityTypes.invoke:
                response = InvokeResponse(status=reply.status, body=dict(reply.body))
                await context.send_activity(Activity(type=ActivityTypes.invoke_response, value=response))

        response = await self._sdk.process_activity(self._proven(claims), activity, turn)
        if activity.type != ActivityTypes.invoke:
            return None
        return Reply(response.status, response.body) if response.body is not None else Reply()

    def _proven(self, claims: Mapping[str, Any]) -> AuthenticateRequestResult:
        result = AuthenticateRequestResult()
        result.claims_identity = ClaimsIdentity({"aud": self._app_id, **claims}, True)
        result.connector_factory = _NoConnector()
        return result


def _activity(raw: Mapping[str, Any]) -> Activity:
    """The SDK trips over whatever has another form than it expects. Raises Refused."""
    try:
        activity = Activity().deserialize(raw)
    except (ValueError, TypeError, AttributeError, KeyError):
        raise Refused(400, "not an activity of Teams'") from None
    activity.delivery_mode = None  # else the SDK would collect messages that we send in our own way
    return activity


class _Adapter(CloudAdapterBase):  # type: ignore[misc]
    """Abstract in name only."""


class _Proven(BotFrameworkAuthentication):  # type: ignore[misc]
    """The door has verified the request: the SDK needs neither a secret nor a client."""

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> None:
        return None

    async def authenticate_request(self, activity: Activity, auth_header: str) -> AuthenticateRequestResult:
        raise NotImplementedError

    async def authenticate_streaming_request(
        self, auth_header: str, channel_id_header: str
    ) -> AuthenticateRequestResult:
        raise NotImplementedError

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> ConnectorFactory:
        raise NotImplementedError


class _NoConnector(ConnectorFactory):  # type: ignore[misc]
    """The SDK insists on something to send with; what we send goes another way (`answerloop/backends/teams_api.py`)."""

    async def create(self, service_url: str, audience: str) -> object:
        return object()
