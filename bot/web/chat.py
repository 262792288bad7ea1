"""The API of the chat page. Plain `def` routes run in threads, so the database may take its time."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from answerloop.domain import FeedbackReason, InboundQuestion, Thumb
from answerloop.ports import Directory
from answerloop.settings import Settings
from answerloop.web.identity import CurrentAsker
from bot.feedback import FeedbackBox
from bot.intake import Intake
from bot.web.events import AnswerStream
from bot.web.snapshots import CHANNEL, Snapshot, Snapshots


class AskBody(BaseModel):
    """`client_key` is the browser's own name for the message: sent again with it, it is still the same question."""

    model_config = ConfigDict(extra="forbid")

    text: str
    conversation: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = None
    client_key: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")] = None


class FeedbackBody(BaseModel):
    """A thumb alone leaves what was said before; with anything else, be it empty, it is the whole of what somebody
    says now."""

    model_config = ConfigDict(extra="forbid")

    thumb: Thumb
    reason: FeedbackReason | None = None
    comment: str | None = None
    correction: str | None = None
    source: str | None = None


class ChatApi:
    """The routes under `/api`, with what they need."""

    def __init__(
        self,
        settings: Settings,
        intake: Intake,
        feedback: FeedbackBox,
        directory: Directory,
        snapshots: Snapshots,
        stream: AnswerStream,
    ) -> None:
        self._settings = settings
        self._intake = intake
        self._feedback = feedback
        self._directory = directory
        self._snapshots = snapshots
        self._stream = stream

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/api")
        add = partial(router.add_api_route, response_model=None)
        add("/me", self.me)
        add("/chat/questions", self.ask, methods=["POST"], status_code=202)
        add("/chat/questions/{question_id}", self.question)
        add("/chat/questions/{question_id}/events", self.events)
        add("/chat/answers/{answer_id}/feedback", self.give_feedback, methods=["POST"], status_code=204)
        add("/chat/conversations", self.conversations)
        add("/chat/conversations/{conversation_id}", self.conversation)
        return router

    def me(self, asker: CurrentAsker) -> dict[str, object]:
        person = self._directory.person(asker.id)
        return {
            "id": asker.id,
            "name": person.name,
            "development": asker.development,
            "session": asker.session,
            "max_question_characters": self._settings.max_question_characters,
        }

    def ask(self, body: AskBody, asker: CurrentAsker) -> dict[str, str]:
        key = self._snapshots.conversation_key(body.conversation, asker.id) if body.conversation else uuid4().hex
        accepted = self._intake.accept(
            InboundQuestion(
                channel=CHANNEL,
                tenant=self._settings.tenant,
                asker=asker.id,
                conversation_key=key,
                text=body.text,
                message_keys=(_message_key(asker.id, body.client_key or uuid4().hex),),
            )
        )
        return {"question_id": accepted.question_id, "conversation_id": accepted.conversation_id}

    def question(self, question_id: str, asker: CurrentAsker) -> Snapshot:
        return self._snapshots.of_question(question_id, asker.id)

    def events(self, question_id: str, asker: CurrentAsker) -> StreamingResponse:
        self._snapshots.of_question(question_id, asker.id)
        return StreamingResponse(
            self._stream.events(question_id, asker.id),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    def give_feedback(self, answer_id: str, body: FeedbackBody, asker: CurrentAsker) -> None:
        self._feedback.give(
            asker.id,
            answer_id,
            body.thumb,
            body.reason,
            body.correction,
            comment=body.comment,
            source=body.source,
            whole=body.model_fields_set > {"thumb"},
        )

    def conversations(self, asker: CurrentAsker) -> dict[str, object]:
        return {"conversations": self._snapshots.conversations(asker.id)}

    def conversation(self, conversation_id: str, asker: CurrentAsker) -> dict[str, object]:
        return self._snapshots.conversation(conversation_id, asker.id)


def _message_key(person: str, client_key: str) -> str:
    """Two people's browsers may choose the same key, so the person is part of it."""
    return f"{CHANNEL}:{hashlib.sha256(person.encode()).hexdigest()[:32]}:{client_key}"
