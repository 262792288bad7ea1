"""A message is shown once: the one place that decides between posting, bringing up to date and looking for what was
posted without us learning its id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from answerloop.db.repositories import posts
from answerloop.db.repositories.posts import Step
from answerloop.db.session import Database
from answerloop.db.tables import Posted
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DeliveryUncertain
from answerloop.ports import ChatDelivery

BUSY_SECONDS = 2.0


class Posting:
    """Shows the message of a delivery or a notice."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self,
        table: type[Posted],
        row_id: str,
        chat: ChatDelivery,
        address: Mapping[str, Any],
        show: Callable[[str | None], str | None],
        *,
        place: Callable[[], str | None] | None = None,
        once: bool = False,
    ) -> None:
        """`show` is given the id of the message that is there, or None to post one, and returns its id.

        `place`, where it is given, posts a message that says nothing yet, and `show` gets its id when that was kept.
        What is shown `once` is not posted again where it perhaps stands and is not found.

        Raises DeliveryUnavailable when it has to be tried again, DeliveryImpossible when it never will succeed.
        """
        with self._database.writing(beside_others=True) as session:
            step, message_id = posts.begin(session, table, row_id)
        if step is Step.WAIT:
            raise DeliveryUnavailable("Somebody else is posting it.", retry_after_seconds=BUSY_SECONDS)
        if step is Step.LOOK_FIRST:
            message_id = self._found(table, row_id, chat, address)
            if message_id is None and once:
                self._not_posted(table, row_id, perhaps=True)
                raise DeliveryImpossible("It was perhaps shown, and is not shown twice.")
        if message_id is None:
            message_id = self._post(table, row_id, place or (lambda: show(None)))
            if place is None:
                return
        self._keep(table, row_id, show(message_id))

    def _post(self, table: type[Posted], row_id: str, post: Callable[[], str | None]) -> str | None:
        """The id of what is posted now, or was meanwhile by somebody else."""
        try:
            posted = post()
        except (DeliveryUnavailable, DeliveryImpossible) as error:
            self._not_posted(table, row_id, perhaps=isinstance(error, DeliveryUncertain))
            raise
        with self._database.writing(beside_others=True) as session:
            return posts.keep_first(session, table, row_id, posted)

    def _found(self, table: type[Posted], row_id: str, chat: ChatDelivery, address: Mapping[str, Any]) -> str | None:
        """What was posted without us learning its id; kept at once, so that it is not lost a second time."""
        try:
            found = chat.find(address, row_id)
        except (DeliveryUnavailable, DeliveryImpossible):
            self._not_posted(table, row_id, perhaps=True)
            raise
        if found is not None:
            self._keep(table, row_id, found)
        return found

    def _keep(self, table: type[Posted], row_id: str, message_id: str | None) -> None:
        with self._database.writing(beside_others=True) as session:
            posts.keep(session, table, row_id, message_id)

    def _not_posted(self, table: type[Posted], row_id: str, *, perhaps: bool) -> None:
        with self._database.writing(beside_others=True) as session:
            posts.not_posted(session, table, row_id, perhaps=perhaps)
