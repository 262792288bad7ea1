"""Whose bot we are in a workspace, from our own records: no call to Slack stands before an acknowledgement."""

from __future__ import annotations

import logging
from collections.abc import Callable

from slack_bolt.authorization import AuthorizeResult

from answerloop.errors import DeliveryImpossible
from answerloop.observability import UNKNOWN_WORKSPACES

log = logging.getLogger(__name__)


def authorizer(known: Callable[[str], tuple[str, str | None]]) -> Callable[..., AuthorizeResult | None]:
    """What Bolt asks for every request; a function, since Bolt reads its arguments' names. `known` are the token and,
    when we have learnt it, the bot user of a workspace."""

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult | None:
        """None for a workspace that is not ours: it is counted and gets nothing."""
        try:
            token, bot_user = known(team_id or "")
        except DeliveryImpossible:
            UNKNOWN_WORKSPACES.inc()
            log.warning("request of a workspace that has not installed us", extra={"workspace": team_id})
            return None
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_user_id=bot_user, bot_token=token)

    return authorize
