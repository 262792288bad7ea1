"""Whole trainings of a tiny random model."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from answerloop.backends.adapters_folder import FolderAdapterStore
from answerloop.backends.generator_transformers import TransformersGenerator
from answerloop.errors import ConfigurationError
from answerloop.testing.installation import CHECKOUT
from tests.unit.answerloop.backends.tiny_models import request, tiny_llama, tiny_tokenizer
from tests.unit.workers.training.pupils import ROWS, VALIDATION, params, row, student
from workers.training import watch
from workers.training.checkpoints import Checkpoints
from workers.training.loop import Progress
from workers.training.record import TrainingRecord, read_record
from workers.training.train import train

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # from PEFT


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Killed(Exception):
    """Ends a training from inside, as a kill would."""


def kill_at(step: int):
    def report(progress: Progress) -> None:
        if progress.step == step:
            raise Killed

    return report


def weights(work: Path) -> bytes:
    return (work / "adapter" / "adapter_model.safetensors").read_bytes()


def losses(record: TrainingRecord) -> list[float]:
    return [step["loss"] for step in record.steps]


def test_it_learns_and_leaves_a_record_and_an_adapter(tmp_path: Path) -> None:
    said: list[Progress] = []
    record = train(student(), ROWS, VALIDATION, tmp_path, params(), dataset="d1", report=said.append)
    assert record.validation_loss is not None
    assert record.validation_loss < record.validations[0]["validation_loss"] - 2
    assert losses(record)[-1] < losses(record)[0] / 2
    assert record.perplexity == pytest.approx(math.exp(record.validation_loss))
    assert [line["epoch"] for line in record.validations] == [0, 1, 2, 3]
    assert len(record.steps) == 18
    assert (said[-1].step, said[-1].steps, said[-1].epochs) == (18, 18, 3)
    assert (record.rows, record.validation_rows, record.left_out, record.dataset) == (21, 5, 0, "d1")
    assert record.stopped_because == "all epochs are done"
    assert record.tokens == 3 * sum(len(student().prompt(r.messages)) + len(r.completion) + 1 for r in ROWS)
    assert record.tokens_per_s > 0
    assert record.peak_memory_gb > 0.1
    assert set(record.versions) == {"answerloop", "torch", "transformers", "peft", "python"}
    assert record.machine["dtype"] == "float32"
    assert record == read_record(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter", "metrics.jsonl", "record.json"]


def test_the_adapter_is_readable_by_all_and_names_no_path(tmp_path: Path) -> None:
    train(student(), ROWS[:8], VALIDATION, tmp_path, params(epochs=1))
    files = sorted((tmp_path / "adapter").iterdir())
    assert [path.name for path in files] == ["adapter_config.json", "adapter_model.safetensors"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o644}
    config = json.loads(files[0].read_text())
    assert config["base_model_name_or_path"] == "tiny"
    layers = {name.rpartition(".")[2] for name in config["target_modules"]}
    assert layers == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert config["target_modules"] == sorted(config["target_modules"])
    assert str(tmp_path) not in files[0].read_text()


def test_serving_loads_the_adapter_and_says_what_was_learned(tmp_path: Path) -> None:
    rows = [row(number, "Rome") for number in range(12)]
    train(student(), rows, (), tmp_path / "night", params(epochs=8, learning_rate=0.03))
    adapters = tmp_path / "adapters"
    store = FolderAdapterStore(adapters)
    store.add("night-1", tmp_path / "night" / "adapter", base_model="tiny", run="r", dataset="d")
    generator = TransformersGenerator(tiny_llama(), tiny_tokenizer(), name="tiny", adapters=adapters)
    try:
        asked = request("", time.monotonic() + 30)
        object.__setattr__(asked, "messages", list(rows[3].messages))
        object.__setattr__(asked, "adapter", "night-1")
        assert "".join(generator.generate(asked)) == "Rome"  # and stops there
        object.__setattr__(asked, "adapter", "base")
        assert "".join(generator.generate(asked)) != "Rome"
    finally:
        generator.close()


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(student(), ROWS, VALIDATION, tmp_path / name, params(seed=seed, dropout=0.1, epochs=1))
    assert weights(tmp_path / "a") == weights(tmp_path / "b") != weights(tmp_path / "c")


def test_what_rows_weigh_counts(tmp_path: Path) -> None:
    """Two replies to the same prompt: the heavier one wins."""
    for name, heavy in (("rome", 0), ("oslo", 1)):
        rows = [row(0, city, 5.0 if number == heavy else 0.05) for number, city in enumerate(("Rome", "Oslo"))]
        train(student(), rows, (), tmp_path / name, params(epochs=20, rows_per_step=2))
    finals = []
    for name in ("rome", "oslo"):
        finals.append(load_file(tmp_path / name / "adapter" / "adapter_model.safetensors"))
        record = read_record(tmp_path / name)
        assert record is not None
        assert losses(record)[-1] < 0.3  # both replies at equal weight could not get below ln 2 at the first letter
    assert any(not torch.equal(finals[0][key], finals[1][key]) for key in finals[0])


def test_after_kill_nine_it_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.workers.training.pupils", str(tmp_path / "killed")]
    child = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) == 8:
            os.kill(child.pid, signal.SIGKILL)
            break
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "record.json").exists()

    steps: list[int] = []
    settings = params(checkpoint_steps=1, dropout=0.1)
    resumed = train(
        student(), ROWS, VALIDATION, tmp_path / "killed", settings, report=lambda progress: steps.append(progress.step)
    )
    whole = train(student(), ROWS, VALIDATION, tmp_path / "whole", settings)
    assert 7 <= steps[0] <= 10
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert (resumed.starts, whole.starts) == (2, 1)
    assert losses(resumed) == losses(whole)
    assert [line["validation_loss"] for line in resumed.validations] == [
        line["validation_loss"] for line in whole.validations
    ]
    metrics = [json.loads(line) for line in (tmp_path / "killed" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in metrics if "loss" in line] == list(range(1, 19))


def test_wherever_it_breaks_off_it_ends_the_same(tmp_path: Path) -> None:
    settings = params(checkpoint_steps=2, epochs=2)
    whole = train(student(), ROWS, VALIDATION, tmp_path / "whole", settings)
    for step in (0, 1, 5, 6, 7, 12):
        broken = tmp_path / f"broken-{step}"
        with pytest.raises(Killed):
            train(student(), ROWS, VALIDATION, broken, settings, report=kill_at(step))
        resumed = train(student(), ROWS, VALIDATION, broken, settings)
        assert weights(broken) == weights(tmp_path / "whole")
        assert losses(resumed) == losses(whole)


def test_a_checkpoint_that_was_not_finished_does_not_count(tmp_path: Path) -> None:
    settings = params(checkpoint_steps=2)
    with pytest.raises(Killed):
        train(student(), ROWS, VALIDATION, tmp_path, settings, report=kill_at(9))
    (tmp_path / "checkpoints" / ".new").mkdir()
    (tmp_path / "checkpoints" / ".new" / "weights.safetensors").write_bytes(b"half")
    (number,) = [path.name for path in (tmp_path / "checkpoints").iterdir() if path.name.isdigit()]
    files = sorted(path.name for path in (tmp_path / "checkpoints" / number).iterdir())
    assert files == ["best.safetensors", "optimizer.safetensors", "state.json", "weights.safetensors"]
    assert train(student(), ROWS, VALIDATION, tmp_path, settings).starts == 2


def test_other_rows_or_parameters_start_over_and_limits_do_not(tmp_path: Path) -> None:
    settings = params(checkpoint_steps=2)
    for rows, changed in ((ROWS[:-1], settings), (ROWS, params(checkpoint_steps=2, learning_rate=0.02))):
        with pytest.raises(Killed):
            train(student(), ROWS, VALIDATION, tmp_path, settings, report=kill_at(9))
        assert train(student(), rows, VALIDATION, tmp_path, changed).starts == 1
        (tmp_path / "record.json").unlink()
    with pytest.raises(Killed):
        train(student(), ROWS, VALIDATION, tmp_path, settings, report=kill_at(9))
    assert train(student(), ROWS, VALIDATION, tmp_path, params(checkpoint_seconds=1, max_minutes=9)).starts == 2


def test_another_version_of_a_library_starts_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Killed):
        train(student(), ROWS, VALIDATION, tmp_path, params(checkpoint_steps=2), report=kill_at(9))
    monkeypatch.setattr("workers.training.train.versions", lambda: {"torch": "0"})
    assert train(student(), ROWS, VALIDATION, tmp_path, params(checkpoint_steps=2)).starts == 1


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    first = train(student(), ROWS, VALIDATION, tmp_path, params(epochs=1))
    said: list[Progress] = []
    assert train(student(), ROWS, VALIDATION, tmp_path, params(epochs=1), report=said.append) == first
    assert said == []
    assert train(student(), ROWS[:4], VALIDATION, tmp_path, params(epochs=1), report=said.append) != first


def test_it_stops_when_the_validation_loss_falls_no_further_and_keeps_the_best(tmp_path: Path) -> None:
    other = [row(number, "zzzzzz") for number in range(30, 33)]
    record = train(student(), ROWS, other, tmp_path, params(epochs=20, patience=2, learning_rate=0.05))
    assert record.stopped_because == "the validation loss fell no further"
    by_step = {line["step"]: line["validation_loss"] for line in record.validations}
    assert min(by_step.values()) == by_step[record.best_step] == record.validation_loss
    assert len(record.validations) < 20
    assert [line["best"] for line in record.validations][-2:] == [False, False]
    assert record.best_step < record.steps[-1]["step"]


def test_the_end_of_the_night_ends_it_with_what_is_best_so_far(tmp_path: Path) -> None:
    deadline = time.monotonic() + 1.5
    record = train(student(), ROWS, VALIDATION, tmp_path, params(epochs=100_000, patience=100_000), deadline=deadline)
    assert time.monotonic() < deadline + 10
    assert record.stopped_because == "the night was over"
    assert record.validations[-1]["step"] == record.steps[-1]["step"]
    assert record.validation_loss is not None
    assert weights(tmp_path)


def test_a_night_that_is_over_already_gives_the_untrained_adapter(tmp_path: Path) -> None:
    record = train(student(), ROWS, VALIDATION, tmp_path, params(), deadline=time.monotonic())
    assert (record.best_step, record.steps, record.tokens_per_s) == (0, (), 0.0)
    tensors = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert not any(tensor.any() for name, tensor in tensors.items() if "lora_B" in name)


def test_minutes_count_over_all_attempts_without_pauses(tmp_path: Path) -> None:
    settings = params(epochs=100_000, patience=100_000, max_minutes=1 / 60, checkpoint_steps=1)
    with pytest.raises(Killed):
        train(student(), ROWS, VALIDATION, tmp_path, settings, report=kill_at(3))
    record = train(student(), ROWS, VALIDATION, tmp_path, settings)
    assert record.stopped_because == "max_minutes were over"
    assert 0.5 < record.seconds < 10
    assert record.starts == 2


def test_it_waits_while_questions_wait(tmp_path: Path) -> None:
    answers = iter([False, True, True, True])
    record = train(
        student(), ROWS, VALIDATION, tmp_path / "a", params(epochs=1), should_pause=lambda: next(answers, False)
    )
    assert record.paused_seconds >= 3 * watch.PAUSE_SECONDS
    assert next(answers, None) is None
    undisturbed = train(student(), ROWS, VALIDATION, tmp_path / "b", params(epochs=1))
    assert losses(record) == losses(undisturbed)


def test_questions_that_never_end_do_not_outlast_the_night(tmp_path: Path) -> None:
    waiting = False

    def report(progress: Progress) -> None:
        nonlocal waiting
        waiting = progress.step >= 2

    deadline = time.monotonic() + 2
    record = train(
        student(), ROWS, VALIDATION, tmp_path, params(), report=report, should_pause=lambda: waiting, deadline=deadline
    )
    assert record.stopped_because == "the night was over"
    assert len(record.steps) <= 2  # fewer on a busy machine


def test_short_memory_makes_batches_smaller_and_then_ends_it_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"more than max_memory_gb = 0\.01, with one row at a time"):
        train(student(), ROWS, VALIDATION, tmp_path, params(max_memory_gb=0.01, tokens_per_batch=1000))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert len([line for line in lines if "loss" in line]) > 2


def test_rows_that_all_are_too_long_are_a_matter_of_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="None of 21 rows fits max_tokens = 20"):
        train(student(), ROWS, VALIDATION, tmp_path, params(max_tokens=20))


def test_targets_that_the_model_does_not_have_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"targets is \[\"nose\"\]"):
        train(student(), ROWS, VALIDATION, tmp_path, params(targets=["nose"]))


def test_a_loss_that_runs_away_is_an_error_and_no_adapter(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="choose a lower learning_rate"):
        train(student(), [row(0, weight=math.inf)], (), tmp_path, params())
    assert not (tmp_path / "record.json").exists()


def test_half_precision_bases_learn_with_an_adapter_in_float32(tmp_path: Path) -> None:
    pupil = student()
    pupil.model = pupil.model.to(torch.bfloat16)
    record = train(pupil, ROWS, VALIDATION, tmp_path, params(epochs=2))
    assert record.machine["dtype"] == "bfloat16"
    assert record.validation_loss is not None
    assert record.validation_loss < record.validations[0]["validation_loss"]
    tensors = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}


def test_checkpoints_of_another_run_are_removed(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(student(), ROWS, VALIDATION, tmp_path, params(checkpoint_steps=1), report=kill_at(3))
    assert Checkpoints(tmp_path / "checkpoints").load("another") is None
    assert not (tmp_path / "checkpoints").exists()
