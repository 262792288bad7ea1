"""The generator behind an endpoint, over the official client and a transport that opens no socket."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from answerloop.backends.adapters_folder import FolderAdapterStore
from answerloop.backends.generator_openai import OpenAIGenerator, Price
from answerloop.backends.openai_adapters import VllmAdapters
from answerloop.backends.openai_api import connect, retry_after
from answerloop.domain import Message
from answerloop.errors import GenerationTimedOut, GeneratorUnavailable
from answerloop.ports import GenerationRequest
from answerloop.testing.adapter_suite import take_in, trained
from answerloop.testing.installation import until
from answerloop.testing.openai_endpoint import URL, FakeEndpoint, Reply
from answerloop.testing.port_suites import ModelGeneratorSuite

SECRET = "sk-the-key-of-the-company"


def generator(endpoint: FakeEndpoint, **options) -> OpenAIGenerator:
    options = {"window": 2048, "seconds": 5.0, "jitter": lambda: 0.0, **options}
    return OpenAIGenerator(connect(URL, SECRET, endpoint), "the-model", **options)


def request(seconds: float = 10.0, text: str = "How long is leave?", **more) -> GenerationRequest:
    return GenerationRequest([Message("user", text)], text, (), 16, time.monotonic() + seconds, **more)


def said(endpoint: FakeEndpoint, seconds: float = 10.0, **options) -> str:
    return "".join(generator(endpoint, **options).generate(request(seconds)))


class TestGenerator(ModelGeneratorSuite):
    @pytest.fixture
    def generator(self) -> OpenAIGenerator:
        return generator(FakeEndpoint())


def test_pieces_come_as_they_are_said_and_tokens_and_cost_are_those_of_the_endpoint():
    completion = generator(FakeEndpoint(), price=Price(2.0, 10.0)).generate(request())
    assert list(completion) == ["90 ", "days"]
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (40, 2)
    assert completion.usage.cost == pytest.approx((40 * 2 + 2 * 10) / 1_000_000)
    assert not completion.usage.estimated


def test_where_the_endpoint_does_not_count_tokens_are_estimated_and_that_is_said():
    completion = generator(FakeEndpoint(Reply(usage=None)), price=Price(1.0, 1.0)).generate(request())
    assert "".join(completion) == "90 days"
    assert completion.usage is not None
    assert completion.usage.estimated
    assert completion.usage.completion_tokens == 3
    assert completion.usage.cost > 0


def test_the_request_names_the_model_and_says_nothing_of_the_machine():
    endpoint = FakeEndpoint()
    said(endpoint, extra={"reasoning_effort": "none"})
    [body], [headers] = endpoint.bodies, endpoint.headers
    assert body["model"] == "the-model"
    assert body["stream_options"] == {"include_usage": True}
    assert (body["max_tokens"], body["temperature"], body["reasoning_effort"]) == (16, 0, "none")
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert headers["user-agent"] == "answerloop"
    assert not {name for name in headers if name.startswith("x-stainless-") and name.split("-")[2] in ("os", "arch")}
    assert endpoint.paths == [f"{URL}/chat/completions"]


@pytest.mark.parametrize(
    "first",
    [
        httpx2.ConnectError("refused"),
        httpx2.RemoteProtocolError("gone"),
        *(Reply(status=status) for status in (408, 409, 429, 500, 503)),
    ],
)
def test_what_passes_is_tried_again(first):
    endpoint = FakeEndpoint(first, Reply(headers={}), Reply())
    assert said(endpoint) == "90 days"
    assert len(endpoint.bodies) == 2


def test_the_wait_that_the_endpoint_asks_for_is_kept_within_the_deadline():
    endpoint = FakeEndpoint(Reply(status=429, headers={"retry-after": "1"}), Reply())
    started = time.monotonic()
    assert said(endpoint) == "90 days"
    assert time.monotonic() - started >= 1.0
    never = FakeEndpoint(Reply(status=429, headers={"retry-after": "3600"}))
    started = time.monotonic()
    with pytest.raises(GeneratorUnavailable, match="429"):
        said(never)
    assert time.monotonic() - started < 1.0
    assert len(never.bodies) == 1


def test_retry_after_is_seconds_or_a_date():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert retry_after({"retry-after": "2"}) == 2.0
    assert retry_after({"retry-after-ms": "250", "retry-after": "2"}) == 0.25
    assert retry_after({"retry-after": soon}) == pytest.approx(30, abs=2)
    assert retry_after({"retry-after": "-5"}) == 0.0
    assert retry_after({"retry-after": "tomorrow"}) is None
    assert retry_after({}) is None


@pytest.mark.parametrize(
    ("status", "setting"),
    [(400, "_MODEL"), (401, "_API_KEY"), (403, "_API_KEY"), (404, "_URL"), (307, "_URL")],
)
def test_what_a_person_has_to_change_is_not_tried_again_and_names_the_setting(status, setting):
    headers = {"location": "https://elsewhere.example/v1/chat/completions"}
    endpoint = FakeEndpoint(Reply(status=status, headers=headers, body='{"error": "How long is leave?"}'))
    with pytest.raises(GeneratorUnavailable, match=rf"ANSWERLOOP_OPENAI{setting}") as caught:
        said(endpoint)
    assert len(endpoint.bodies) == 1, "tried again, or followed a redirect"
    assert "leave" not in str(caught.value)
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(pieces=("90 ", httpx2.ReadError("gone"))),
        Reply(pieces=("90 ",), cut=True),
    ],
)
def test_nothing_is_tried_again_after_the_first_piece(reply):
    endpoint = FakeEndpoint(reply, Reply())
    pieces = iter(generator(endpoint).generate(request()))
    assert next(pieces) == "90 "
    with pytest.raises(GeneratorUnavailable):
        next(pieces)
    assert len(endpoint.bodies) == 1


def test_an_endpoint_that_says_nothing_in_time_is_left_before_the_deadline_so_that_others_can_answer():
    silence = threading.Event()
    endpoint = FakeEndpoint(Reply(before_each=lambda: silence.wait(5) and None))
    started = time.monotonic()
    with pytest.raises(GenerationTimedOut):
        said(endpoint, seconds=1.0)
    assert time.monotonic() - started < 0.95
    silence.set()


def test_one_that_dribbles_is_left_at_its_own_limit():
    endpoint = FakeEndpoint(Reply(pieces=["a"] * 200, before_each=lambda: time.sleep(0.05)))
    with pytest.raises(GenerationTimedOut):
        said(endpoint, seconds=0.5)
    until(lambda: endpoint.closed > 0, 5)


def test_a_reader_that_goes_away_closes_the_stream():
    endpoint = FakeEndpoint(Reply(pieces=["a "] * 200, before_each=lambda: time.sleep(0.02)))
    pieces = iter(generator(endpoint).generate(request()))
    assert next(pieces) == "a "
    pieces.close()
    until(lambda: endpoint.closed > 0, 5)


def test_what_is_no_stream_of_a_model_is_an_error_and_quotes_nothing():
    nonsense = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, text="data: {secret leave\n\n")
    )
    with pytest.raises(GeneratorUnavailable) as caught:
        said(nonsense)
    assert "leave" not in str(caught.value)


def test_an_endpoint_that_floods_is_left():
    with pytest.raises(GeneratorUnavailable, match="more than it was asked for"):
        said(FakeEndpoint(Reply(pieces=["a" * 10_000] * 20)))


def test_a_prompt_beyond_the_window_is_not_sent():
    endpoint = FakeEndpoint()
    with pytest.raises(GeneratorUnavailable, match="window"):
        list(generator(endpoint).generate(request(text="leave " * 2000)))
    assert endpoint.bodies == []


def test_neither_key_nor_prompt_is_ever_logged(caplog):
    caplog.set_level(logging.INFO)
    for reply in (Reply(), Reply(status=401), httpx2.ConnectError(f"to {SECRET}")):
        with suppress(GeneratorUnavailable):
            said(FakeEndpoint(reply), seconds=0.5)
    assert SECRET not in caplog.text
    assert "leave" not in caplog.text


# --- adapters of vLLM


@pytest.fixture
def adapters_folder(tmp_path):
    take_in(FolderAdapterStore(tmp_path / "adapters"), "night-1", trained(tmp_path / "out"))
    return tmp_path / "adapters"


def with_adapters(endpoint: FakeEndpoint, folder, base: str = "tiny") -> OpenAIGenerator:
    client = connect(URL, "", endpoint)
    adapters = VllmAdapters(client, folder, "/srv/adapters", base)
    return OpenAIGenerator(client, "the-model", window=2048, seconds=5.0, adapters=adapters)


def test_an_adapter_is_loaded_once_and_spoken_to_by_its_name(adapters_folder):
    endpoint = FakeEndpoint()
    model = with_adapters(endpoint, adapters_folder)
    for _ in range(2):
        completion = model.generate(request(adapter="night-1"))
        assert "".join(completion) == "90 days"
        assert completion.usage is not None
        assert completion.usage.adapter == "night-1"
    assert [path.rsplit("/", 1)[1] for path in endpoint.paths] == ["load_lora_adapter", "completions", "completions"]
    assert endpoint.bodies[0] == {"lora_name": "night-1", "lora_path": "/srv/adapters/night-1"}
    assert endpoint.bodies[1]["model"] == "night-1"


def test_one_that_the_server_has_lost_is_loaded_again_once(adapters_folder):
    loaded = Reply()
    endpoint = FakeEndpoint(loaded, Reply(), Reply(status=404), loaded, Reply(), Reply(status=404))
    model = with_adapters(endpoint, adapters_folder)
    assert "".join(model.generate(request(adapter="night-1"))) == "90 days"
    assert "".join(model.generate(request(adapter="night-1"))) == "90 days"
    with pytest.raises(GeneratorUnavailable):
        list(model.generate(request(adapter="night-1")))
    assert endpoint.paths.count(f"{URL}/load_lora_adapter") == 3


def test_while_one_is_loaded_those_who_speak_with_another_do_not_wait(adapters_folder):
    take_in(FolderAdapterStore(adapters_folder), "night-2", trained(adapters_folder.parent / "out-2"))
    loading, go = threading.Event(), threading.Event()

    def slow(body):
        loading.set()
        go.wait(5)
        return Reply()

    endpoint = FakeEndpoint(Reply(), slow)
    adapters = VllmAdapters(connect(URL, "", endpoint), adapters_folder, "", "tiny")
    assert adapters.require("night-1", 5)
    found = []
    threads = [threading.Thread(target=lambda: found.append(adapters.require("night-2", 5))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert loading.wait(5)
    assert not adapters.require("night-1", 5)
    assert adapters.forget("night-1")
    with pytest.raises(GeneratorUnavailable, match="still being loaded"):
        adapters.require("night-2", 0.01)
    assert found == [], "it is being loaded all the while"
    go.set()
    for thread in threads:
        thread.join(5)
    assert sorted(found) == [False, True]
    assert len(endpoint.paths) == 2


def test_one_that_another_process_has_loaded_already_is_there(adapters_folder):
    already = Reply(status=400, body="The lora adapter 'night-1' has already been loaded.")
    assert "".join(with_adapters(FakeEndpoint(already, Reply()), adapters_folder).generate(request(adapter="night-1")))


@pytest.mark.parametrize("base", ["another", "tiny"])
def test_one_that_is_not_ours_is_never_loaded(adapters_folder, base):
    if base == "tiny":
        (adapters_folder / "night-1" / "adapter_model.safetensors").write_bytes(b"changed")
    endpoint = FakeEndpoint()
    with pytest.raises(GeneratorUnavailable):
        list(with_adapters(endpoint, adapters_folder, base).generate(request(adapter="night-1")))
    assert endpoint.bodies == []


def test_without_adapters_one_that_is_named_is_refused():
    with pytest.raises(GeneratorUnavailable, match="adapters"):
        list(generator(FakeEndpoint()).generate(request(adapter="night-1")))
