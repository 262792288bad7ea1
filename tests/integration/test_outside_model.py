"""A real OpenAI-compatible server on loopback, `transformers serve` with the default model: the whole pipeline speaks
with it, and goes on without it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from answerloop.backends.generator_openai import OpenAIGenerator
from answerloop.backends.local_models.weights import DEFAULT_MODEL, model_folder
from answerloop.backends.openai_api import connect
from answerloop.domain import Audience, Message
from answerloop.errors import GeneratorUnavailable, ModelMissing
from answerloop.ports import GenerationRequest
from answerloop.settings import load_settings
from answerloop.testing.installation import CHECKOUT
from answerloop.testing.port_suites import ModelGeneratorSuite
from workers.answering.outside import Door, Endpoint
from workers.answering.pipeline import LEFT, Asked
from workers.wiring import Workshop

pytestmark = [pytest.mark.model, pytest.mark.stack]

START_SECONDS = 120
QUESTION = "How many days of parental leave does an employee get?"


class Server:
    """The server as a process of its own, which may be killed."""

    def __init__(self, folder: str, logs: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.model = folder
        self.url = f"http://127.0.0.1:{self.port}/v1"
        command = [Path(sys.executable).with_name("transformers"), "serve", folder, "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--device", "cpu", "--dtype", "float32"]
        self._log = (logs / "serve.log").open("wb")
        self.process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=2).raise_for_status()
            except httpx.HTTPError:
                assert self.process.poll() is None, (logs / "serve.log").read_text()[-2000:]
                time.sleep(0.2)
            else:
                return
        pytest.fail((logs / "serve.log").read_text()[-2000:])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self._log.close()

    def settings(self, home: Path, **more):
        return load_settings(
            _env_file=None, home=home, generator="openai", openai_url=self.url, openai_model=self.model,
            outside_groups=("everyone",), openai_seconds=60, openai_price_in=1.0, openai_price_out=2.0, **more,
        )  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> str:
    try:
        return str(Path(model_folder(DEFAULT_MODEL, CHECKOUT / ".answerloop" / "models")).resolve())
    except ModelMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def server(folder: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(folder, tmp_path_factory.mktemp("serve"))
    yield server
    server.kill()


class TestServed(ModelGeneratorSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def generator(cls, server: Server) -> Iterator[OpenAIGenerator]:
        generator = OpenAIGenerator(connect(server.url, ""), server.model, window=2048, seconds=100)
        yield generator
        generator.close()


def workshop(server: Server, home: Path, documents: Path, **more) -> Workshop:
    workshop = Workshop(server.settings(home, **more), "test")
    workshop.database.migrate()
    workshop.indexer.sync(workshop.indexer.register(documents, "default", (), None, True))
    return workshop


def ask(workshop: Workshop):
    asked = Asked(QUESTION, (), Audience.of_person("default", {"everyone"}))
    return workshop.pipeline.answer(asked, lambda stage, text="", sources=None: None)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text(
        "# Parental leave\n\nEvery employee gets 90 days of paid parental leave for each child, says Maria Peeters.\n"
    )
    return tmp_path / "docs"


def test_the_whole_pipeline_answers_with_a_model_of_the_house_behind_an_endpoint(server, tmp_path, documents):
    shop = workshop(server, tmp_path / "home", documents, openai_leaves_the_house=False)
    draft = ask(shop)
    assert draft.model == server.model
    assert draft.usage.completion_tokens > 0
    assert draft.usage.cost > 0
    assert "90 days" in draft.text
    shop.close()


def test_and_with_one_that_counts_as_outside_after_the_rule_and_the_mask(server, tmp_path, documents):
    shop = workshop(server, tmp_path / "home", documents)
    assert ask(shop).model == "reader", "it was indexed a moment ago"
    assert isinstance(shop.endpoint, Endpoint)
    shop.pipeline._endpoint = Endpoint(
        shop.endpoint.generator, Door(shop.database, "default", ("everyone",), timedelta(0))
    )
    draft = ask(shop)
    assert draft.model == server.model
    assert any(note.startswith(LEFT) for note in draft.decision.notes)
    shop.close()


def test_when_the_server_is_killed_in_the_middle_the_house_answers(folder, tmp_path, documents):
    server = Server(folder, tmp_path)
    shop = workshop(server, tmp_path / "home", documents, openai_leaves_the_house=False, max_new_tokens=1000)
    long = OpenAIGenerator(connect(server.url, ""), server.model, window=8192, seconds=100)
    heard = []

    def listen() -> None:
        request = GenerationRequest(
            [Message("user", "Tell me a long story about the sea.")], "", (), 800, time.monotonic() + 100
        )
        try:
            heard.extend(long.generate(request))
        except GeneratorUnavailable as error:
            heard.append(error)

    listener = threading.Thread(target=listen)
    listener.start()
    time.sleep(3)
    server.kill()
    listener.join(30)
    long.close()
    assert isinstance(heard[-1], GeneratorUnavailable)
    draft = ask(shop)
    assert draft.model == "reader"
    assert "90 days" in draft.text
    assert draft.reason
    shop.close()
