"""What people do about an answer besides rating it: ask for a human, take it back, share it, offer a better one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from answerloop.db import outbox
from answerloop.db.repositories import answers, deliveries, escalations, notices, questions
from answerloop.db.repositories.answers import AnswerView
from answerloop.db.session import Database
from answerloop.db.tables import OutboxRow
from answerloop.domain import InboundQuestion, NoticeKind
from answerloop.errors import NotAllowed, NotFound
from answerloop.ports import TaskQueue
from answerloop.tasks import deliver_answer, deliver_notice, withdraw_answer
from bot.feedback import FeedbackBox, seen_by
from bot.intake import Intake


@dataclass(frozen=True, slots=True)
class Call:
    """A call for help: where it is shown, and whom it tags. `room` is how the directory knows that place."""

    address: dict[str, Any]
    people: tuple[str, ...]
    room: str | None = None


Helpers = Callable[[str | None, Mapping[str, Any]], Sequence[Call]]
"""The calls for help for a question that was asked in this room, at this address."""


class AnswerActions:
    """Every method raises NotFound for an answer that this person cannot see."""

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        intake: Intake,
        helpers: Helpers,
        feedback: FeedbackBox | None = None,
    ) -> None:
        self._database = database
        self._queue = queue
        self._intake = intake
        self._helpers = helpers
        self._feedback = feedback or FeedbackBox(database)

    def tell(self, channel: str, address: Mapping[str, Any], kind: NoticeKind, text: str, key: str,
             people: Sequence[str] = ()) -> None:  # fmt: skip
        """Tell somebody something, once for each key."""
        with self._database.writing() as session:
            notice = notices.write(session, key, kind, channel, address, text=text, people=people)
            jobs = [outbox.write(session, deliver_notice(notice))] if notice else []
        outbox.send(self._database, self._queue, jobs)

    def ask_human(
        self, answer_id: str, person: str, room: str | None, renewed: Mapping[str, Any] | None = None
    ) -> None:
        """Tag the people who are there for this. A second time changes nothing. `renewed` is what the platform brought
        along of the address of an answer that its asker alone sees."""
        with self._database.writing() as session:
            answer = seen_by(answers.view_of_answer(session, answer_id), person, room)
            self._renew(session, answer, person, renewed)
            if not escalations.ask(session, answer.question_id, person):
                return
            calls = self._helpers(answer.room, deliveries.address_of(session, answer.question_id))
            if not calls:
                raise NotAllowed("I know nobody here whom I could ask for you.")
            jobs = self._shown_anew(session, answer.question_id)
            for number, call in enumerate(calls):
                notice = notices.write(
                    session,
                    f"escalation:{answer.question_id}:{number}",
                    NoticeKind.ESCALATION,
                    answer.channel,
                    call.address,
                    people=call.people,
                    room=call.room,
                    question_id=answer.question_id,
                )
                jobs += [outbox.write(session, deliver_notice(notice))] if notice else []
        outbox.send(self._database, self._queue, jobs)

    def resolve(self, answer_id: str, person: str, room: str | None) -> None:
        """Whoever was tagged, or is where the call for help stands, may say that it is taken care of."""
        with self._database.writing() as session:
            answer = answers.view_of_answer(session, answer_id)
            if answer is None:
                raise NotFound("There is no such answer.")
            may = person == answer.asker or (room is not None and room == answer.room)
            if not may and not notices.reaches(session, NoticeKind.ESCALATION, answer.question_id, person, room):
                raise NotFound("There is no such answer.")
            if not escalations.resolve(session, answer.question_id, person):
                return
            jobs = self._shown_anew(session, answer.question_id)
            for notice in notices.redo(session, NoticeKind.ESCALATION, answer.question_id):
                jobs.append(outbox.write(session, deliver_notice(notice)))
        outbox.send(self._database, self._queue, jobs)

    def retract(self, answer_id: str, person: str, renewed: Mapping[str, Any] | None = None) -> None:
        """The asker takes the answer back. Raises NotAllowed for everybody else. `renewed` as for `ask_human`."""
        with self._database.writing() as session:
            answer = answers.view_of_answer(session, answer_id)
            if answer is None:
                raise NotFound("There is no such answer.")
            if answer.asker != person:
                raise NotAllowed("Only the person who asked can take the answer back.")
            if answers.retract(session, answer_id) is None:
                return
            self._renew(session, answer, person, renewed)
            deliveries.redo(session, answer.question_id)
            job = outbox.write(session, withdraw_answer(answer.question_id))
        outbox.send(self._database, self._queue, [job])

    def share(self, answer_id: str, person: str, inbound: Callable[[str, dict[str, Any]], InboundQuestion]) -> None:
        """Ask the same question where everybody reads along: it is answered with what all of them may read.

        Raises NotAllowed when it was shared before, or may not be, and as `Intake.accept` does.
        """
        with self._database.reading() as session:
            answer = seen_by(answers.view_of_answer(session, answer_id), person, None)
            address = deliveries.address_of(session, answer.question_id)
        if not self._intake.accept(inbound(answer.question, address)).fresh:
            raise NotAllowed("You have shared this already.")

    def offer_suggestion(
        self, channel: str, conversation_key: str, address: Mapping[str, Any], person: str, text: str, key: str
    ) -> None:
        """Somebody else has replied below an answer that they see: would they have it become the better answer?"""
        with self._database.writing() as session:
            question = questions.last_answered(session, channel, conversation_key)
            if question is None or question.asker == person or question.room is None:
                return
            notice = notices.write(
                session,
                f"suggestion:{key}",
                NoticeKind.SUGGESTION,
                channel,
                address,
                text=text,
                people=(person,),
                question_id=question.question_id,
            )
            jobs = [outbox.write(session, deliver_notice(notice))] if notice else []
        outbox.send(self._database, self._queue, jobs)

    def accept_suggestion(self, notice_id: str, person: str) -> None:
        """Raises NotFound unless it was this person's own reply."""
        with self._database.writing() as session:
            found = notices.suggestion(session, notice_id)
            if found is None or person not in found.people:
                raise NotFound("There is no such suggestion.")
            answer = answers.view(session, found.question_id)
            if answer is None or answer.retracted:
                raise NotFound("There is no such answer.")
            self._feedback.suggest(session, person, answer.answer_id, found.text)

    def suggest(self, channel: str, conversation_key: str, person: str, room: str | None, text: str) -> None:
        """This text is a better answer than the last one of the conversation."""
        with self._database.writing() as session:
            question = questions.last_answered(session, channel, conversation_key)
            found = answers.view(session, question.question_id) if question else None
            answer = seen_by(found, person, room)
            self._feedback.suggest(session, person, answer.answer_id, text)

    def _renew(self, session: Any, answer: AnswerView, person: str, renewed: Mapping[str, Any] | None) -> None:
        if renewed and answer.room is None and answer.asker == person:
            deliveries.renew_address(session, answer.question_id, renewed)

    def _shown_anew(self, session: Any, question_id: str) -> list[OutboxRow]:
        deliveries.redo(session, question_id)
        return [outbox.write(session, deliver_answer(question_id))]
