import asyncio
import json
import time
from typing import Any

import pytest
from jwt.algorithms import RSAAlgorithm

from answerloop.errors import ConfigurationError
from answerloop.testing.fakes import FakeClock
from bot.teams.signing_keys import KEPT_SECONDS, PAUSE_SECONDS, KeysUnavailable, SigningKey, SigningKeys
from tests.unit.bot.teams.door_kit import KEYS, OPENID, Microsoft, jwk, private_key

ONE_FETCH = [OPENID, KEYS]


@pytest.fixture
def microsoft() -> Microsoft:
    return Microsoft()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def keys(microsoft, clock) -> SigningKeys:
    return SigningKeys(OPENID, microsoft.fetch, clock)


def get(keys: SigningKeys, kid: str) -> SigningKey | None:
    return asyncio.run(keys.get(kid))


def get_all(keys: SigningKeys, kids: list[str]) -> list[SigningKey | BaseException | None]:
    async def at_once() -> list[SigningKey | BaseException | None]:
        return await asyncio.gather(*(keys.get(kid) for kid in kids), return_exceptions=True)

    return asyncio.run(at_once())


def test_a_key_is_fetched_once_a_day(keys, microsoft, clock):
    for clock.now in (0, 1, PAUSE_SECONDS, KEPT_SECONDS - 1):
        found = get(keys, "first")
        assert found is not None
        assert found.public.public_numbers() == private_key("first").public_key().public_numbers()
        assert found.endorsements == {"msteams"}
    assert microsoft.fetches == ONE_FETCH
    clock.now = KEPT_SECONDS
    assert get(keys, "first")
    assert microsoft.fetches == ONE_FETCH * 2


def test_a_key_that_was_withdrawn_is_gone_after_a_day(keys, microsoft, clock):
    assert get(keys, "first")
    microsoft.keys = [jwk("second")]
    clock.now = KEPT_SECONDS
    assert get(keys, "first") is None


def test_those_who_come_at_once_wait_for_one_fetch(keys, microsoft):
    microsoft.seconds = 0.05
    assert all(get_all(keys, ["first"] * 200))
    assert microsoft.fetches == ONE_FETCH


def test_a_storm_of_unknown_keys_is_one_fetch_a_minute(keys, microsoft, clock):
    for minute in range(3):
        for second in (0, 30, 59):
            clock.now = minute * PAUSE_SECONDS + second
            assert get_all(keys, [f"unknown-{number}" for number in range(300)]) == [None] * 300
        assert microsoft.fetches == ONE_FETCH * (minute + 1)


def test_a_new_key_is_known_within_a_minute_whoever_asked_last(keys, microsoft, clock):
    assert get(keys, "first")
    microsoft.keys.append(jwk("second"))
    clock.now = PAUSE_SECONDS - 1
    assert get(keys, "second") is None
    clock.now = PAUSE_SECONDS
    assert get(keys, "second")
    assert get(keys, "first")


def test_known_keys_go_on_working_while_microsoft_is_out_of_reach(keys, microsoft, clock):
    assert get(keys, "first")
    microsoft.is_down = True
    clock.now = KEPT_SECONDS * 3
    assert get(keys, "first")
    with pytest.raises(KeysUnavailable):
        get(keys, "second")
    assert len(microsoft.fetches) == len(ONE_FETCH) + 1, "the second one did not ask again"
    microsoft.is_down = False
    microsoft.keys.append(jwk("second"))
    clock.now += PAUSE_SECONDS
    assert get(keys, "second")


def test_nobody_is_let_in_or_kept_out_for_good_before_the_first_answer(keys, microsoft, clock):
    microsoft.is_down = True
    assert {type(found) for found in get_all(keys, ["first", "unknown"] * 20)} == {KeysUnavailable}
    assert microsoft.fetches == [OPENID]
    microsoft.is_down = False
    clock.now = PAUSE_SECONDS
    assert get(keys, "first")
    assert get(keys, "unknown") is None


def test_one_with_a_known_key_does_not_wait_for_a_fetch(microsoft, clock):
    async def scenario() -> float:
        keys = SigningKeys(OPENID, microsoft.fetch, clock)
        await keys.get("first")
        microsoft.seconds, clock.now = 0.5, KEPT_SECONDS
        fetching = asyncio.create_task(keys.get("second"))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        assert await keys.get("first")
        waited = time.monotonic() - began
        await fetching
        return waited

    assert asyncio.run(scenario()) < 0.3


def test_a_server_that_takes_for_ever_counts_as_out_of_reach(microsoft, clock):
    microsoft.seconds = 0.5
    keys = SigningKeys(OPENID, microsoft.fetch, clock, patience_seconds=0.1)
    began = time.monotonic()
    assert {type(found) for found in get_all(keys, ["first"] * 20)} == {KeysUnavailable}
    assert time.monotonic() - began < 0.45


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        [],
        "text",
        {"jwks_uri": None},
        {"jwks_uri": ["https://login.example.com/keys"]},
        {"jwks_uri": "http://login.example.com/keys"},
        {"jwks_uri": "http://127.0.0.1/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https//"},
    ],
)
def test_an_unsafe_or_missing_address_of_keys_is_not_asked(keys, microsoft, clock, metadata):
    assert get(keys, "first")
    microsoft.metadata, clock.now = metadata, KEPT_SECONDS
    with pytest.raises(KeysUnavailable):
        get(keys, "second")
    assert microsoft.fetches == [*ONE_FETCH, OPENID]
    assert get(keys, "first")


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"\xff", b"[" * 100_000, b'{"keys": {}}', b'{"keys": []}'])
def test_an_answer_that_is_none_changes_nothing(microsoft, clock, answer):
    def fetch(url: str) -> bytes:
        return answer if url == KEYS and clock.now else microsoft.fetch(url)

    keys = SigningKeys(OPENID, fetch, clock)
    assert get(keys, "first")
    clock.now = KEPT_SECONDS
    assert get(keys, "first")
    with pytest.raises(KeysUnavailable):
        get(keys, "second")


def test_only_public_rsa_keys_with_a_name_are_taken(keys, microsoft):
    private: dict[str, Any] = RSAAlgorithm.to_jwk(private_key("first"), as_dict=True)
    microsoft.keys += [
        None,
        "key",
        {},
        {"kid": "empty"},
        {"kid": "oct", "kty": "oct", "k": "AAAA"},
        {"kid": "curve", "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
        {"kid": "broken", "kty": "RSA", "n": "!", "e": []},
        {"kid": "zero", "kty": "RSA", "n": "AA", "e": "AA"},
        {**private, "kid": "private", "endorsements": ["msteams"]},
        {**jwk("second"), "kid": 5},
        jwk("third", [1, None, "webchat"]),
    ]
    for kid in ("empty", "oct", "curve", "broken", "zero", "private", "5"):
        assert get(keys, kid) is None
    third = get(keys, "third")
    assert third is not None
    assert third.endorsements == {"webchat"}


def test_metadata_come_encrypted_or_from_this_machine():
    for url in ("http://login.example.com/openid", "ftp://127.0.0.1/openid", "127.0.0.1", "http://[", ""):
        with pytest.raises(ConfigurationError):
            SigningKeys(url)
    local = {
        "http://127.0.0.1:1/openid": json.dumps({"jwks_uri": "http://localhost:2/keys"}).encode(),
        "http://localhost:2/keys": json.dumps({"keys": [jwk("first")]}).encode(),
    }
    assert get(SigningKeys("http://127.0.0.1:1/openid", local.__getitem__), "first")
