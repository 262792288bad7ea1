from __future__ import annotations

from pathlib import Path

import pytest

from answerloop.db.session import Database
from answerloop.errors import ConfigurationError
from answerloop.settings import Settings
from answerloop.testing.past import Past
from review.wiring import Dashboard
from tests.unit.review.dashboard.page_kit import HERE, PageKit

OPERATING = ("/", "/gaps", "/gaps/latest.csv", "/training", "/objective", "/alarms")
JUDGING = ("/queue", "/corrections")


@pytest.mark.parametrize("path", OPERATING)
def test_operators_see_the_figures_and_reviewers_do_not(kit: PageKit, path: str):
    assert kit.client("olga").get(path).status_code == 200
    assert kit.client("rita").get(path).status_code in ((303,) if path == "/" else (403,))


@pytest.mark.parametrize("path", JUDGING)
def test_reviewers_judge_and_operators_do_not(kit: PageKit, path: str):
    assert kit.client("rita").get(path).status_code == 200
    assert kit.client("olga").get(path).status_code == 403


@pytest.mark.parametrize("path", [*OPERATING, *JUDGING])
@pytest.mark.parametrize("person", ["emil", "nobody"])
def test_others_see_nothing(kit: PageKit, path: str, person: str):
    assert kit.client(person).get(path).status_code == 403


@pytest.mark.parametrize("path", [*OPERATING, *JUDGING])
def test_without_a_name_nobody_gets_in(kit: PageKit, path: str):
    assert kit.client().get(path).status_code == 401
    assert kit.client("olga", peer="10.0.0.8").get(path).status_code == 401


def test_on_this_machine_the_development_user_may_do_everything(development: PageKit):
    client = development.client(peer="127.0.0.1")
    assert [client.get(path).status_code for path in (*OPERATING, *JUDGING)] == [200] * 8
    assert development.client(peer="10.0.0.9").get("/").status_code == 403


def test_whoever_has_to_sign_in_is_led_there(past: tuple[Database, Past], tmp_path: Path):
    kit = PageKit(*past, tmp_path / "home", web_token="long enough a token", dev_user="olga")
    client = kit.client(peer="127.0.0.1")
    assert client.get("/").headers["location"] == "/login"
    assert client.get("/login").status_code == 200
    assert client.post("/api/login", json={"token": "long enough a token"}).status_code == 204
    assert client.get("/").status_code == 200


def test_it_does_not_start_open_to_other_machines(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="open to other machines"):
        Dashboard(Settings(_env_file=None, home=tmp_path, host="0.0.0.0"))


def test_probes_need_no_name(kit: PageKit):
    assert kit.client().get("/healthz").text == "ok"
    assert kit.client().get("/metrics").text == "figures 1\n"


# --- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(kit: PageKit, headers: dict[str, str]):
    answer = kit.client("olga", **headers).post("/alarms", data={"key": "burst:made-up"})
    assert answer.status_code == 403
    assert "burst" in kit.client("olga").get("/alarms").text


def test_a_form_that_does_not_say_whose_it_is_is_refused(kit: PageKit):
    client = kit.client("olga")
    del client.headers["Origin"]
    assert client.post("/alarms", data={"key": "burst:made-up"}).status_code == 403


def test_pages_let_their_forms_say_where_they_come_from_and_run_no_foreign_script(kit: PageKit):
    headers = kit.client("olga").get("/").headers
    assert headers["referrer-policy"] == "same-origin"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_no_page_has_a_style_or_script_of_its_own(kit: PageKit):
    for person, path in (("olga", "/"), ("olga", "/objective"), ("hana", f"/audits/{kit.past.conflict}")):
        html = kit.client(person).get(path).text
        assert " style=" not in html
        assert "<style" not in html
        assert HERE not in html.replace("http://127.0.0.1:8000", "")
