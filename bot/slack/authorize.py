"""Whose bot we are in a workspace, from our own records: no call to Slack stands before an acknowledgement."""

from __future__ import annotations

import logging
from collections.abc import Callable

from slack_bolt.authorization import AuthorizeResult

from answerloop.errors import DeliveryImpossible, DeliveryUnavailable
from answerloop.observability import UNKNOWN_WORKSPACES

log = logging.getLogger(__name__)


def authorizer(token: Callable[[str], str], bot_user: Callable[[str], str]) -> Callable[..., AuthorizeResult | None]:
    """What Bolt asks for every request; a function, since Bolt reads its arguments' names."""

    def who_we_are(workspace: str) -> str | None:
        try:
            return bot_user(workspace)
        except DeliveryUnavailable:
            return None  # a mention says so by its type of event

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult | None:
        """None for a workspace that is not ours: it is counted and gets nothing."""
        workspace = team_id or ""
        try:
            return AuthorizeResult(
                enterprise_id=enterprise_id,
                team_id=team_id,
                bot_user_id=who_we_are(workspace),
                bot_token=token(workspace),
            )
        except DeliveryImpossible:
            UNKNOWN_WORKSPACES.inc()
            log.warning("request of a workspace that has not installed us", extra={"workspace": team_id})
            return None

    return authorize
