"""The default models pass the suites that every generator and embedder passes."""

from collections.abc import Iterator

import pytest

from answerloop.backends.embedder_sentence_transformers import SentenceTransformersEmbedder
from answerloop.backends.generator_transformers import TransformersGenerator
from answerloop.backends.local_models.weights import DEFAULT_EMBEDDER, DEFAULT_MODEL, embedder_folder, model_folder
from answerloop.testing.installation import CHECKOUT
from answerloop.testing.port_suites import EmbedderSuite, ModelGeneratorSuite

pytestmark = pytest.mark.model


class TestDefaultGenerator(ModelGeneratorSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def generator(cls) -> Iterator[TransformersGenerator]:
        folder = model_folder(DEFAULT_MODEL, CHECKOUT / ".answerloop" / "models")
        generator = TransformersGenerator.load(folder, name=DEFAULT_MODEL, dtype="float32")
        yield generator
        generator.close()


class TestDefaultEmbedder(EmbedderSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def embedder(cls) -> SentenceTransformersEmbedder:
        return SentenceTransformersEmbedder(embedder_folder(DEFAULT_EMBEDDER), name=DEFAULT_EMBEDDER)
