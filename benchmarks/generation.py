"""Does batching pay, and does it cost a single caller anything? Ratios of runs that alternate, so that a noisy machine
disturbs both sides alike; each figure is the median over the rounds."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BatchEncoding

from answerloop.backends.generator_transformers import TransformersGenerator
from answerloop.backends.local_models.adapters import Model
from answerloop.backends.local_models.tokens import Tokenizer
from answerloop.backends.local_models.weights import model_folder
from answerloop.domain import Message
from answerloop.ports import GenerationRequest
from answerloop.settings import load_settings
from benchmarks.report import Bar, make_report, publish

CONCURRENT = 8
PROMPT_WORDS = 160  # about 300 tokens with the template
NEW_TOKENS = 48
BARS = {"decode_ratio": Bar(least=3), "batched_ratio": Bar(least=2), "single_ratio": Bar(least=0.95)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("samples/handbook"), help="folder of .md files")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--limit", type=int, default=3, help="rounds")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--dtype", default="auto")
    options = parser.parse_args()

    settings = load_settings()
    folder = model_folder(settings.model, settings.effective_models_folder)
    generator = TransformersGenerator.load(
        folder, name=settings.model, dtype=options.dtype, threads=options.threads, batch_size=CONCURRENT
    )
    figures = measure(generator, plain_model(folder, generator), prompts(generator, options.data), options.limit)
    publish(make_report("generation", str(options.data), figures, BARS), options.json)
    generator.close()


def measure(
    generator: TransformersGenerator, plain: PlainModel, texts: Sequence[list[Message]], rounds: int
) -> dict[str, float]:
    """`whole` is the time of an answer of NEW_TOKENS, `first` that of its first token: the rest is decoding."""
    run(generator, texts[:1], NEW_TOKENS)
    plain.run(texts[0])
    rows: list[dict[str, float]] = []
    for number in range(rounds):
        one = [texts[number % len(texts)]]
        before, single_whole, after = plain.run(one[0]), run(generator, one, NEW_TOKENS), plain.run(one[0])
        single_first = run(generator, one, 1)
        batch_whole, batch_first = run(generator, texts, NEW_TOKENS), run(generator, texts, 1)
        decode_single = (NEW_TOKENS - 1) / (single_whole - single_first)
        decode_batch = len(texts) * (NEW_TOKENS - 1) / (batch_whole - batch_first)
        rows.append(
            {
                "batched_ratio": len(texts) * single_whole / batch_whole,
                "decode_ratio": decode_batch / decode_single,
                "single_ratio": (before + after) / 2 / single_whole,
                "single_answer_s": single_whole,
                "batch_of_answers_s": batch_whole,
                "prefill_tokens_per_s": plain.count(one[0]) / single_first,
                "decode_tokens_per_s_alone": decode_single,
                "decode_tokens_per_s_together": decode_batch,
            }
        )
    return {key: median(row[key] for row in rows) for key in rows[0]}


def run(generator: TransformersGenerator, texts: Sequence[list[Message]], tokens: int) -> float:
    """Seconds until all have their whole answer, asked at once."""
    start = time.perf_counter()
    with ThreadPoolExecutor(len(texts)) as pool:
        lengths = list(pool.map(partial(tokens_of_answer, generator, tokens=tokens), texts))
    if set(lengths) != {tokens}:
        raise SystemExit(f"Answers of {lengths} instead of {tokens} tokens: the figures would not be comparable.")
    return time.perf_counter() - start


def tokens_of_answer(generator: TransformersGenerator, messages: list[Message], tokens: int) -> int:
    completion = generator.generate(GenerationRequest(messages, "", (), tokens, time.monotonic() + 600))
    for _ in completion:
        pass
    return completion.usage.completion_tokens if completion.usage else 0


class PlainModel:
    """The same weights through `model.generate`, as anyone would call it."""

    def __init__(self, model: Model, tokenizer: Tokenizer) -> None:
        self._model = model
        self._tokenizer = tokenizer

    def count(self, messages: list[Message]) -> int:
        return int(self._encode(messages)["input_ids"].shape[1])

    def run(self, messages: list[Message]) -> float:
        start = time.perf_counter()
        with torch.inference_mode():
            output = self._model.generate(**self._encode(messages), max_new_tokens=NEW_TOKENS, do_sample=False)
        self._tokenizer.decode(output[0])
        return time.perf_counter() - start

    def _encode(self, messages: list[Message]) -> BatchEncoding:
        rows = [{"role": message.role, "content": message.content} for message in messages]
        encoded: BatchEncoding = self._tokenizer.apply_chat_template(
            rows, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        return encoded.to(self._model.device)


def plain_model(folder: str, generator: TransformersGenerator) -> PlainModel:
    model: Model = AutoModelForCausalLM.from_pretrained(folder, dtype=generator.dtype)
    return PlainModel(model.to(generator.device).eval(), AutoTokenizer.from_pretrained(folder))


def prompts(generator: TransformersGenerator, data: Path) -> list[list[Message]]:
    """Eight different ones that this model answers at full length, so that nobody has to be forced to go on."""
    found: list[list[Message]] = []
    candidates = iter(_candidates(data))
    while len(found) < CONCURRENT:
        some = list(islice(candidates, CONCURRENT))
        if not some:
            raise SystemExit(f"The model ends its answers before {NEW_TOKENS} tokens; {data} has too little text.")
        with ThreadPoolExecutor(CONCURRENT) as pool:
            lengths = list(pool.map(partial(tokens_of_answer, generator, tokens=NEW_TOKENS), some))
        found += [messages for messages, length in zip(some, lengths, strict=True) if length == NEW_TOKENS]
    return found[:CONCURRENT]


def _candidates(data: Path) -> Iterator[list[Message]]:
    words = " ".join(path.read_text() for path in sorted(data.rglob("*.md"))).split()
    system = Message("system", "You explain company rules in great detail.")
    for start in range(0, len(words) - PROMPT_WORDS, PROMPT_WORDS):
        passage = " ".join(words[start : start + PROMPT_WORDS])
        yield [system, Message("user", f"Explain this text at length:\n\n{passage}")]


if __name__ == "__main__":
    main()
