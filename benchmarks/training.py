"""Trained tokens a second and peak memory, beside TRL's SFTTrainer on the same tokens, model, precision, rows per step
and settings: against the faster of its packing and no packing. Every arm runs in a process of its own.

TRL is no dependency: `pip install --no-deps --target FOLDER trl==1.16.0 datasets==5.2.0 dill multiprocess xxhash`, then
give `--trl FOLDER`. Long: not part of `make bench`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from transformers import AutoTokenizer

from answerloop.backends.generator_extractive import ExtractiveGenerator
from answerloop.backends.local_models.student import LocalStudent
from answerloop.backends.local_models.weights import model_folder
from answerloop.domain import Passage, Sentence
from answerloop.settings import load_settings
from answerloop.text import content_words
from benchmarks.report import Bar, make_report, publish
from workers.answering import prompt
from workers.evaluation.questions import TestQuestion, read_questions
from workers.indexing.sentences import sentences
from workers.training.batches import lessons_of
from workers.training.params import Params, load_params
from workers.training.rows import Kind, TrainingRow, lines, read_rows
from workers.training.train import train

ROWS = 150
ARMS = ("ours", "trl", "trl packed")
BARS = {"tokens_per_s_ratio": Bar(least=1.2), "peak_memory_ratio": Bar(most=1.0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("samples"), help="questions.jsonl and a folder handbook")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--trl", type=Path, help="folder in which TRL is installed")
    parser.add_argument("--limit", type=int, default=ROWS, help="rows")
    parser.add_argument("--rounds", type=int, default=1, help="the arms take turns; figures are medians")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--rows-per-step", type=int, default=8)
    parser.add_argument("--rows-at-once", type=int, default=4, help="TRL's batch per device; the rest is accumulated")
    parser.add_argument("--tokens-at-once", type=int, default=load_params().tokens_per_batch, help="our batch")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trl:
        sys.path.append(str(options.trl.resolve()))
    if options.arm:
        run_arm(options)
        return
    if "trl" in " ".join(options.arms) and importlib.util.find_spec("trl") is None:
        raise SystemExit(f"Skipped: TRL is not installed.\n{__doc__}")
    figures = measure(options)
    bars = BARS if set(options.arms) == set(ARMS) else {}
    publish(make_report("training", f"{options.limit} rows of {options.data}", figures, bars), options.json)


def measure(options: argparse.Namespace) -> dict[str, float]:
    """`cpu_ratio` is the same in seconds of processor time: what others do on the machine disturbs it less."""
    results: dict[str, list[dict[str, float]]] = {arm: [] for arm in options.arms}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "rows.jsonl").write_bytes(lines(rows_of(options.data, options.limit)))
        for _ in range(options.rounds):
            for arm in options.arms:
                command = [sys.executable, "-m", "benchmarks.training", *sys.argv[1:], "--arm", arm]
                subprocess.run([*command, "--work", str(work)], check=True)
                results[arm].append(json.loads((work / "result.json").read_text()))
    medians = {
        arm: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for arm, runs in results.items()
    }
    figures = {
        f"{arm.replace(' ', '_')}_{key}": value for arm, values in medians.items() for key, value in values.items()
    }
    return (_ratios(medians) if set(options.arms) == set(ARMS) else {}) | figures


def _ratios(of: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    if len({of[arm]["tokens"] for arm in ARMS}) != 1:
        raise SystemExit(f"The arms did not train the same tokens: {of}")
    ours, best = of["ours"], max((of["trl"], of["trl packed"]), key=lambda arm: arm["tokens_per_s"])
    return {
        "tokens_per_s_ratio": ours["tokens_per_s"] / best["tokens_per_s"],
        "peak_memory_ratio": ours["peak_gb"] / best["peak_gb"],
        "cpu_ratio": best["cpu_seconds"] / ours["cpu_seconds"],
    }


def run_arm(options: argparse.Namespace) -> None:
    """One epoch. Times are of the training loop, without loading, but with what the trainer writes and logs."""
    params = load_params(
        None,
        epochs=1,
        rows_per_step=options.rows_per_step,
        tokens_per_batch=options.tokens_at_once,
        precision="float32",
        max_minutes=0,
        threads=options.threads,
    )
    settings = load_settings()
    folder = model_folder(settings.model, settings.effective_models_folder)
    student = LocalStudent.load(folder, name=settings.model, device=settings.device, dtype=params.precision)
    rows = read_rows(options.work / "rows.jsonl")
    if params.threads:
        torch.set_num_threads(params.threads)
    if options.arm == "ours":
        result = with_ours(student, rows, options.work, params)
    else:
        result = with_trl(student, rows, options, params)
    result["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    result["tokens_per_s"] = result["tokens"] / result["seconds"]
    (options.work / "result.json").write_text(json.dumps(result))


def with_ours(student: LocalStudent, rows: tuple[TrainingRow, ...], work: Path, params: Params) -> dict[str, float]:
    """No validation, as TRL has none here; the checkpoint at the end of the epoch counts against us."""
    before = _cpu_seconds()
    with tempfile.TemporaryDirectory(dir=work) as folder:
        record = train(student, rows, (), Path(folder), params)
    result = {"tokens": float(record.tokens), "seconds": record.seconds, "cpu_seconds": _cpu_seconds() - before}
    return result | {"mean_loss": statistics.mean(step["loss"] for step in record.steps)}


def with_trl(
    student: LocalStudent, rows: tuple[TrainingRow, ...], options: argparse.Namespace, params: Params
) -> dict[str, float]:
    """Its defaults, but for what the comparison fixes: rows, steps, learning rate, adapter, no gradient checkpointing.
    A pack holds as many tokens as a batch without packing does on average."""
    from datasets import Dataset  # noqa: PLC0415
    from trl import SFTConfig, SFTTrainer  # noqa: PLC0415

    lessons = lessons_of(student, rows, params.max_tokens)
    table = [
        {
            "input_ids": list(lesson.tokens),
            "labels": [-100] * lesson.learned_from + list(lesson.tokens[lesson.learned_from :]),
        }
        for lesson in lessons
    ]
    packed = options.arm == "trl packed"
    tokens = sum(len(lesson.tokens) for lesson in lessons)
    longest = max(len(lesson.tokens) for lesson in lessons)
    pack = max(longest, options.rows_at_once * tokens // len(lessons))
    config = SFTConfig(
        output_dir=str(options.work / "trl"),
        use_cpu=not str(student.model.device).startswith("cuda"),
        bf16=False,
        gradient_checkpointing=False,
        packing=packed,
        max_length=pack if packed else params.max_tokens,
        per_device_train_batch_size=1 if packed else options.rows_at_once,
        gradient_accumulation_steps=max(1, params.rows_per_step // options.rows_at_once),
        num_train_epochs=1,
        learning_rate=params.learning_rate,
        lr_scheduler_type="cosine",
        seed=params.seed,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    adapter = LoraConfig(r=params.rank, lora_alpha=params.alpha, target_modules="all-linear", task_type="CAUSAL_LM")
    settings = load_settings()
    tokenizer = AutoTokenizer.from_pretrained(model_folder(settings.model, settings.effective_models_folder))
    dataset = Dataset.from_list(table)
    trainer = SFTTrainer(
        student.model,
        args=config,
        train_dataset=dataset,
        peft_config=adapter,
        processing_class=tokenizer,
    )
    started, before = time.monotonic(), _cpu_seconds()
    output: Any = trainer.train()
    result = {"tokens": float(tokens), "seconds": time.monotonic() - started, "cpu_seconds": _cpu_seconds() - before}
    return result | {"mean_loss": float(output.training_loss)}


def rows_of(data: Path, count: int) -> list[TrainingRow]:
    """Questions of the sample in the prompt of serving, over the sentences of the handbook that share most words with
    them: what training costs does not depend on whether they are the best ones."""
    units = [(unit, content_words(unit.text)) for unit in _units(data / "handbook")]
    questions = read_questions(data / "questions.jsonl", "default")
    return [_row(question, units) for question in questions[:count]]


def _row(question: TestQuestion, units: list[tuple[Passage, list[str]]]) -> TrainingRow:
    asked = set(content_words(question.question))
    ranked = sorted(units, key=lambda unit: -len(asked & set(unit[1])) / (5 + len(unit[1])) ** 0.5)
    passages = [passage for passage, _ in ranked[: prompt.EVIDENCE_SENTENCES]]
    evidence = [Sentence(passage.text, number, 1.0, 1.0) for number, passage in enumerate(passages, start=1)]
    messages, _ = prompt.build(question.question, evidence, passages, ExtractiveGenerator(), 64)
    reply = question.answers[0] if question.answerable and question.answers else prompt.NOTHING
    return TrainingRow(question.id, Kind.CORRECTION, tuple(messages), reply, 1.0, question.id, question.id, ())


def _units(handbook: Path) -> Iterator[Passage]:
    for path in sorted(handbook.rglob("*.md")):
        _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
        title = head.split("title: ")[1].splitlines()[0]
        for text in sentences(body):
            yield Passage(path.name, "", title, (), text, 0, 0, None, None, 1.0, 1.0, 1.0)


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system


if __name__ == "__main__":
    main()
