"""The rooms in which the workers' jobs are done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from answerloop.backends.generator_outside import OutsideGenerator
from answerloop.backends.notifier_chat import notifier_of
from answerloop.backends.queue_celery import CeleryTaskQueue
from answerloop.db.eraser import Eraser
from answerloop.db.repositories import alarms
from answerloop.domain import HomeFacts
from answerloop.heartbeat import Heartbeat
from answerloop.home import Home
from answerloop.ports import Notifier
from answerloop.secrets import key_of
from answerloop.settings import Settings
from answerloop.slack import address as slack_address
from answerloop.teams import address as teams_address
from workers.answering.bursts import BurstWatch
from workers.answering.correct import CorrectionDesk
from workers.answering.curated import CuratedAnswers
from workers.answering.curated_upkeep import CuratedUpkeep
from workers.answering.deliver import DeliveryDesk
from workers.answering.desk import AnswerDesk
from workers.answering.guard import Guard
from workers.answering.nearest import NearestExamples
from workers.answering.outside import Door, Endpoint
from workers.answering.pipeline import Limits, Pipeline
from workers.answering.recover import Recovery
from workers.answering.retrieve import Retriever
from workers.answering.safety import Triage
from workers.answering.sample import Plan, Sampler
from workers.answering.speakers import Cast
from workers.herald import Herald
from workers.indexing.sync import Indexer
from workers.training.canary import CanaryWatch, Rule
from workers.training.manners import Manners
from workers.training.promote import Promotion
from workers.wiring.models import Models
from workers.wiring.platforms import Platforms

if TYPE_CHECKING:
    from workers.training.nightly import Nightly

LATE_SHARE = 0.5
"""Of the deadline of an answer: a canary that takes longer has nearly been cut off."""


class Rooms(Models, Platforms):
    def __init__(self, settings: Settings, name: str) -> None:
        super().__init__(settings)
        self.heartbeat = Heartbeat(self.database, name, settings.lease_seconds / 3, settings.alive_file)

    @cached_property
    def queue(self) -> CeleryTaskQueue:
        return CeleryTaskQueue(self.settings.effective_broker_url)

    @cached_property
    def retriever(self) -> Retriever:
        return Retriever(self.index, self.embedder, self.database, self.settings.passages, self.reranker)

    @cached_property
    def guard(self) -> Guard:
        return Guard(self.groundedness, self.settings.grounded_threshold)

    @cached_property
    def pipeline(self) -> Pipeline:
        settings = self.settings
        limits = Limits(
            answer_threshold=settings.answer_threshold,
            sure_threshold=settings.sure_threshold,
            max_new_tokens=settings.max_new_tokens,
            deadline_seconds=settings.answer_deadline_seconds,
        )
        return Pipeline(
            self.retriever,
            self.cast,
            self.fallback,
            self.guard,
            limits,
            self.triage,
            self.curated,
            self.endpoint,
            self.generator if self._adapters_speak_there else None,
        )

    @cached_property
    def cast(self) -> Cast:
        # not by _once: while the model loads, nobody must wait for other parts
        serving, tenant = self.adapters.serving, self.settings.tenant
        if self._adapters_speak_there:
            return Cast(
                self.endpoint_model, lambda: self.endpoint_model, serving, self._ring, tenant, second=self.second
            )
        return Cast(self.generator, lambda: self.language_model, serving, self._ring, tenant, second=self.second)

    @property
    def _adapters_speak_there(self) -> bool:
        return self.settings.generator == "openai" and self.settings.openai_adapters != "off"

    @cached_property
    def endpoint(self) -> Endpoint | None:
        """Who is asked before those of the house. One that stands outside is reached through the rule and the mask
        alone."""
        settings = self.settings
        if settings.generator != "openai" or self._adapters_speak_there:
            return None
        if not settings.leaves_the_house:
            return Endpoint(self.endpoint_model)
        door = Door(self.database, settings.tenant, settings.outside_groups)
        return Endpoint(OutsideGenerator(self.endpoint_model, self.redactor), door)

    def _ring(self, key: str, kind: str, text: str) -> None:
        with self.database.writing() as session:
            alarms.ring(session, key, kind, text)

    @cached_property
    def curated(self) -> CuratedAnswers:
        return CuratedAnswers(self.database, self.embedder, self.settings.curated_threshold)

    @cached_property
    def triage(self) -> Triage:
        settings = self.settings
        return Triage(
            settings.contacts_by_concern,
            settings.human_contact,
            settings.emergency_text,
            NearestExamples(self.embedder, settings.state.examples),
        )

    @cached_property
    def answer_desk(self) -> AnswerDesk:
        return AnswerDesk(
            self.database,
            self.queue,
            self.pipeline,
            self.directory,
            self.heartbeat,
            timedelta(seconds=self.settings.lease_seconds),
            self.settings.history_turns,
            self.redactor,
            self.embedder,
        )

    @cached_property
    def delivery_desk(self) -> DeliveryDesk:
        reminder = timedelta(hours=self.settings.reminder_hours)
        return DeliveryDesk(self.database, self.queue, self.channels, self.directory, reminder, self._home_of)

    def _home_of(self, channel: str, person_id: str) -> HomeFacts:
        facts = Home(self.database, self.directory, self.settings.tenant).facts(channel, person_id)
        return replace(facts, admin=person_id.rpartition(":")[2] in self.settings.teams_admins)

    @cached_property
    def correction_desk(self) -> CorrectionDesk:
        return CorrectionDesk(
            self.database,
            self.queue,
            self.directory,
            {"slack": slack_address.to_person, "teams": teams_address.to_person},
        )

    @cached_property
    def curated_upkeep(self) -> CuratedUpkeep:
        return CuratedUpkeep(self.database, self.queue)

    @cached_property
    def recovery(self) -> Recovery:
        return Recovery(self.database, self.queue)

    @cached_property
    def eraser(self) -> Eraser:
        state = self.settings.state
        return Eraser(self.database, key_of(state.receipt_key), state.logs, state.datasets)

    @cached_property
    def bursts(self) -> BurstWatch:
        return BurstWatch(self.database)

    @cached_property
    def notifier(self) -> Notifier:
        return notifier_of(self.settings, self.database, self.queue)

    @cached_property
    def herald(self) -> Herald:
        return Herald(self.database, self.notifier)

    @cached_property
    def manners(self) -> Manners:
        return Manners(self.database)

    @cached_property
    def nightly(self) -> Nightly:
        from workers.training.night_wiring import nightly

        return nightly(self, self.manners)

    @cached_property
    def sampler(self) -> Sampler:
        return Sampler(self.database, Plan.of(self.settings))

    @cached_property
    def promotion(self) -> Promotion:
        return Promotion(self.database, self.adapters)

    @cached_property
    def canary_watch(self) -> CanaryWatch:
        settings = self.settings
        late = LATE_SHARE * settings.answer_deadline_seconds
        return CanaryWatch(self.database, self.promotion, Rule(settings.canary_answers, settings.canary_days, late))

    @cached_property
    def indexer(self) -> Indexer:
        return Indexer(
            self.database,
            self.index,
            self.embedder,
            chunk_tokens=min(self.settings.chunk_tokens, self.embedder.max_tokens),
            max_document_bytes=self.settings.max_document_bytes,
        )
