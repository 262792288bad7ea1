"""The pointer is turned in the middle of running answers, with a real model of random weights: none is lost, and every
one is what its speaker says alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from answerloop.backends.adapters_folder import FolderAdapterStore
from answerloop.backends.generator_transformers import TransformersGenerator
from answerloop.domain import Audience
from answerloop.testing.fakes import FakeGenerator
from tests.unit.answerloop.backends.tiny_models import request, save_lora, tiny_llama, tiny_tokenizer
from workers.answering.pipeline import Asked
from workers.answering.speakers import Cast, Speaker

QUESTIONS = [f"Where may I park? {number}" for number in range(4)]
TAKES_EFFECT_SECONDS = 5.0


def no_alarm(key: str, kind: str, text: str) -> None:
    raise AssertionError(text)


@pytest.fixture
def generator(tmp_path: Path) -> Iterator[TransformersGenerator]:
    torch.set_num_threads(1)
    for seed in (1, 2):
        save_lora(tmp_path / f"night-{seed}", seed)
    generator = TransformersGenerator(tiny_llama(), tiny_tokenizer(), name="tiny", adapters=tmp_path)
    yield generator
    generator.close()


def say(speaker: Speaker, text: str) -> str:
    return "".join(speaker.generator.generate(request(text, time.monotonic() + 60, 20, speaker.adapter)))


def test_turning_the_pointer_loses_no_answer_and_changes_none(tmp_path, generator):
    configured = FakeGenerator(lambda asked: f"quote: {asked.question}")
    store = FolderAdapterStore(tmp_path)
    cast = Cast(configured, lambda: generator, store.serving, no_alarm, "default")
    alone = {(name, text): say(Speaker(generator, name), text) for name in ("night-1", "night-2") for text in QUESTIONS}
    alone |= {("base", text): f"quote: {text}" for text in QUESTIONS}
    stop, heard = threading.Event(), []

    def ask(worker: int) -> int:
        number = 0
        while not stop.is_set():
            text = QUESTIONS[(worker + number) % len(QUESTIONS)]
            asked = Asked(text, (), Audience.of_person("default", {"everyone"}), conversation=f"{worker} {number}")
            speaker = cast(asked)
            said = say(speaker, text)
            assert said == alone[speaker.adapter, text]
            heard.append(speaker.adapter)
            number += 1
            if speaker.generator is configured:
                time.sleep(0.01)
        return number

    def until_heard(names: set[str]) -> float:
        started = time.monotonic()
        while set(heard[-8:]) != names:
            assert time.monotonic() - started < TAKES_EFFECT_SECONDS
            del heard[:-8]
            time.sleep(0.02)
        return time.monotonic() - started

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, worker) for worker in range(4)]
        try:
            until_heard({"base"})
            for change, expected in [
                ({"canary": "night-1", "canary_share": 0.5}, {"base", "night-1"}),
                ({"live": "night-1", "canary": None, "canary_share": 0.0}, {"night-1"}),
                ({"canary": "night-2", "canary_share": 0.5}, {"night-1", "night-2"}),
                ({"live": "night-2", "canary": None, "canary_share": 0.0, "previous": "night-1"}, {"night-2"}),
                ({"live": "night-1", "previous": None}, {"night-1"}),
                ({"live": None}, {"base"}),
            ]:
                store.point(lambda old, change=change: replace(old, **change))
                until_heard(expected)
        finally:
            stop.set()
        assert all(asked.result() > 0 for asked in asking)
