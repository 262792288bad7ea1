"""The models, the index and what else reads or writes text."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from answerloop.backends.redaction.models import model_of
from answerloop.db.repositories import alarms
from answerloop.endpoints import host_of
from answerloop.errors import ConfigurationError, DatabaseUnavailable
from answerloop.observability import MODEL_LOAD_SECONDS
from answerloop.ports import (
    AdaptedGenerator,
    AdapterStore,
    DocumentIndex,
    Embedder,
    Generator,
    GroundednessDetector,
    Redactor,
    Reranker,
)
from answerloop.settings import Settings
from workers.training import wiring as training
from workers.wiring.ground import Ground

if TYPE_CHECKING:
    from answerloop.backends.generator_fused import FusedGenerator
    from answerloop.backends.local_models.plan import Plan
    from answerloop.backends.weaviate_api import Address
    from workers.training.params import Params
    from workers.training.student import Student

ENDPOINT_ALARM = "endpoint"


class IndexKind(StrEnum):
    LANCEDB = "lancedb"
    WEAVIATE = "weaviate"


class Models(Ground):
    @cached_property
    def embedder(self) -> Embedder:
        from answerloop.backends.embedder_sentence_transformers import SentenceTransformersEmbedder
        from answerloop.backends.local_models.weights import embedder_folder

        folder = embedder_folder(self.settings.embedder)
        return SentenceTransformersEmbedder(folder, name=self.settings.embedder, device=self.settings.device)

    @cached_property
    def index(self) -> DocumentIndex:
        return self.index_in(IndexKind.WEAVIATE if self.settings.weaviate_url else IndexKind.LANCEDB)

    def index_in(self, kind: IndexKind) -> DocumentIndex:
        """Raises ConfigurationError for Weaviate when the settings do not say where it is."""
        if kind is IndexKind.LANCEDB:
            from answerloop.backends.index_lancedb import LanceDocumentIndex

            return LanceDocumentIndex(self.settings.state.index, self.embedder.name, self.embedder.dimension)
        from answerloop.backends.index_weaviate import WeaviateDocumentIndex

        return WeaviateDocumentIndex.at(
            weaviate_of(self.settings, self.settings.weaviate_url),
            self.embedder.name,
            self.embedder.dimension,
            quantisation=self.settings.weaviate_quantisation,
            prefix=self.settings.weaviate_prefix,
        )

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
        """Who speaks in the house, where no adapter does."""
        if self.settings.house_generator == "extractive":
            return self.fallback
        if self.settings.house_generator == "reader":
            from answerloop.backends.generator_reader import ReaderGenerator

            return ReaderGenerator()
        return self.language_model

    @property
    def second(self) -> Generator | None:
        """Speaks where nothing that an adapter says may be shown: the reader alone, since it takes no time."""
        return self.generator if self.settings.house_generator == "reader" else None

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
            attention=self.settings.attention,
            quantisation=self.settings.quantisation,
            threads=self.settings.threads,
            batch_size=self.settings.batch_size,
            batch_tokens=self.settings.batch_tokens,
            adapters=self.settings.state.adapters,
        )
        MODEL_LOAD_SECONDS.set(time.perf_counter() - started)
        return generator

    def put_language_model_away(self) -> None:
        """It takes much memory; the next one who needs it loads it again."""
        model = self.__dict__.pop("language_model", None)
        if model is not None and self.__dict__.get("generator") is model:
            del self.__dict__["generator"]
        if hasattr(model, "close"):
            model.close()

    @cached_property
    def endpoint_model(self) -> FusedGenerator:
        """The model behind the endpoint of the settings, as it is: what may leave is not asked here."""
        from answerloop.backends.generator_fused import FusedGenerator
        from answerloop.backends.generator_openai import OpenAIGenerator, Price
        from answerloop.backends.openai_adapters import VllmAdapters
        from answerloop.backends.openai_api import connect

        settings = self.settings
        client = connect(settings.openai_url, settings.openai_api_key.get_secret_value())
        adapters = None
        if settings.openai_adapters == "vllm":
            adapters = VllmAdapters(client, settings.state.adapters, settings.openai_adapters_folder, settings.model)
        model = OpenAIGenerator(
            client,
            settings.openai_model,
            window=settings.openai_window,
            seconds=settings.openai_seconds,
            price=Price(settings.openai_price_in, settings.openai_price_out),
            extra=settings.openai_extra,
            adapters=adapters,
        )
        return FusedGenerator(model, self._endpoint_fails, self._endpoint_is_well)

    def _endpoint_fails(self, because: str) -> None:
        text = f"The model {self.settings.openai_model} does not answer, so the house does: {because}"
        with suppress(DatabaseUnavailable), self.database.writing() as session:
            alarms.ring(session, ENDPOINT_ALARM, ENDPOINT_ALARM, text)

    def _endpoint_is_well(self) -> None:
        with suppress(DatabaseUnavailable), self.database.writing() as session:
            alarms.clear(session, ENDPOINT_ALARM)

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


def weaviate_of(settings: Settings, url: str) -> Address:
    from answerloop.backends.weaviate_api import Address

    if not url:
        raise ConfigurationError("Where is Weaviate? Set ANSWERLOOP_WEAVIATE_URL.")
    return Address(
        url,
        settings.weaviate_grpc_port,
        settings.weaviate_api_key.get_secret_value(),
        settings.weaviate_timeout_seconds,
    )


def check_index(settings: Settings) -> str:
    """Which index it is, and that it can be reached. Raises IndexUnavailable, ConfigurationError."""
    if not settings.weaviate_url:
        return f"LanceDB in {settings.state.index}"
    from answerloop.backends.weaviate_api import WeaviateApi

    api = WeaviateApi(weaviate_of(settings, settings.weaviate_url))
    try:
        return f"Weaviate {api.version()} at {settings.weaviate_url}"
    finally:
        api.close()


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


def _endpoint_of(settings: Settings) -> str:
    if settings.generator != "openai":
        return ""
    where = "outside" if settings.openai_leaves_the_house else "inside"
    groups = ", ".join(settings.outside_groups) or "nobody"
    may = f", asked for {groups}" if settings.openai_leaves_the_house else ""
    return f", {settings.openai_model} at {host_of(settings.openai_url)} ({where} the house{may})"


def _speaks_by_model(settings: Settings) -> bool:
    from answerloop.backends.adapters_folder import POINTER, read_pointer

    return settings.house_generator == "transformers" or bool(read_pointer(settings.state.adapters / POINTER).adapters)


def planned(settings: Settings) -> Plan:
    """What the language model would take. Raises ModelMissing, ConfigurationError."""
    from answerloop.backends.local_models import plan, weights
    from workers.training.params import load_params

    params = load_params(settings.training_params)
    try:
        embedder = Path(weights.embedder_folder(settings.embedder)) / "model.safetensors"
        embedder_bytes = float(embedder.stat().st_size)
    except OSError:
        embedder_bytes = 0.0
    wishes = plan.Wishes(
        device=settings.device,
        dtype=settings.dtype,
        attention=settings.attention,
        quantisation=settings.quantisation,
        batch_size=settings.batch_size,
        batch_tokens=settings.batch_tokens,
        embedder_bytes=embedder_bytes,
        rank=params.rank,
        tokens_per_batch=params.tokens_per_batch,
        precision=params.precision,
        gradient_checkpointing=params.gradient_checkpointing,
        qlora=params.qlora,
    )
    folder = weights.model_folder(settings.model, settings.effective_models_folder)
    return plan.plan(plan.shape_of(folder), wishes, plan.TorchProbe())


def check_models(settings: Settings) -> str:
    """Where the configured models are. Raises ModelMissing."""
    from answerloop.backends.local_models import weights

    embedder = weights.embedder_folder(settings.embedder)
    model_of(settings.redaction_language)
    embedder += _endpoint_of(settings)
    if not _speaks_by_model(settings):
        return f"embedder {embedder}, no language model"
    return f"embedder {embedder}, generator {weights.model_folder(settings.model, settings.effective_models_folder)}"
