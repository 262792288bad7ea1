"""The embedded index with many chunks: how long it takes to build, what it takes on disk and in memory, how fast and
how well it finds. Through the port alone, each step in a process of its own, so that its peak memory is its own.

First everything is compared one by one (`exact`), then `refresh` has built its approximate index and answers again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from answerloop import metrics
from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.backends.lancedb_upkeep import EXACT_UP_TO
from answerloop.cli.console import progress_bar
from answerloop.domain import Hit
from answerloop.ports import IndexQuery
from benchmarks import made_up_chunks
from benchmarks.made_up_chunks import DIMENSION, ONE_DOCUMENT, PER_DOCUMENT, READABLE, Question
from benchmarks.report import Bar, make_report, publish
from workers.answering.fuse import fuse

BARS = {
    100_000: {"p50_ms": Bar(most=25), "p99_ms": Bar(most=80), "recall@10": Bar(least=0.99)},
    1_000_000: {"p50_ms": Bar(most=60), "peak_gb": Bar(most=4), "recall@10": Bar(least=0.99)},
}
BATCH = 500  # documents in one commit
NEW = 100  # one document in so many is new after the index was built
WARM_UP = 10
TOP = 10
NEVER = 1 << 60
TENANT = "made-up"
FEW = frozenset({0})  # one reader set: half a percent of the chunks
ONE = frozenset({ONE_DOCUMENT})

Result = TypeVar("Result")
Best = list[list[str]]
"""For each question the ids of the best chunks."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], help="chunks, tens of them")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--exact-questions", type=int, default=100, help="as many of them are compared with exact")
    parser.add_argument("--folder", type=Path, help="for the index; removed afterwards")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    bars: dict[str, Bar] = {}
    for size in options.sizes:
        with tempfile.TemporaryDirectory(prefix="answerloop-", dir=options.folder) as folder:
            measured = measure(size, Path(folder), options.questions, options.exact_questions)
        figures |= {f"{size}: {name}": value for name, value in measured.items()}
        bars |= {f"{size}: {name}": bar for name, bar in BARS.get(size, {}).items()}
    publish(make_report("index scale", "made up", figures, bars), options.json)


def measure(size: int, folder: Path, questions: int, exactly: int) -> dict[str, float]:
    documents = size // PER_DOCUMENT
    figures = _alone(write, folder, documents)
    exact, best, best_fused, best_of_few = _alone(ask_exactly, folder, documents, min(questions, exactly))
    figures |= {f"exact_{name}": value for name, value in exact.items()}
    figures |= _alone(build, folder)
    figures["disk_gb"] = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e9
    figures |= _alone(ask, folder, documents, questions, best, best_fused, best_of_few)
    return figures | _alone(add, folder, documents, max(1, documents // NEW))


def _alone(step: Callable[..., Result], *args: object) -> Result:
    """In a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(step, *args).result()


def write(folder: Path, documents: int) -> dict[str, float]:
    index, seconds = _index(folder, exact_up_to=NEVER), 0.0
    with progress_bar("writing") as progress:
        for first in range(0, documents, BATCH):
            progress(first, documents, "")
            seconds += _write(index, range(first, min(first + BATCH, documents)))
    refresh = _seconds(lambda: index.refresh(TENANT))
    return {"write_s": seconds, "words_index_s": refresh, "write_peak_gb": _peak_gb()}


def ask_exactly(folder: Path, documents: int, number: int) -> tuple[dict[str, float], Best, Best, Best]:
    index, asked = _index(folder, exact_up_to=NEVER), list(made_up_chunks.questions(documents, number))
    figures, best, best_fused = _timed(index, asked, READABLE)
    return figures, best, best_fused, _timed(index, asked, FEW)[1]


def build(folder: Path) -> dict[str, float]:
    index = _index(folder)
    return {"vector_index_s": _seconds(lambda: index.refresh(TENANT)), "vector_index_peak_gb": _peak_gb()}


def ask(folder: Path, documents: int, number: int, best: Best, best_fused: Best, best_of_few: Best) -> dict[str, float]:
    index, asked = _index(folder), list(made_up_chunks.questions(documents, number))
    figures, found, fused = _timed(index, asked, READABLE)
    figures |= {"recall@10": _recall(found, best), "fused_recall@10": _recall(fused, best_fused)}
    few, found, _ = _timed(index, asked, FEW)
    figures |= {"few_p50_ms": few["p50_ms"], "few_recall@10": _recall(found, best_of_few)}
    _, found, _ = _timed(index, asked, ONE)
    figures["one_document_recall"] = _recall(found, [_chunks(0)] * len(found))
    return {**figures, "peak_gb": _peak_gb()}


def add(folder: Path, documents: int, number: int) -> dict[str, float]:
    """New documents, looked for by their readers before and after the next `refresh`."""
    index, new = _index(folder), range(documents, documents + number)
    figures = {"add_s": _write(index, new)}
    figures |= {f"new_{name}": value for name, value in _find_new(index, new).items()}
    figures["refresh_s"] = _seconds(lambda: index.refresh(TENANT))
    return figures | {f"refreshed_{name}": value for name, value in _find_new(index, new).items()}


def _find_new(index: LanceDocumentIndex, new: range) -> dict[str, float]:
    """A question about a chunk is nearest to the chunks of its document."""
    sample = [new[place] for place in range(0, len(new), max(1, len(new) // 50))]
    seconds, found = [], []
    for document in sample:
        question = Question(f"Handbook {document}", made_up_chunks.vectors_of(document)[0])
        readers = frozenset({made_up_chunks.reader_set_of(document)})
        started = time.perf_counter()
        found.append(_nearest(_search(index, question, readers)))
        seconds.append(time.perf_counter() - started)
    recall = _recall(found, [_chunks(document) for document in sample])
    return {"p50_ms": metrics.percentile(seconds, 50) * 1000, "recall": recall}


def _timed(
    index: LanceDocumentIndex, asked: Sequence[Question], readers: frozenset[int]
) -> tuple[dict[str, float], Best, Best]:
    """The nearest chunks of each question, and the best of words and vectors together."""
    first = _seconds(lambda: _search(index, asked[0], readers))
    for question in asked[:WARM_UP]:
        _search(index, question, readers)
    seconds, nearest, fused = [], [], []
    with progress_bar("searching") as progress:
        for done, question in enumerate(asked):
            progress(done, len(asked), "")
            started = time.perf_counter()
            hits = _search(index, question, readers)
            seconds.append(time.perf_counter() - started)
            nearest.append(_nearest(hits))
            fused.append(_fused(hits, question))
    figures = {f"p{q}_ms": metrics.percentile(seconds, q) * 1000 for q in (50, 99)}
    return {"first_ms": first * 1000, **figures}, nearest, fused


def _search(index: LanceDocumentIndex, question: Question, readers: frozenset[int]) -> list[Hit]:
    return index.search(IndexQuery(TENANT, question.text, question.vector, readers))


def _index(folder: Path, exact_up_to: int = EXACT_UP_TO) -> LanceDocumentIndex:
    return LanceDocumentIndex(folder, TENANT, DIMENSION, exact_up_to=exact_up_to)


def _write(index: LanceDocumentIndex, documents: range) -> float:
    chunks = {f"d{document}": made_up_chunks.document_chunks(document) for document in documents}
    return _seconds(lambda: index.replace_documents(TENANT, chunks))


def _chunks(document: int) -> list[str]:
    return [f"d{document}-{position}" for position in range(PER_DOCUMENT)]


def _nearest(hits: Sequence[Hit]) -> list[str]:
    return [hit.chunk.id for hit in sorted(hits, key=lambda hit: -hit.cosine)[:TOP]]


def _fused(hits: Sequence[Hit], question: Question) -> list[str]:
    scores = fuse(hits, question.vector)
    return [hits[place].chunk.id for place in sorted(range(len(hits)), key=lambda place: -scores[place])[:TOP]]


def _recall(found: Best, best: Best) -> float:
    """Of as many questions as there are exact results for."""
    shares = [len(set(got) & set(right)) / len(right) for got, right in zip(found, best, strict=False)]
    return sum(shares) / len(shares)


def _seconds(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # kilobytes on Linux


if __name__ == "__main__":
    main()
