"""The default models pass the suites that every generator and embedder passes."""

from collections.abc import Iterator

import pytest

from answerloop.backends.embedder_sentence_transformers import SentenceTransformersEmbedder
from answerloop.backends.generator_reader import ReaderGenerator
from answerloop.backends.generator_transformers import TransformersGenerator
from answerloop.backends.local_models.weights import DEFAULT_EMBEDDER, DEFAULT_MODEL, embedder_folder, model_folder
from answerloop.domain import Sentence
from answerloop.testing.installation import CHECKOUT
from answerloop.testing.port_suites import EmbedderSuite, GeneratorSuite, ModelGeneratorSuite

pytestmark = pytest.mark.model


class TestDefaultGenerator(ModelGeneratorSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def generator(cls) -> Iterator[TransformersGenerator]:
        folder = model_folder(DEFAULT_MODEL, CHECKOUT / ".answerloop" / "models")
        generator = TransformersGenerator.load(folder, name=DEFAULT_MODEL, dtype="float32")
        yield generator
        generator.close()


class TestReader(GeneratorSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def generator(cls) -> ReaderGenerator:
        return ReaderGenerator()

    @pytest.mark.parametrize(
        ("question", "sentence", "phrase"),
        [
            ("How many days of parental leave do I get?", "Every employee gets 90 days of parental leave.", "90 days"),
            (
                "Who approves travel abroad?",
                "Travel abroad is approved by Maria Peeters before booking.",
                "Maria Peeters",
            ),
            ("When was the plant in Ghent opened?", "The plant in Ghent was opened in 1987 by the mayor.", "1987"),
        ],
    )
    def test_it_says_the_phrase_that_was_asked_for(
        self, generator: ReaderGenerator, question: str, sentence: str, phrase: str
    ) -> None:
        reading = generator.read(question, [Sentence(sentence, 1, 0.9, 0.9)])
        assert reading is not None
        assert phrase in reading.text
        assert reading.text in sentence
        assert 0 < reading.probability < 1


class TestDefaultEmbedder(EmbedderSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def embedder(cls) -> SentenceTransformersEmbedder:
        return SentenceTransformersEmbedder(embedder_folder(DEFAULT_EMBEDDER), name=DEFAULT_EMBEDDER)
