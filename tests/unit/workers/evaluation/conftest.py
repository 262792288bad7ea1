"""An installation on stand-ins for the models, with a price list indexed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerloop.settings import Settings
from answerloop.testing.fakes import FakeEmbedder, FakeGenerator
from workers.answering.safety import Triage
from workers.evaluation import TestQuestion, read_questions
from workers.wiring import Workshop

PRICES = {"chair": 120, "desk": 480, "lamp": 35}


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    documents = tmp_path / "documents.jsonl"
    rows = [
        {"id": item, "title": item, "source": "shop", "text": f"The price of the {item} is EUR {price} in every shop."}
        for item, price in PRICES.items()
    ]
    documents.write_text("\n".join(map(json.dumps, rows)))
    workshop = Workshop(Settings(_env_file=None, home=tmp_path / "home", answer_threshold=0.5), "test")
    workshop.embedder = FakeEmbedder()
    workshop.generator = workshop.language_model = FakeGenerator(
        lambda request: "I'm not sure." if not request.evidence else "EUR 120"
    )
    workshop.triage = Triage()
    workshop.database.migrate()
    workshop.indexer.sync(workshop.indexer.register(documents, "default", ()))
    yield workshop
    workshop.close()


@pytest.fixture
def questions(tmp_path: Path) -> list[TestQuestion]:
    """Two that the price list answers, and one that it does not."""
    file = tmp_path / "questions.jsonl"
    rows = [
        {"id": "chair", "question": "What is the price of the chair?", "answers": ["EUR 120"], "doc_ids": ["chair"]},
        {"id": "desk", "question": "What is the price of the desk?", "answers": ["EUR 480"], "doc_ids": ["desk"]},
        {"id": "football", "question": "Who won the football match in Brazil?", "answerable": False},
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    return read_questions(file, "default")
