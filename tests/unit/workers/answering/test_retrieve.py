"""What is found, with a real index and database, and stand-ins for the models."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.db.session import Database
from answerloop.domain import Audience, Turn
from answerloop.testing.fakes import FakeEmbedder, FakeReranker
from workers.answering.retrieve import Retriever
from workers.indexing.sync import Indexer

EVERYONE = Audience.of_person("default", {"everyone"})


class Shelf:
    def __init__(self, folder: Path, database: Database, texts: dict[str, str]) -> None:
        (folder / "docs").mkdir()
        for name, text in texts.items():
            (folder / "docs" / name).write_text(text)
        self.embedder = FakeEmbedder()
        self.database = database
        self.index = LanceDocumentIndex(folder / "index", self.embedder.name, self.embedder.dimension)
        indexer = Indexer(database, self.index, self.embedder, chunk_tokens=64, max_document_bytes=10_000)
        indexer.sync(indexer.register(folder / "docs", "default", ()))

    def titles(self, question: str, history: Sequence[Turn] = (), reranker: FakeReranker | None = None) -> list[str]:
        retriever = Retriever(self.index, self.embedder, self.database, 5, reranker)
        return [passage.title for passage in retriever.retrieve(question, history, EVERYONE).passages]


@pytest.fixture
def shelf(tmp_path: Path, database: Database) -> Shelf:
    texts = {
        "leave.md": "# Leave\n\nParental leave is 90 days for every employee.",
        "vpn.md": "# VPN\n\nThe certificate of the laptop has expired.",
        "off.md": "# Absence\n\nPaid Time Off (PTO) is agreed with the manager.",
        "carry.md": "# Carrying over\n\nUp to five days of PTO move into the next year.",
    }
    return Shelf(tmp_path, database, texts)


def test_a_follow_up_finds_what_the_question_before_was_about(shelf):
    assert shelf.titles("How long is it?", [Turn("What about parental leave?", "90 days")])[0] == "Leave"


def test_the_vector_of_a_follow_up_lies_between_the_old_subject_and_the_new_words(shelf):
    retriever = Retriever(shelf.index, shelf.embedder, shelf.database, 5)
    query, vector = retriever.understand("And the certificate?", [Turn("How long is parental leave?", "90 days")])
    alone, joined = shelf.embedder.embed(["And the certificate?", query])
    assert alone @ vector == pytest.approx(joined @ vector, abs=1e-5)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    assert alone @ vector > alone @ joined


def test_an_abbreviation_is_found_by_its_long_form(shelf):
    assert "Carrying over" in shelf.titles("How many days of paid time off move into the next year?")[:1]
    hits = Retriever(shelf.index, shelf.embedder, shelf.database, 5).rank(
        "paid time off", shelf.embedder.embed(["paid time off"])[0], EVERYONE
    )
    assert next(hit.bm25 for hit, _ in hits if hit.chunk.title == "Carrying over") > 0


def test_a_reranker_has_the_last_word(shelf):
    question = "How many days is parental leave?"
    assert shelf.titles(question)[0] == "Leave"
    assert shelf.titles(question, reranker=FakeReranker("certificate"))[0] == "VPN"


def test_a_reranker_reads_title_and_text(shelf):
    reranker = FakeReranker("certificate")
    shelf.titles("How many days is parental leave?", reranker=reranker)
    assert any(read.startswith("Leave") and "90 days for every employee" in read for read in reranker.read)
