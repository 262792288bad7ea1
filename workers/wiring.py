"""Which backend stands behind each port of the workers. Everything heavy is built on first use."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from celery import Celery

from answerloop.backends.chat_web import WebChatDelivery
from answerloop.backends.directory_by_channel import ChannelDirectory
from answerloop.backends.directory_file import FileDirectory
from answerloop.backends.notifier_chat import notifier_of
from answerloop.backends.queue_celery import CeleryTaskQueue, make_worker_app
from answerloop.backends.redaction.models import model_of
from answerloop.chat.sources import source_url
from answerloop.db.eraser import Eraser
from answerloop.db.repositories import alarms
from answerloop.db.session import Database
from answerloop.domain import HomeFacts
from answerloop.heartbeat import Heartbeat
from answerloop.home import Home
from answerloop.observability import MODEL_LOAD_SECONDS
from answerloop.ports import (
    AdaptedGenerator,
    AdapterStore,
    ChatDelivery,
    Directory,
    DocumentIndex,
    Embedder,
    Generator,
    GroundednessDetector,
    Notifier,
    Redactor,
    Reranker,
)
from answerloop.secrets import key_of
from answerloop.settings import Settings
from answerloop.slack import address as slack_address
from answerloop.slack.rendered import Style
from answerloop.teams import address as teams_address
from workers import schedule, tasks
from workers.answering.bursts import BurstWatch
from workers.answering.correct import CorrectionDesk
from workers.answering.curated import CuratedAnswers
from workers.answering.curated_upkeep import CuratedUpkeep
from workers.answering.deliver import DeliveryDesk
from workers.answering.desk import AnswerDesk
from workers.answering.guard import Guard
from workers.answering.nearest import NearestExamples
from workers.answering.pipeline import Limits, Pipeline
from workers.answering.recover import Recovery
from workers.answering.retrieve import Retriever
from workers.answering.safety import Triage
from workers.answering.sample import Plan, Sampler
from workers.answering.speakers import Cast
from workers.herald import Herald
from workers.indexing.sync import Indexer
from workers.training import wiring as training
from workers.training.canary import CanaryWatch, Rule
from workers.training.manners import Manners
from workers.training.promote import Promotion

if TYPE_CHECKING:
    from answerloop.backends.directory_teams import TeamsDirectory
    from answerloop.backends.slack_checkup import SlackCheckup
    from answerloop.backends.teams_api import TeamsApi
    from answerloop.backends.teams_checkup import TeamsCheckup
    from answerloop.backends.tokens_slack import SlackTokens
    from workers.training.nightly import Nightly
    from workers.training.params import Params
    from workers.training.student import Student

T = TypeVar("T")

LATE_SHARE = 0.5
"""Of the deadline of an answer: a canary that takes longer has nearly been cut off."""


class Workshop:
    """The parts of the workers. A part is built once, by the first thread that needs it."""

    def __init__(self, settings: Settings, name: str) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        self.settings = settings
        self.database = Database(settings.effective_database_url)
        self.heartbeat = Heartbeat(self.database, name, settings.lease_seconds / 3)
        self._lock = threading.RLock()

    # --- ports

    @cached_property
    def celery(self) -> Celery:
        app = make_worker_app(self.settings.effective_broker_url)
        app.conf.beat_schedule = schedule.beat_schedule(
            self.settings.sync_interval_seconds, self.settings.review, nightly=self.settings.nightly
        )
        tasks.register(app, self)
        return app

    @cached_property
    def queue(self) -> CeleryTaskQueue:
        return CeleryTaskQueue(self.settings.effective_broker_url)

    @cached_property
    def directory(self) -> Directory:
        settings = self.settings
        people = FileDirectory(settings.directory_file, settings.tenant)
        by_channel: dict[str, Directory] = {}
        if settings.slack != "off":
            from answerloop.backends.directory_slack import SlackDirectory

            by_channel["slack"] = SlackDirectory(
                self.slack_tokens, people, settings.tenant, api_url=settings.slack_api_url
            )
        if settings.teams != "off":
            by_channel["teams"] = self.teams_directory
        return ChannelDirectory(by_channel, people) if by_channel else people

    @cached_property
    def teams_api(self) -> TeamsApi:
        from answerloop.backends.teams_api import TeamsApi
        from answerloop.backends.teams_credentials import tokens

        settings = self.settings
        settings.require_teams()  # whose employees somebody is must not be guessed for lack of a setting
        return TeamsApi(tokens(settings), settings.teams_service_hosts, development=settings.teams == "development")

    @cached_property
    def teams_directory(self) -> TeamsDirectory:
        from answerloop.backends.directory_graph import GraphPeople
        from answerloop.backends.directory_teams import TeamsDirectory, known_places
        from answerloop.backends.teams_credentials import GRAPH_SCOPE, tokens

        settings = self.settings
        people = FileDirectory(settings.directory_file, settings.tenant)
        graph = None
        if settings.teams_graph_url:
            graph = GraphPeople(tokens(settings, GRAPH_SCOPE), settings.teams_graph_url)
        return TeamsDirectory(
            self.teams_api,
            people,
            known_places(self.database),
            settings.tenant,
            graph,
            home=settings.teams_tenant_id,
        )

    @cached_property
    def slack_tokens(self) -> SlackTokens:
        from answerloop.backends.tokens_slack import SlackTokens

        return SlackTokens.of(self.settings, self.database)

    @cached_property
    def embedder(self) -> Embedder:
        from answerloop.backends.embedder_sentence_transformers import SentenceTransformersEmbedder
        from answerloop.backends.local_models.weights import embedder_folder

        folder = embedder_folder(self.settings.embedder)
        return SentenceTransformersEmbedder(folder, name=self.settings.embedder, device=self.settings.device)

    @cached_property
    def index(self) -> DocumentIndex:
        from answerloop.backends.index_lancedb import LanceDocumentIndex

        return LanceDocumentIndex(self.settings.state.index, self.embedder.name, self.embedder.dimension)

    @cached_property
    def reranker(self) -> Reranker | None:
        if not self.settings.reranker:
            return None
        from answerloop.backends.local_models.weights import folder_or_hub_id
        from answerloop.backends.reranker_cross_encoder import CrossEncoderReranker

        folder = folder_or_hub_id(self.settings.reranker)
        return CrossEncoderReranker(folder, name=self.settings.reranker, device=self.settings.device)

    @cached_property
    def generator(self) -> Generator:
        if self.settings.generator == "extractive":
            return self.fallback
        if self.settings.generator == "reader":
            from answerloop.backends.generator_reader import ReaderGenerator

            return ReaderGenerator()
        return self.language_model

    @cached_property
    def language_model(self) -> AdaptedGenerator:
        from answerloop.backends.generator_transformers import TransformersGenerator
        from answerloop.backends.local_models.weights import model_folder

        started = time.perf_counter()
        generator = TransformersGenerator.load(
            model_folder(self.settings.model, self.settings.effective_models_folder),
            name=self.settings.model,
            device=self.settings.device,
            dtype=self.settings.dtype,
            threads=self.settings.threads,
            batch_size=self.settings.batch_size,
            adapters=self.settings.state.adapters,
        )
        MODEL_LOAD_SECONDS.set(time.perf_counter() - started)
        return generator

    def student(self, params: Params) -> Student:
        """The language model once more, to be changed by a training: one for each."""
        from answerloop.backends.local_models.student import LocalStudent
        from answerloop.backends.local_models.weights import model_folder

        return LocalStudent.load(
            model_folder(self.settings.model, self.settings.effective_models_folder),
            name=self.settings.model,
            device=self.settings.device,
            dtype=params.precision,
            qlora=params.qlora,
        )

    @cached_property
    def adapters(self) -> AdapterStore:
        return training.adapter_store(self.settings)

    @cached_property
    def fallback(self) -> Generator:
        from answerloop.backends.generator_extractive import ExtractiveGenerator

        return ExtractiveGenerator()

    @cached_property
    def groundedness(self) -> GroundednessDetector:
        if self.settings.groundedness == "nli":
            from answerloop.backends.groundedness_nli import NliGroundednessDetector
            from answerloop.backends.local_models.weights import model_folder

            folder = model_folder(self.settings.groundedness_model, self.settings.effective_models_folder)
            return NliGroundednessDetector.load(folder, device=self.settings.device, dtype=self.settings.dtype)
        from answerloop.backends.groundedness_mixed import MixedGroundednessDetector

        return MixedGroundednessDetector()

    @cached_property
    def redactor(self) -> Redactor:
        from answerloop.backends.redactor_presidio import PresidioRedactor

        settings = self.settings
        return PresidioRedactor(settings.masked_types, settings.redaction_language, settings.redaction_regions)

    # --- rooms

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
        return Pipeline(self.retriever, self.cast, self.fallback, self.guard, limits, self.triage, self.curated)

    @cached_property
    def cast(self) -> Cast:
        # not by _once: while the model loads, nobody must wait for other parts
        return Cast(
            self.generator, lambda: self.language_model, self.adapters.serving, self._ring, self.settings.tenant
        )

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
    def channels(self) -> list[ChatDelivery]:
        settings = self.settings
        built: list[ChatDelivery] = [WebChatDelivery()]
        if settings.slack != "off":
            built.append(self._slack())
        if settings.teams != "off":
            built.append(self._teams())
        return built

    def _slack(self) -> ChatDelivery:
        settings = self.settings
        from answerloop.backends.chat_slack import SlackDelivery
        from answerloop.backends.rates_redis import RedisRateLimiter

        return SlackDelivery(
            self.slack_tokens,
            RedisRateLimiter(settings.effective_broker_url),
            api_url=settings.slack_api_url,
            style=Style(settings.slack_blocks),
            source_url=partial(source_url, settings.public_url),
            messages_per_second=settings.slack_messages_per_second,
            updates_per_minute=settings.slack_updates_per_minute,
        )

    def _teams(self) -> ChatDelivery:
        settings = self.settings
        from answerloop.backends.chat_teams import TeamsDelivery
        from answerloop.backends.rates_redis import RedisRateLimiter

        return TeamsDelivery(
            self.teams_api,
            RedisRateLimiter(settings.effective_broker_url),
            source_url=partial(source_url, settings.public_url),
            names=self.teams_directory.name_of,
            messages_per_second=settings.teams_messages_per_second,
        )

    def slack_checkup(self) -> SlackCheckup:
        from answerloop.backends.slack_checkup import SlackCheckup

        return SlackCheckup(self.settings, self.slack_tokens, self.database)

    def teams_checkup(self) -> TeamsCheckup:
        from answerloop.backends.teams_checkup import TeamsCheckup
        from answerloop.backends.teams_credentials import tokens

        return TeamsCheckup(self.settings, self.database, lambda scope: tokens(self.settings, scope))

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

    def _once(self, build: Callable[[], T]) -> T:
        with self._lock:
            return build()

    # --- doors (see workers.tasks)

    def answer(self, question_id: str) -> None:
        self._once(lambda: self.answer_desk).answer(question_id)

    def deliver(self, question_id: str) -> None:
        self._once(lambda: self.delivery_desk).deliver(question_id)

    def recover(self) -> None:
        self._once(lambda: self.recovery).recover()

    def tell_alarms(self) -> None:
        self._once(lambda: self.herald).tell()

    def night(self) -> None:
        self._once(lambda: self.nightly).tick()

    def sample(self) -> None:
        self._once(lambda: self.bursts).look()
        self._once(lambda: self.sampler).sample()

    def finish_erasures(self) -> None:
        self._once(lambda: self.eraser).finish()

    def retain(self) -> None:
        if self.settings.retention_days:
            self._once(lambda: self.eraser).older_than(self.settings.retention_days)

    def watch_canary(self) -> None:
        if self.settings.retire_tainted:
            self._once(lambda: self.promotion).retire_tainted()
        self._once(lambda: self.canary_watch).look()

    def forget_documents(self, receipt_id: str) -> None:
        self._once(lambda: self.indexer).forget(receipt_id)

    def progress(self, question_id: str) -> None:
        self._once(lambda: self.delivery_desk).progress(question_id)

    def withdraw(self, question_id: str) -> None:
        self._once(lambda: self.delivery_desk).withdraw(question_id)

    def notify(self, notice_id: str) -> None:
        self._once(lambda: self.delivery_desk).notify(notice_id)

    def correct(self, answer_id: str) -> None:
        self._once(lambda: self.correction_desk).correct(answer_id)

    def keep_curated(self) -> None:
        self._once(lambda: self.curated_upkeep).run()

    def sync_source(self, source_id: str) -> None:
        self._once(lambda: self.indexer).sync(source_id)

    def sync_all(self) -> None:
        self._once(lambda: self.indexer).sync_all()

    def warm_up(self, queues: tuple[str, ...]) -> None:
        """Load what these queues need before the first job comes, so that nobody waits for a model."""
        if "answer" in queues:
            self._once(lambda: self.answer_desk)
            self._once(lambda: self.cast).warm_up()
        if "index" in queues:
            self._once(lambda: self.indexer)

    def wind_up(self, **_: object) -> None:
        """The process is asked to end: what takes hours breaks off, and goes on in the next one."""
        self.manners.stop()

    def close(self) -> None:
        """Let go of what holds threads or connections."""
        for name in {"generator", "language_model"} & set(self.__dict__):
            if hasattr(generator := getattr(self, name), "close"):
                generator.close()
        self.database.dispose()


def prepare_models(settings: Settings, report: Callable[[str], None]) -> None:
    """Make the default models ready to load. Raises ModelMissing, ConfigurationError."""
    from answerloop.backends.local_models import weights

    model_of(settings.redaction_language)
    if settings.embedder == weights.DEFAULT_EMBEDDER:
        weights.verify_embedder()
    if _speaks_by_model(settings):
        prepare_language_model(settings, report)


def prepare_language_model(settings: Settings, report: Callable[[str], None]) -> None:
    """Raises ModelMissing, ConfigurationError."""
    from answerloop.backends.local_models import weights

    if settings.model == weights.DEFAULT_MODEL:
        weights.prepare_default_model(settings.effective_models_folder, report)


def _speaks_by_model(settings: Settings) -> bool:
    from answerloop.backends.adapters_folder import POINTER, read_pointer

    return settings.generator == "transformers" or bool(read_pointer(settings.state.adapters / POINTER).adapters)


def check_models(settings: Settings) -> str:
    """Where the configured models are. Raises ModelMissing."""
    from answerloop.backends.local_models import weights

    embedder = weights.embedder_folder(settings.embedder)
    model_of(settings.redaction_language)
    if not _speaks_by_model(settings):
        return f"embedder {embedder}, no language model"
    return f"embedder {embedder}, generator {weights.model_folder(settings.model, settings.effective_models_folder)}"
