"""Which of Teams' activities means what: each is stored, and then acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from answerloop.home import Home
from answerloop.teams.address import parts
from bot.payload import MalformedPayload, field, optional
from bot.rooms import Rooms
from bot.teams import dialogs
from bot.teams.actions import Actions
from bot.teams.heard import Activity, whereabouts
from bot.teams.messages import Messages
from bot.teams.places import Places
from bot.teams.reply import Reply, dialog, done

log = logging.getLogger(__name__)

NOT_AN_ADMIN = "Only those whom the operator named may change this (ANSWERLOOP_TEAMS_ADMINS)."
SETTINGS = "Settings of a channel"
UNKNOWN = Reply(404)


class TeamsApp:
    """Called with one activity whose sender the door has verified. Raises MalformedPayload, DatabaseUnavailable."""

    def __init__(
        self, messages: Messages, actions: Actions, rooms: Rooms, places: Places, home: Home, admins: frozenset[str]
    ) -> None:
        self._messages, self._actions = messages, actions
        self._rooms, self._places, self._home, self._admins = rooms, places, home, admins

    def __call__(self, activity: Activity) -> Reply | None:
        if optional(activity, "from", "role") == "bot":
            return None  # no loop can begin
        match activity.get("type"):
            case "invoke":
                return self._invoke(activity)
            case "message" if optional(activity, "text") or not activity.get("value"):
                self._messages.written(activity)
            case "messageUpdate" if _event(activity) in ("editMessage", "undeleteMessage"):
                self._messages.edited(activity)
            case "messageDelete":
                self._messages.deleted(activity)
            case "messageReaction":
                self._actions.reacted(activity)
            case "installationUpdate":
                self._installed(activity)
            case "conversationUpdate":
                self._changed(activity)
        return None

    def _invoke(self, activity: Activity) -> Reply:
        match activity.get("name"):
            case "adaptiveCard/action":
                return self._actions.clicked(activity)
            case "composeExtension/fetchTask" | "composeExtension/submitAction":
                return self._messages.chosen(activity)
            case "task/fetch" | "task/submit":
                return self._settings(activity)
        return UNKNOWN

    def _installed(self, activity: Activity) -> None:
        if str(activity.get("action", "")).startswith("remove"):
            self._messages.gone(activity)
        else:
            self._messages.come(activity)

    def _changed(self, activity: Activity) -> None:
        """Of the members of a conversation only we ourselves matter here; who reads along is asked when it matters."""
        us = field(activity, "recipient", "id")
        if us in _ids(activity, "membersAdded"):
            self._messages.come(activity)
        elif us in _ids(activity, "membersRemoved"):
            self._messages.gone(activity)

    # --- the settings of rooms

    def _settings(self, activity: Activity) -> Reply:
        """A dialog of two steps. Who is asking, Teams vouches for at each of them."""
        where = whereabouts(activity)
        if where.address.user not in self._admins:
            return done(NOT_AN_ADMIN)
        value = activity.get("value")
        data = value.get("data") if isinstance(value, Mapping) else None
        data = data if isinstance(data, Mapping) else {}
        tenant = where.address.tenant
        if chosen := optional(data, "settings_of"):
            return self._save(tenant, chosen, data, where.person)
        if chosen := optional(data, "room"):
            room = self._known(tenant, chosen)
            form = dialogs.room_form(room, self._rooms.settings_of(room.id), self._home.sources())
            return dialog(SETTINGS, form)
        return dialog(SETTINGS, dialogs.choose_room(self._places.rooms(tenant)))

    def _save(self, tenant: str, room_id: str, data: Mapping[str, Any], by: str) -> Reply:
        room = self._known(tenant, room_id)
        try:
            settings = dialogs.read_room_form(data, self._rooms.settings_of(room.id), self._home.sources())
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise MalformedPayload("not a form of ours") from None
        self._rooms.change(room.id, settings, by)
        return done("Saved.")

    def _known(self, tenant: str, room_id: str) -> Any:
        """A room of the same tenant where we are. Raises MalformedPayload."""
        try:
            known = self._places.known(room_id) if parts(room_id)[0] == tenant else None
        except ValueError:
            known = None
        if known is None or "kind" not in known.data:
            raise MalformedPayload("there is no such room")
        return known


def _event(activity: Activity) -> str | None:
    return optional(activity, "channelData", "eventType")


def _ids(activity: Activity, name: str) -> frozenset[str]:
    members = activity.get(name)
    listed = members if isinstance(members, list) else []
    found = (optional(member, "id") for member in listed if isinstance(member, Mapping))
    return frozenset(each for each in found if each)
