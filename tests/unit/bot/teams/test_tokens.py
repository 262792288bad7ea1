"""Who is refused, and whether Microsoft was asked for its keys about them."""

import json
import logging
import time

import pytest

from bot.teams.tokens import ISSUER
from tests.unit.bot.teams.door_kit import APP, KEYS, OPENID, SERVICE, DoorKit, activity, bearer, jwk, segment, token

AAD = "d6d49420-f39b-4df7-a1dc-d59a935871db"
DEEP = ("[" * 3000 + "]" * 3000).encode()


def at(seconds: int) -> int:
    return int(time.time()) + seconds


FORGED_AT_FIRST_SIGHT = {
    "no header": lambda: [],
    "two headers": lambda: [bearer(), bearer()],
    "an empty header": lambda: [""],
    "another scheme": lambda: ["Basic YTpi"],
    "one word": lambda: ["Bearer"],
    "no token": lambda: ["Bearer "],
    "the scheme in lower case": lambda: [bearer().replace("Bearer", "bearer")],
    "two spaces": lambda: [bearer().replace(" ", "  ")],
    "two tokens": lambda: [f"{bearer()} {token()}"],
    "garbage": lambda: ["Bearer garbage"],
    "letters of another alphabet": lambda: ["Bearer \xb3.\xb3.\xb3"],
    "two parts": lambda: [f"Bearer {segment({'alg': 'RS256'})}.{segment({})}"],
    "four parts": lambda: [f"{bearer()}.{segment({})}"],
    "huge": lambda: [bearer(more="x" * 20_000)],
    "a header that is no object": lambda: [bearer(header=[1])],
    "a header that is not JSON": lambda: [bearer(header=b"{")],
    "a deep header": lambda: [bearer(header=DEEP)],
    "claims that are no object": lambda: [bearer(payload=[1])],
    "claims that are not JSON": lambda: [bearer(payload=b"\xff")],
    "deep claims": lambda: [bearer(payload=DEEP)],
    "not signed": lambda: [bearer(header={"alg": "none"})],
    "not signed, in capitals": lambda: [bearer(header={"alg": "NONE"})],
    "signed with the public key as a secret": lambda: [bearer(header={"alg": "HS256"})],
    "signed with RS512": lambda: [bearer(header={"alg": "RS512"})],
    "signed with PS256": lambda: [bearer(header={"alg": "PS256"})],
    "an algorithm in lower case": lambda: [bearer(header={"alg": "rs256"})],
    "an algorithm that is a list": lambda: [bearer(header={"alg": ["RS256"]})],
    "no algorithm": lambda: [bearer(header={"alg": None})],
    "no kid": lambda: [bearer(header={"kid": None})],
    "an empty kid": lambda: [bearer(header={"kid": ""})],
    "a kid that is a number": lambda: [bearer(header={"kid": 1})],
    "a kid that is an object": lambda: [bearer(header={"kid": {"first": 1}})],
    "a critical extension": lambda: [bearer(header={"crit": ["exp"], "exp": 1})],
    "a critical extension that is known": lambda: [bearer(header={"crit": ["b64"], "b64": True})],
    "an unencoded payload": lambda: [bearer(header={"crit": ["b64"], "b64": False})],
    "another issuer": lambda: [bearer(iss="https://example.com")],
    "the issuer with a slash": lambda: [bearer(iss=f"{ISSUER}/")],
    "no issuer": lambda: [bearer(iss=None)],
    "a list of issuers": lambda: [bearer(iss=[ISSUER])],
    "an emulator's issuer": lambda: [bearer(iss=f"https://sts.windows.net/{AAD}/")],
    "an emulator's newer issuer": lambda: [bearer(iss=f"https://login.microsoftonline.com/{AAD}/v2.0", ver="2.0")],
}
FORGED = {
    "another key under a known name": lambda: [bearer(signed_by="other", header={"kid": "first"})],
    "an unknown kid": lambda: [bearer(signed_by="other")],
    "a signature of other claims": lambda: [bearer(exp=at(9)).rpartition(".")[0] + "." + bearer().rpartition(".")[2]],
    "no signature": lambda: [bearer().rpartition(".")[0] + "."],
    "a key for another channel": lambda: [bearer(signed_by="web")],
    "a key for no channel": lambda: [bearer(signed_by="nothing")],
    "a key whose endorsement is a text": lambda: [bearer(signed_by="text")],
    "a key that is too short": lambda: [bearer(signed_by="short")],
    "expired": lambda: [bearer(exp=at(-310))],
    "no end": lambda: [bearer(exp=None)],
    "an end that is no time": lambda: [bearer(exp="never")],
    "an endless end": lambda: [bearer(exp=float("inf"))],
    "not yet valid": lambda: [bearer(nbf=at(400))],
    "made in the future": lambda: [bearer(iat=at(400))],
    "for another app": lambda: [bearer(aud="another")],
    "for nobody": lambda: [bearer(aud=None)],
    "for us and others": lambda: [bearer(aud=[APP, "another"])],
    "for a list of us alone": lambda: [bearer(aud=[APP])],
    "for another service address": lambda: [bearer(serviceurl="https://smba.trafficmanager.net/amer/")],
    "for a service address without its slash": lambda: [bearer(serviceurl=SERVICE.rstrip("/"))],
    "for no service address": lambda: [bearer(serviceurl=None)],
    "for a list of service addresses": lambda: [bearer(serviceurl=[SERVICE])],
}


@pytest.fixture
def kit() -> DoorKit:
    kit = DoorKit()
    kit.microsoft.keys += [jwk("web", ["webchat"]), jwk("nothing", None), jwk("text", "msteams"), jwk("short")]
    return kit


@pytest.mark.parametrize("authorization", FORGED_AT_FIRST_SIGHT.values(), ids=FORGED_AT_FIRST_SIGHT.keys())
def test_what_cannot_be_genuine_is_refused_and_nobody_is_asked_for_a_key(kit, authorization):
    assert kit.post(activity(), authorization()) == 401
    assert (kit.heard, kit.microsoft.fetches) == ([], [])


@pytest.mark.parametrize("authorization", FORGED.values(), ids=FORGED.keys())
def test_what_is_not_genuine_is_refused(kit, authorization):
    assert kit.post(activity(), authorization()) == 401
    assert (kit.heard, kit.microsoft.fetches) == ([], [OPENID, KEYS])
    assert kit.post(activity()) == 200, "its forgery is no harm to others"


@pytest.mark.parametrize("seconds", [{}, {"exp": -200}, {"nbf": 200}, {"iat": 200}])
def test_what_is_genuine_comes_in_even_when_a_clock_is_some_minutes_wrong(kit, seconds):
    claims = {name: at(value) for name, value in seconds.items()}
    assert kit.post(activity(), [bearer(**claims)]) == 200
    assert kit.heard == [activity()]


def test_a_token_for_one_activity_is_none_for_another_channel_or_address(kit):
    assert kit.post(activity(channelId="webchat")) == 401
    assert kit.post(activity(channelId=None)) == 401
    assert kit.post(activity(serviceUrl="https://smba.trafficmanager.net/amer/")) == 401
    assert kit.heard == []


@pytest.mark.parametrize("channel", ["webchat", "directline", "emulator", "MSTEAMS", ""])
def test_another_channel_of_the_same_bot_is_not_teams_whatever_its_key_may_sign(kit, channel):
    kit.microsoft.keys = [jwk("first", ["msteams", "webchat", "directline", "emulator", "MSTEAMS", ""])]
    url = "https://directline.botframework.com/"
    assert kit.post(activity(channelId=channel, serviceUrl=url), [bearer(serviceurl=url)]) == 401
    assert (kit.heard, kit.microsoft.fetches) == ([], [])


def test_no_log_has_a_part_of_a_token(kit, caplog):
    caplog.set_level(logging.DEBUG)
    made = [authorization() for authorization in (FORGED | FORGED_AT_FIRST_SIGHT).values()]
    sent = [header for headers in made for header in headers if len(header) > 200]
    for header in [*sent, bearer()]:
        kit.post(activity(), [header])
    written = json.dumps([{**record.__dict__, "args": str(record.args)} for record in caplog.records], default=str)
    assert "a request is not from Teams" in written
    parts = {part for header in sent for part in header.removeprefix("Bearer ").split(".") if len(part) > 20}
    assert not [part for part in parts if part in written]
