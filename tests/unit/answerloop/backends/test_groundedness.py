from threading import Thread

import pytest

from answerloop.backends.groundedness_mixed import Features, MixedGroundednessDetector, features, probability
from answerloop.backends.groundedness_nli import NliGroundednessDetector
from answerloop.claims import source_sentences
from answerloop.errors import ConfigurationError, GroundednessUnavailable, ModelMissing
from answerloop.settings import load_settings
from tests.unit.answerloop.backends.tiny_models import tiny_classifier, tiny_tokenizer
from tests.unit.answerloop.test_claims import CARRIED, CONTRADICTED

LEAVE = "Parental leave is 90 days."


def nli(window: int = 512) -> NliGroundednessDetector:
    return NliGroundednessDetector(tiny_classifier(), tiny_tokenizer(pad_token="<eos>", model_max_length=window))


class TestMixed:
    @pytest.mark.parametrize("passage", [source for source, _ in CARRIED] + [source for source, *_ in CONTRADICTED])
    def test_a_quote_passes_the_default_threshold(self, passage):
        threshold = load_settings().grounded_threshold
        quotes = [sentence for sentence in source_sentences([passage]) if sentence != "Yes."]  # which states nothing
        found = MixedGroundednessDetector().score(quotes, [passage])
        assert all(one.score >= threshold for one in found)

    @pytest.mark.parametrize(("passage", "sentence"), [pair[:2] for pair in CONTRADICTED])
    def test_a_contradiction_does_not(self, passage, sentence):
        assert MixedGroundednessDetector().score([sentence], [passage])[0].score < load_settings().grounded_threshold

    def test_what_the_passages_do_not_say_does_not(self):
        made_up = ["The cafeteria serves vegan lunch on weekdays.", "Managers receive a company car and a fuel card."]
        found = MixedGroundednessDetector().score(made_up, [LEAVE, "Expenses under 50 EUR need no receipt."])
        assert all(one.score < load_settings().grounded_threshold for one in found)

    def test_speaking_of_oneself_and_asking_count_unless_the_source_does(self):
        assert features("I love parental leave?", [LEAVE]) == Features(words=0.5, speaker=1.0, asks=1.0)
        assert features("Can I take leave", ["Can I take leave? Yes."]).speaker == 0.0

    @pytest.mark.parametrize("worse", [Features(0.5, 0, 0), Features(1, 1, 0), Features(1, 0, 1)])
    def test_each_feature_moves_the_probability(self, worse):
        assert probability(worse) < probability(Features(1, 0, 0))

    def test_more_passages_do_not_lend_their_numbers(self):
        passages = [LEAVE, "The cafeteria seats 30 guests."]
        assert MixedGroundednessDetector().score(["Parental leave is 30 days."], passages)[0].mismatches == (
            "number 30",
        )


class TestNli:
    def test_a_batch_scores_like_single_pairs(self):
        sentences, passages = ["Leave is 90 days.", "No."], [LEAVE, "VPN. " * 300, "Expenses."]
        together = nli().score(sentences, passages)
        best = [max(nli().score([sentence], [passage])[0].score for passage in passages) for sentence in sentences]
        assert [one.score for one in together] == pytest.approx(best, abs=1e-4)

    def test_the_end_of_a_long_passage_changes_the_score(self):
        detector = nli(window=128)
        long = "Nothing happens here. " * 40
        plain, longer = (
            detector.score(["Leave."], [passage])[0].score for passage in (long, long + "Leave is 90 days!")
        )
        assert plain != longer

    def test_a_sentence_longer_than_the_window_is_cut(self):
        assert 0 <= nli(window=64).score(["word " * 200], [LEAVE])[0].score <= 1

    def test_labels_are_read_from_the_model(self):
        tokenizer = tiny_tokenizer(pad_token="<eos>", model_max_length=512)
        turned = NliGroundednessDetector(tiny_classifier(("entailment", "neutral", "contradiction")), tokenizer)
        first, last = (detector.score(["Leave."], [LEAVE])[0].score for detector in (turned, nli()))
        assert first != pytest.approx(last)
        with pytest.raises(ConfigurationError, match="no class called entailment"):
            NliGroundednessDetector(tiny_classifier(("bad", "good", "neutral")), tokenizer)

    def test_it_loads_from_a_folder(self, tmp_path):
        tiny_classifier().save_pretrained(tmp_path)
        tiny_tokenizer(pad_token="<eos>", model_max_length=512).save_pretrained(tmp_path)
        loaded = NliGroundednessDetector.load(str(tmp_path), device="cpu", dtype="float32")
        assert loaded.score([LEAVE], [LEAVE]) == nli().score([LEAVE], [LEAVE])

    def test_a_folder_without_a_model_is_a_clear_error(self, tmp_path):
        with pytest.raises(ModelMissing):
            NliGroundednessDetector.load(str(tmp_path), device="cpu")

    def test_a_device_that_fails_is_our_error(self):
        class Broken(type(tiny_classifier())):
            def forward(self, **_):
                raise RuntimeError("out of memory")

        detector = NliGroundednessDetector(Broken(tiny_classifier().config), tiny_tokenizer(pad_token="<eos>"))
        with pytest.raises(GroundednessUnavailable, match="out of memory"):
            detector.score([LEAVE], [LEAVE])

    def test_many_threads_share_one_model(self):
        detector, results = nli(), []
        expected = detector.score([LEAVE, "Leave."], [LEAVE])
        threads = [Thread(target=lambda: results.append(detector.score([LEAVE, "Leave."], [LEAVE]))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [expected] * 4
