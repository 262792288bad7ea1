"""The cross-encoder's real code path on a tiny model with random weights."""

from pathlib import Path

import pytest

from answerloop.backends.reranker_cross_encoder import CrossEncoderReranker
from answerloop.errors import ModelMissing
from answerloop.testing.port_suites import RerankerSuite
from tests.unit.answerloop.backends.tiny_models import save_cross_encoder


class TestCrossEncoderReranker(RerankerSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def reranker(cls, tmp_path_factory: pytest.TempPathFactory) -> CrossEncoderReranker:
        folder = tmp_path_factory.mktemp("cross-encoder")
        save_cross_encoder(folder)
        return CrossEncoderReranker(str(folder), name="tiny", device="cpu")

    def test_question_and_passage_are_read_together(self, reranker):
        assert reranker.score("leave", ["leave"]) != reranker.score("vpn", ["leave"])


def test_a_folder_without_a_model_is_a_clear_error(tmp_path: Path):
    with pytest.raises(ModelMissing, match="empty-one"):
        CrossEncoderReranker(str(tmp_path), name="empty-one", device="cpu")


def test_a_classifier_of_several_labels_is_no_reranker(tmp_path: Path):
    save_cross_encoder(tmp_path, labels=3)
    with pytest.raises(ModelMissing, match="3 scores"):
        CrossEncoderReranker(str(tmp_path), name="three", device="cpu")
