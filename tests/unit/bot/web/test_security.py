import time

import pytest

from bot.web.readiness import Readiness
from tests.unit.bot.web.web_kit import HERE, WebKit

QUESTIONS = "/api/chat/questions"
QUESTION = {"text": "How many days of leave do I have?"}


class TestHost:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:9", "LOCALHOST", "[::1]:8000"])
    def test_our_names_are_served(self, development: WebKit, host: str) -> None:
        assert development.client(Host=host).get("/api/me").status_code == 200

    @pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[::1"])
    def test_other_names_are_not(self, development: WebKit, host: str) -> None:
        refused = development.client(Host=host).get("/api/me")
        assert refused.status_code == 400
        assert "error" in refused.json()

    def test_probes_come_by_address(self, development: WebKit) -> None:
        assert development.client("192.0.2.4", Host="10.2.0.9:8000").get("/healthz").status_code == 200


class TestOtherSites:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:9000"},
            {"Origin": "http://localhost:8000"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site", "Origin": HERE},
            {"Sec-Fetch-Site": "none"},
        ],
    )
    def test_another_site_may_not_ask(self, development: WebKit, headers: dict[str, str]) -> None:
        assert development.client(**headers).post(QUESTIONS, json=QUESTION).status_code == 403

    @pytest.mark.parametrize("headers", [{"Origin": HERE}, {"Sec-Fetch-Site": "same-origin", "Origin": HERE}, {}])
    def test_our_page_and_a_script_may(self, development: WebKit, headers: dict[str, str]) -> None:
        assert development.client(**headers).post(QUESTIONS, json=QUESTION).status_code == 202

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
    def test_a_form_is_not_json(self, development: WebKit, kind: str) -> None:
        sent = development.client().post(QUESTIONS, content='{"text": "Leave?"}', headers={"Content-Type": kind})
        assert sent.status_code == 415


class TestBody:
    def test_a_large_body_is_refused(self, development: WebKit) -> None:
        assert development.client().post(QUESTIONS, json={"text": "x" * 70_000}).status_code == 413

    def test_also_when_its_length_is_not_announced(self, development: WebKit) -> None:
        pieces = (b"x" * 10_000 for _ in range(7))
        sent = development.client().post(QUESTIONS, content=pieces, headers={"Content-Type": "application/json"})
        assert sent.status_code == 413


class TestResponses:
    def test_headers(self, development: WebKit) -> None:
        for path in ("/", "/api/me", "/documents/unknown", "/static/chat.js", "/healthz"):
            headers = development.client().get(path).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")

    def test_the_page_loads_nothing_from_elsewhere_and_has_nothing_inline(self, development: WebKit) -> None:
        text = development.client().get("/").text
        assert "http://" not in text
        assert "https://" not in text
        assert "style=" not in text
        assert "<script>" not in text

    def test_a_bug_is_an_apology_with_a_reference(
        self, development: WebKit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(_person: str) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr(development.directory, "person", broken)
        failed = development.client().get("/api/me")
        assert failed.status_code == 500
        assert "secret" not in failed.text
        assert failed.json()["reference"] in {getattr(record, "reference", "") for record in caplog.records}

    def test_somebody_who_followed_a_link_gets_a_page(self, development: WebKit) -> None:
        missing = development.client(Accept="text/html").get("/documents/unknown")
        assert missing.status_code == 404
        assert missing.text.startswith("<!doctype html>")

    def test_an_unknown_path_is_json(self, development: WebKit) -> None:
        assert development.client().get("/api/nothing").json() == {"error": "There is no such page."}


class TestProbes:
    def test_ready(self, development: WebKit) -> None:
        assert development.client().get("/readyz").json() == {"checks": {"database": "ok"}}

    def test_not_ready(self, development: WebKit) -> None:
        development.checks = {"database": "ok", "broker": "It does not answer."}
        assert development.client().get("/readyz").status_code == 503

    def test_a_platform_that_does_not_answer_is_told_and_keeps_nobody_from_the_page(self, development: WebKit) -> None:
        development.checks = {"database": "ok", "slack": "Slack has not let us connect yet."}
        told = development.client().get("/readyz")
        assert (told.status_code, told.json()) == (200, {"checks": development.checks})

    @pytest.mark.parametrize("stranger", [{"peer": "192.0.2.4"}, {"X-Forwarded-For": "192.0.2.4"}])
    def test_what_is_wrong_is_told_on_this_machine_alone(
        self, development: WebKit, stranger: dict[str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        sentence = "no answer from db.internal:5432"
        development.checks = {"broker": "ok", "database": sentence}
        told = development.client(**stranger).get("/readyz")
        assert (told.status_code, told.json()) == (503, {"checks": {"broker": "ok", "database": "not ok"}})
        assert development.client().get("/readyz").json()["checks"]["database"] == sentence
        assert [getattr(record, "failures", None) for record in caplog.records] == [{"database": sentence}]

    def test_the_checks_are_not_made_for_every_caller(self) -> None:
        made: list[int] = []

        def health() -> dict[str, str]:
            made.append(1)
            return {"database": "ok"}

        readiness = Readiness(health, kept_seconds=0.2)
        assert readiness.checks() == readiness.checks() == {"database": "ok"}
        assert len(made) == 1
        time.sleep(0.25)
        readiness.checks()
        assert len(made) == 2

    def test_metrics(self, development: WebKit) -> None:
        assert development.client().get("/metrics").text == "questions 1\n"
