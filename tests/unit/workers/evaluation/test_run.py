"""Questions through the whole pipeline, on stand-ins for the models."""

from pathlib import Path

import pytest

from answerloop.errors import ConfigurationError, IndexUnavailable
from answerloop.settings import Settings
from workers.evaluation import evaluate, measure
from workers.evaluation.summary import summary


def test_every_question_becomes_a_row_with_what_was_found_said_and_judged(workshop, questions):
    rows = {row["id"]: row for row in measure(workshop, questions, generate=True)}
    assert rows["chair"]["retrieved"][0] == "chair"
    assert rows["chair"]["direct"] == "EUR 120"
    assert (rows["chair"]["correct"], rows["chair"]["f1"], rows["chair"]["hallucinated"]) == (True, 1.0, False)
    assert rows["football"]["outcome"] == "abstained"
    assert rows["football"]["hallucinated"] is False


def test_the_first_text_is_read_before_the_answer_is_complete_and_silence_ends_with_the_answer(workshop, questions):
    chair, _, football = measure(workshop, questions, generate=True)
    assert 0 < chair["first_text_ms"] <= chair["timings_ms"]["total"]
    assert football["first_text_ms"] == football["timings_ms"]["total"]


def test_the_figures_keep_their_names(workshop, questions):
    figures = summary(measure(workshop, questions, generate=True), generate=True)
    assert figures["retrieval"].keys() == {"recall@1", "recall@5", "recall@10", "mrr@10"}
    assert figures["answers"].keys() >= {"n", "correct", "exact_match", "f1", "rouge_l", "bleu"}
    assert figures["abstention"].keys() == {"auroc", "answered_wrongly", "abstained_rightly", "abstained_wrongly"}
    assert figures["answers"]["correct"]["n"] == 2


def test_without_generation_only_what_was_found_is_judged(workshop, questions):
    rows = measure(workshop, questions, generate=False)
    assert "outcome" not in rows[0]
    assert summary(rows, generate=False)["answers"] == {"n": 0}
    assert workshop.generator.requests == []


def test_each_question_is_also_asked_to_the_model_alone(workshop, questions):
    rows = measure(workshop, questions, generate=True, compare=True)
    assert [row["no_retrieval"]["abstained"] for row in rows] == [True, True, True]


class BrokenPipeline:
    def answer(self, asked, show):
        raise IndexUnavailable("the disk is gone")


def test_a_question_that_fails_fails_the_run(workshop, questions):
    workshop.pipeline = BrokenPipeline()
    with pytest.raises(IndexUnavailable):
        measure(workshop, questions, generate=True)


def test_quotes_alone_cannot_be_compared_with_a_model(tmp_path: Path):
    settings = Settings(_env_file=None, home=tmp_path, generator="extractive")
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_GENERATOR"):
        evaluate(settings, tmp_path, tmp_path, limit=None, generate=True, compare=True)
