"""One conformance suite for each port. A backend's test inherits it and provides the backend as a fixture.

Suites run under pytest; nothing else in the library imports this file.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest

from answerloop.checksums import checksum
from answerloop.domain import (
    BASE_ADAPTER,
    Audience,
    Chunk,
    Message,
    Sentence,
    Vector,
)
from answerloop.errors import GenerationTimedOut, IndexMismatch, QueueUnavailable
from answerloop.placeholders import Placeholders
from answerloop.ports import (
    Directory,
    DocumentIndex,
    Embedder,
    GenerationRequest,
    Generator,
    GroundednessDetector,
    IndexQuery,
    Job,
    Redactor,
    Reranker,
    TaskQueue,
)

DIMENSION = 8
GONE_WITHIN_SECONDS = 10.0


def unit(*values: float) -> Vector:
    row = np.zeros(DIMENSION, dtype=np.float32)
    row[: len(values)] = values
    return row / np.linalg.norm(row)


def a_chunk(document: str, text: str, vector: Vector, *, reader_set: int = 1, position: int = 0) -> Chunk:
    return Chunk(
        id=f"{document}-{position}",
        document_id=document,
        position=position,
        title=f"Title of {document}",
        headings=("Part",),
        text=text,
        start=0,
        end=len(text),
        url="https://intranet.example/page",
        modified_at=datetime(2026, 1, 2, tzinfo=UTC),
        version="1",
        reader_set=reader_set,
        superseded=False,
        vector=vector,
        sentences=(text,),
        sentence_vectors=vector[None, :],
    )


class DocumentIndexSuite:
    """Provide the fixture `index`: an empty `DocumentIndex` of dimension 8."""

    tenant = "suite"

    def found(self, index: DocumentIndex, text: str, vector: Vector, readers: Sequence[int]) -> dict[str, float]:
        hits = index.search(IndexQuery(self.tenant, text, vector, frozenset(readers), 10))
        return {hit.chunk.document_id: hit.bm25 for hit in hits}

    def fill(self, index: DocumentIndex, *chunks: Chunk) -> None:
        index.replace_documents(self.tenant, {chunk.document_id: [chunk] for chunk in chunks})
        index.refresh(self.tenant)

    def test_an_empty_index_finds_nothing(self, index: DocumentIndex) -> None:
        assert self.found(index, "leave", unit(1), [1]) == {}
        assert index.count(self.tenant) == 0

    def test_a_chunk_comes_back_whole(self, index: DocumentIndex) -> None:
        chunk = a_chunk("d1", "Parental leave is 90 days.", unit(1, 2))
        self.fill(index, chunk)
        [hit] = index.search(IndexQuery(self.tenant, "leave", unit(1, 2), frozenset({1}), 10))
        for field in dataclasses.fields(Chunk):
            ours, theirs = getattr(chunk, field.name), getattr(hit.chunk, field.name)
            same = np.allclose(ours, theirs, atol=1e-3) if isinstance(ours, np.ndarray) else ours == theirs
            assert same, field.name
        assert hit.cosine == pytest.approx(1.0, abs=1e-3)
        assert hit.bm25 > 0

    def test_words_find_what_vectors_miss_and_the_other_way(self, index: DocumentIndex) -> None:
        self.fill(
            index,
            a_chunk("words", "The error VPN-4471 means an expired certificate.", unit(0, 0, 1)),
            a_chunk("vector", "Nothing in common.", unit(1)),
        )
        found = self.found(index, "vpn-4471", unit(1), [1])
        assert set(found) == {"words", "vector"}
        assert found["words"] > 0
        assert found["vector"] == 0

    def test_words_are_found_in_other_forms(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("d1", "Employees are reimbursed monthly.", unit(1)))
        assert self.found(index, "reimbursing", unit(0, 1), [1])["d1"] > 0

    @pytest.mark.parametrize(
        ("written", "asked"),
        [
            ("form F-1099", ("f-1099", "f1099", "F 1099", "F_1099", "f1099?")),
            ("form F1099", ("f-1099", "f1099", "F 1099")),
            ("error VPN 4471", ("VPN4471", "vpn-4471")),
            ("the Wi-Fi", ("wifi", "wi-fi")),
            ("an email", ("e-mail", "email")),
        ],
    )
    def test_identifiers_are_found_in_every_spelling(
        self, index: DocumentIndex, written: str, asked: tuple[str, ...]
    ) -> None:
        self.fill(index, a_chunk("d1", f"Send {written} here.", unit(1)), a_chunk("d2", "Another page.", unit(1)))
        for spelling in asked:
            found = self.found(index, spelling, unit(1), [1])
            assert found["d1"] > found["d2"] == 0, spelling

    def test_words_without_meaning_find_nothing_where_others_are_asked(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("d1", "What does it do for you?", unit(1)), a_chunk("d2", "Leave.", unit(1)))
        assert self.found(index, "What does leave do for you?", unit(1), [1])["d1"] == 0

    def test_every_near_chunk_has_its_score_for_words(self, index: DocumentIndex) -> None:
        self.fill(index, *(a_chunk(f"d{n}", "Leave. " * (n + 1), unit(1, 0.1 * n)) for n in range(30)))
        assert all(score > 0 for score in self.found(index, "leave", unit(1), [1]).values())

    def test_only_readable_chunks_are_found_by_either_leg(self, index: DocumentIndex) -> None:
        secret = a_chunk("secret", "The salary bands are secret.", unit(1), reader_set=2)
        self.fill(
            index, secret, *(a_chunk(f"d{i}", "The salary is paid monthly.", unit(1, 0.1 * i)) for i in range(30))
        )
        assert "secret" not in self.found(index, "salary bands secret", unit(1), [1])
        assert self.found(index, "salary", unit(0, 1), [2]).keys() == {"secret"}

    def test_no_reader_set_finds_nothing(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("d1", "Leave is 90 days.", unit(1)))
        assert self.found(index, "leave", unit(1), []) == {}

    def test_new_access_holds_for_the_next_search(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("d1", "Leave is 90 days.", unit(1)))
        index.update_access(self.tenant, "d1", reader_set=7, superseded=False)
        assert self.found(index, "leave", unit(1), [1]) == {}
        assert self.found(index, "leave", unit(1), [7]).keys() == {"d1"}

    def test_a_superseded_document_is_left_out(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("old", "Leave is 60 days.", unit(1)), a_chunk("new", "Leave is 90 days.", unit(1)))
        index.update_access(self.tenant, "old", reader_set=1, superseded=True)
        assert self.found(index, "leave", unit(1), [1]).keys() == {"new"}

    def test_replacing_a_document_leaves_nothing_of_it(self, index: DocumentIndex) -> None:
        long = [a_chunk("d1", f"Part {n} about leave.", unit(1, n), position=n) for n in range(3)]
        index.replace_documents(self.tenant, {"d1": long})
        self.fill(index, a_chunk("d1", "Short now.", unit(1)))
        assert index.count(self.tenant) == 1

    def test_a_deleted_document_is_gone_at_once(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("d1", "Leave is 90 days.", unit(1)), a_chunk("d2", "Leave.", unit(1)))
        index.replace_documents(self.tenant, {"d1": []})
        assert self.found(index, "leave", unit(1), [1]).keys() == {"d2"}

    def test_tenants_do_not_see_each_other(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("d1", "Leave is 90 days.", unit(1)))
        assert index.search(IndexQuery("other tenant", "leave", unit(1), frozenset({1}), 10)) == []

    def test_quotes_and_operators_are_only_words(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("d1", "Leave is 90 days.", unit(1)))
        for text in ('"leave', "leave' OR 1=1", "leave AND (", "-leave*", "", "   ", "???", "\x00"):
            assert self.found(index, text, unit(1), [1]).keys() == {"d1"}, text

    def test_the_version_changes_with_every_write(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("d1", "Leave.", unit(1)))
        before = index.version(self.tenant)
        index.update_access(self.tenant, "d1", reader_set=7, superseded=False)
        assert index.version(self.tenant) != before

    def test_a_rebuild_is_seen_only_when_published(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("old", "Leave is 60 days.", unit(1)))
        rebuilt = index.begin_rebuild(self.tenant)
        self.fill(rebuilt, a_chunk("new", "Leave is 90 days.", unit(1)))
        assert self.found(index, "leave", unit(1), [1]).keys() == {"old"}
        rebuilt.publish(self.tenant)
        assert self.found(index, "leave", unit(1), [1]).keys() == {"new"}

    def test_a_published_generation_can_be_rebuilt_again_and_again(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("d0", "Leave is 60 days.", unit(1)))
        for turn in range(1, 4):
            rebuilt = index.begin_rebuild(self.tenant)
            self.fill(rebuilt, a_chunk(f"d{turn}", "Leave is 90 days.", unit(1)))
            rebuilt.publish(self.tenant)
            assert self.found(index, "leave", unit(1), [1]).keys() == {f"d{turn}"}
            assert index.count(self.tenant) == 1

    def test_a_rebuild_begins_empty_unless_it_is_resumed(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("old", "Leave is 60 days.", unit(1)))
        self.fill(index.begin_rebuild(self.tenant), a_chunk("d1", "Leave is 90 days.", unit(1)))
        resumed = index.begin_rebuild(self.tenant, resume=True)
        assert [document for document, _ in resumed.export(self.tenant)] == ["d1"]
        assert list(index.begin_rebuild(self.tenant).export(self.tenant)) == []

    def test_what_is_exported_is_what_was_written(self, index: DocumentIndex) -> None:
        assert list(index.export(self.tenant)) == []
        long = [a_chunk("d1", f"Part {n} about leave.", unit(1, n), position=n) for n in range(12)]
        bare = dataclasses.replace(a_chunk("d2", "Leave.", unit(3)), url=None, modified_at=None, version=None)
        index.replace_documents(self.tenant, {"d1": long, "d2": [dataclasses.replace(bare, headings=())]})
        index.refresh(self.tenant)
        exported = dict(index.export(self.tenant))
        assert [chunk.position for chunk in exported["d1"]] == list(range(12))
        assert {document: checksum(chunks) for document, chunks in exported.items()} == {
            "d1": checksum(long),
            "d2": checksum([dataclasses.replace(bare, headings=())]),
        }

    def test_whoever_may_read_a_document_now_is_what_is_found_and_exported(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("d1", "Leave is 90 days.", unit(1)), a_chunk("d2", "Leave.", unit(1)))
        index.update_access(self.tenant, "d1", reader_set=7, superseded=False)
        index.update_access(self.tenant, "d2", reader_set=7, superseded=True)
        [hit] = index.search(IndexQuery(self.tenant, "leave", unit(1), frozenset({7}), 10))
        assert (hit.chunk.document_id, hit.chunk.reader_set, hit.chunk.superseded) == ("d1", 7, False)
        exported = {document: chunk for document, [chunk] in index.export(self.tenant)}
        assert {(name, chunk.reader_set, chunk.superseded) for name, chunk in exported.items()} == {
            *(("d1", 7, False), ("d2", 7, True)),
        }

    def test_a_document_is_whole_at_every_moment_of_its_replacement(self, index: DocumentIndex) -> None:
        def edition(number: int) -> list[Chunk]:
            return [a_chunk("d1", f"Leave, edition {number}.", unit(1, n), position=n) for n in range(4)]

        index.replace_documents(self.tenant, {"d1": edition(0)})
        index.refresh(self.tenant)
        seen: list[set[str]] = []

        def write() -> None:
            for number in range(1, 25):
                index.replace_documents(self.tenant, {"d1": edition(number)})

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            while not (seen and writing.done()):
                hits = index.search(IndexQuery(self.tenant, "leave", unit(1), frozenset({1}), 10))
                assert sorted(hit.chunk.position for hit in hits) == [0, 1, 2, 3]
                seen.append({hit.chunk.text for hit in hits})
            writing.result()
        assert all(len(texts) == 1 for texts in seen), "two editions at once"

    def test_a_vector_of_another_model_is_refused(self, index: DocumentIndex) -> None:
        self.fill(index, a_chunk("d1", "Leave.", unit(1)))
        with pytest.raises(IndexMismatch):
            self.found(index, "leave", np.ones(3, dtype=np.float32), [1])


class TaskQueueSuite:
    """Provide the fixtures `queue`, with an empty broker behind it, and `dead_queue`, whose broker is gone."""

    def test_a_job_waits_in_its_queue(self, queue: TaskQueue) -> None:
        queue.send(Job("answer.question", "answer", ("q1",)))
        queue.send(Job("deliver.answer", "deliver", ("q1",)))
        queue.send(Job("deliver.answer", "deliver", ("q2",)))
        depths = queue.depths()
        assert (depths["answer"], depths["deliver"]) == (1, 2)

    def test_a_broker_that_is_gone_is_said_within_seconds(self, dead_queue: TaskQueue) -> None:
        started = time.monotonic()
        with pytest.raises(QueueUnavailable):
            dead_queue.send(Job("answer.question", "answer", ("q1",)))
        with pytest.raises(QueueUnavailable):
            dead_queue.depths()
        assert time.monotonic() - started < GONE_WITHIN_SECONDS


class EmbedderSuite:
    """Provide the fixture `embedder`."""

    def test_rows_are_unit_vectors(self, embedder: Embedder) -> None:
        rows = embedder.embed(["parental leave", "vpn error", ""])
        assert rows.shape == (3, embedder.dimension)
        assert rows.dtype == np.float32
        assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(3), abs=1e-4)

    def test_nothing_gives_no_rows(self, embedder: Embedder) -> None:
        assert embedder.embed([]).shape == (0, embedder.dimension)

    def test_alike_is_near(self, embedder: Embedder) -> None:
        leave, parental, vpn = embedder.embed(["days of parental leave", "parental leave in days", "vpn error codes"])
        assert leave @ parental > leave @ vpn

    def test_a_text_has_one_vector_however_often_and_beside_whatever_it_is_asked_for(self, embedder: Embedder) -> None:
        first = embedder.embed(["parental leave"])
        known = first.copy()
        first[:] = 0
        beside = embedder.embed(["vpn error codes", "parental leave"])
        assert beside[1] == pytest.approx(known[0], abs=1e-5)
        assert beside[0] != pytest.approx(known[0], abs=0.1)
        assert embedder.embed(["parental leave", "parental leave"]) == pytest.approx(np.stack([known[0]] * 2), abs=1e-5)

    def test_tokens_are_counted_uncut(self, embedder: Embedder) -> None:
        assert embedder.count_tokens("word " * 2000) >= 2000


class RerankerSuite:
    """Provide the fixture `reranker`."""

    def test_every_passage_has_one_score_between_zero_and_one(self, reranker: Reranker) -> None:
        scores = reranker.score("How long is leave?", ["Leave is 90 days.", "The VPN failed.", ""])
        assert len(scores) == 3
        assert all(isinstance(score, float) and 0 <= score <= 1 for score in scores)

    def test_no_passages_have_no_scores(self, reranker: Reranker) -> None:
        assert reranker.score("How long is leave?", []) == []

    def test_a_score_does_not_depend_on_the_other_passages(self, reranker: Reranker) -> None:
        short, long = "Leave is 90 days.", "The VPN failed. " * 20
        together = reranker.score("How long is leave?", [long, short])
        assert together == pytest.approx(
            [*reranker.score("How long is leave?", [long]), *reranker.score("How long is leave?", [short])], abs=1e-4
        )


class GeneratorSuite:
    """Provide the fixture `generator`."""

    def request(self, seconds: float = 120.0, max_tokens: int = 16) -> GenerationRequest:
        evidence = (Sentence("Every employee gets 90 days of parental leave.", 1, 0.9, 0.9),)
        messages = (Message("system", "Answer briefly."), Message("user", f"{evidence[0].text} How many days?"))
        return GenerationRequest(
            messages, "How long is parental leave?", evidence, max_tokens, time.monotonic() + seconds
        )

    def test_it_speaks_and_says_who_spoke(self, generator: Generator) -> None:
        completion = generator.generate(self.request())
        text = "".join(completion)
        assert text.strip()
        assert completion.usage is not None
        assert completion.usage.adapter == BASE_ADAPTER
        assert completion.usage.completion_tokens > 0

    def test_the_same_request_gives_the_same_text(self, generator: Generator) -> None:
        assert "".join(generator.generate(self.request())) == "".join(generator.generate(self.request()))

    def test_a_longer_prompt_counts_more(self, generator: Generator) -> None:
        short, long = [Message("user", "Leave?")], [Message("user", "Leave? " * 50)]
        assert 0 < generator.count_tokens(short) < generator.count_tokens(long)
        assert generator.window > generator.count_tokens(short)


class ModelGeneratorSuite(GeneratorSuite):
    """Provide the fixture `generator` with a model behind it, which may be slow."""

    def test_a_passed_deadline_is_an_error(self, generator: Generator) -> None:
        with pytest.raises(GenerationTimedOut):
            list(generator.generate(self.request(seconds=-1.0)))


class GroundednessDetectorSuite:
    """Provide the fixture `detector`."""

    passages = ("Parental leave is 90 days. It may not be carried over.", "Expenses under 50 EUR need no receipt.")

    def test_each_sentence_is_judged_in_its_place(self, detector: GroundednessDetector) -> None:
        sentences = ["Parental leave is 90 days.", "Parental leave is 30 days.", ""]
        together = detector.score(sentences, self.passages)
        alone = [detector.score([sentence], self.passages)[0] for sentence in sentences]
        assert [one.mismatches for one in together] == [one.mismatches for one in alone]
        assert [one.score for one in together] == pytest.approx([one.score for one in alone], abs=0.02)
        assert all(0 <= one.score <= 1 for one in together)

    def test_a_contradiction_is_named_and_lowers_the_score(self, detector: GroundednessDetector) -> None:
        carried, number, limit, negation = detector.score(
            [
                "Parental leave is 90 days.",
                "Parental leave is 30 days.",
                "Expenses over 50 EUR need no receipt.",
                "Parental leave may be carried over.",
            ],
            self.passages,
        )
        assert carried.mismatches == ()
        assert number.mismatches == ("number 30",)
        assert limit.mismatches == ("lower limit at number 50",)
        assert negation.mismatches == ("negation of carried",)
        assert all(one.score <= 0.1 for one in (number, limit, negation))

    def test_nothing_carries_nothing(self, detector: GroundednessDetector) -> None:
        assert [one.score for one in detector.score(["Parental leave is 90 days."], ())] == [0.0]
        assert detector.score([], self.passages) == []

    def test_a_long_passage_is_read_to_its_end(self, detector: GroundednessDetector) -> None:
        [found] = detector.score(["The last rule is 7."], ["Nothing happens here. " * 400 + "The last rule is 7."])
        assert found.mismatches == ()


class RedactorSuite:
    """Provide the fixture `redactor`, which masks the default types and knows Anna Lindqvist and John Carter."""

    question = "Can Anna Lindqvist (anna@corp.example, 212-555-0187) work from Paris on 4 May with John Carter?"

    def test_people_and_their_numbers_go_and_places_and_dates_stay(self, redactor: Redactor) -> None:
        masked = redactor.mask(self.question, Placeholders())
        assert masked.text == (
            "Can <PERSON_1> (<EMAIL_ADDRESS_1>, <PHONE_NUMBER_1>) work from Paris on 4 May with <PERSON_2>?"
        )

    def test_what_was_masked_comes_back(self, redactor: Redactor) -> None:
        masked = redactor.mask(self.question, Placeholders())
        assert masked.placeholders.restore(masked.text) == self.question

    def test_the_answer_has_the_placeholders_of_the_question(self, redactor: Redactor) -> None:
        question = redactor.mask(self.question, Placeholders())
        answer = redactor.mask("Yes, John Carter said so; ask Anna Lindqvist.", question.placeholders)
        assert answer.text == "Yes, <PERSON_2> said so; ask <PERSON_1>."
        assert answer.placeholders == question.placeholders

    def test_nothing_personal_stays_as_it_is(self, redactor: Redactor) -> None:
        for text in ("", "How many days of leave do I get in 2026?", "EUR 1,500 before 1 March 2027"):
            assert redactor.mask(text, Placeholders()).text == text

    def test_a_placeholder_that_a_person_wrote_comes_back_as_they_wrote_it(self, redactor: Redactor) -> None:
        text = "What does <PERSON_1> mean, asked Anna Lindqvist?"
        masked = redactor.mask(text, Placeholders())
        assert "Lindqvist" not in masked.text
        assert masked.placeholders.restore(masked.text) == text

    def test_eight_threads_see_what_one_sees(self, redactor: Redactor) -> None:
        texts = [f"{self.question} Room {number}." for number in range(24)]
        alone = [redactor.mask(text, Placeholders()) for text in texts]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda text: redactor.mask(text, Placeholders()), texts)) == alone


class DirectorySuite:
    """Provide the fixture `directory`, which knows `known` in the group `hr` and a guest `guest`, by these ids."""

    known = "known"
    guest = "guest"
    unknown = "nobody"
    unknown_room = "nowhere"

    def test_a_known_person_has_their_groups(self, directory: Directory) -> None:
        assert {"everyone", "public", "hr"} <= directory.person(self.known).groups

    def test_a_guest_reads_public_documents_only(self, directory: Directory) -> None:
        assert directory.person(self.guest).groups == {"public"}

    def test_an_unknown_person_has_no_group(self, directory: Directory) -> None:
        assert directory.person(self.unknown).groups == frozenset()

    def test_an_unknown_room_has_nobody_so_it_reads_nothing(self, directory: Directory) -> None:
        members = directory.members(self.unknown_room)
        assert list(members) == []
        assert not Audience.of("default", members).may_read({"public"})


class RoomDirectorySuite(DirectorySuite):
    """The directory also knows rooms: `room`, in which are `known` and `guest`, and `team_room` with `known` alone."""

    room = "room"
    team_room = "team"

    def test_a_room_reads_what_each_of_its_members_may(self, directory: Directory) -> None:
        audience = Audience.of("default", directory.members(self.room))
        assert audience.may_read({"public"})
        assert not audience.may_read({"everyone"})
        assert not audience.may_read({"hr"})

    def test_a_room_of_one_team_reads_that_teams_documents(self, directory: Directory) -> None:
        assert Audience.of("default", directory.members(self.team_room)).may_read({"hr"})
