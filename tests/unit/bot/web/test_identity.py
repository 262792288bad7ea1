import stat
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from answerloop.db.session import Database
from answerloop.errors import ConfigurationError
from answerloop.secrets import key_of
from answerloop.web.identity import COOKIE
from tests.unit.bot.web.web_kit import ADA, PROXY, WebKit

TOKEN = "a token that is long enough"


@pytest.fixture
def with_token(database: Database, tmp_path: Path) -> WebKit:
    return WebKit(database, tmp_path / "home", web_token=TOKEN)


class TestDevelopment:
    def test_on_this_machine_without_sign_in_it_is_the_development_user(self, development: WebKit) -> None:
        me = development.client().get("/api/me").json()
        assert (me["id"], me["development"]) == ("dev", True)

    @pytest.mark.parametrize("peer", ["::1", "::ffff:127.0.0.1", "127.8.8.8"])
    def test_every_spelling_of_this_machine_counts(self, development: WebKit, peer: str) -> None:
        assert development.client(peer).get("/api/me").status_code == 200

    @pytest.mark.parametrize("peer", ["192.0.2.4", "::ffff:192.0.2.4", "2001:db8::1", "testclient"])
    def test_nobody_elsewhere_is_the_development_user(self, development: WebKit, peer: str) -> None:
        assert development.client(peer).get("/api/me").status_code == 403

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
    def test_behind_a_proxy_nobody_is_the_development_user(self, development: WebKit, header: str) -> None:
        assert development.client(**{header: "127.0.0.1"}).get("/api/me").status_code == 403

    def test_http_1_0_comes_from_a_proxy_that_does_not_say_so(self, development: WebKit, with_token: WebKit) -> None:
        refused = development.client(http_version="1.0").get("/api/me")
        assert (refused.status_code, "HTTP/1.0" in refused.json()["error"]) == (403, True)
        assert with_token.client(http_version="1.0", Authorization=f"Bearer {TOKEN}").get("/api/me").status_code == 200

    def test_an_identity_header_that_is_not_configured_means_nothing(self, development: WebKit) -> None:
        assert development.client(**{"X-User": ADA}).get("/api/me").json()["id"] == "dev"


class TestProxy:
    def test_a_trusted_proxy_is_believed(self, kit: WebKit) -> None:
        me = kit.as_person(ADA).get("/api/me").json()
        assert (me["id"], me["development"]) == (ADA, False)

    @pytest.mark.parametrize("peer", ["10.0.0.8", "127.0.0.1", "192.0.2.4"])
    def test_nobody_else_is_not_even_on_this_machine(self, kit: WebKit, peer: str) -> None:
        assert kit.client(peer, **{"X-User": ADA}).get("/api/me").status_code == 401

    @pytest.mark.parametrize("value", ["", "   ", "a" * 256, "a\tb"])
    def test_an_unusable_name_is_nobody(self, kit: WebKit, value: str) -> None:
        assert kit.as_person(value).get("/api/me").status_code == 401

    def test_two_names_are_nobody(self, kit: WebKit) -> None:
        headers = [("X-User", ADA), ("X-User", "bob")]
        assert kit.client(PROXY).get("/api/me", headers=headers).status_code == 401

    def test_a_network_of_proxies_may_be_named(self, database: Database, tmp_path: Path) -> None:
        kit = WebKit(database, tmp_path, identity_header="X-User", trusted_proxies=("10.1.0.0/16",))
        assert kit.client("10.1.2.3", **{"X-User": ADA}).get("/api/me").json()["id"] == ADA

    def test_a_proxy_that_is_no_address_is_a_configuration_error(self, database: Database, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="TRUSTED_PROXIES"):
            WebKit(database, tmp_path, identity_header="X-User", trusted_proxies=("proxy.internal",))


class TestToken:
    def test_the_token_lets_in(self, with_token: WebKit) -> None:
        me = with_token.client(Authorization=f"Bearer {TOKEN}").get("/api/me").json()
        assert (me["id"], me["development"]) == ("dev", False)

    @pytest.mark.parametrize("value", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
    def test_anything_else_does_not(self, with_token: WebKit, value: str | None) -> None:
        headers = {"Authorization": value} if value else {}
        assert with_token.client(**headers).get("/api/me").status_code == 401

    def test_the_token_is_posted_once_and_becomes_a_session(self, with_token: WebKit) -> None:
        browser = with_token.client("192.0.2.4")
        assert browser.get("/").headers["location"] == "/login"
        assert browser.get("/login").status_code == 200
        signed_in = browser.post("/api/login", json={"token": TOKEN})
        cookie = signed_in.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "secure" not in cookie
        assert TOKEN not in cookie
        assert browser.get("/api/me").json()["session"] is True
        browser.post("/api/logout", json={})
        assert browser.get("/api/me").status_code == 401

    def test_over_https_the_cookie_is_secure(self, with_token: WebKit) -> None:
        signed_in = with_token.client().post("https://127.0.0.1/api/login", json={"token": TOKEN})
        assert "secure" in signed_in.headers["set-cookie"].lower()

    def test_a_short_token_can_be_guessed(self, database: Database, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="ANSWERLOOP_WEB_TOKEN"):
            WebKit(database, tmp_path / "home", web_token="fifteen letters")

    @pytest.mark.parametrize("body", ['{"token": "guess"}', '{"token": "\\ud800"}'])
    def test_a_wrong_token_makes_no_session(self, with_token: WebKit, body: str) -> None:
        refused = with_token.client().post("/api/login", content=body, headers={"Content-Type": "application/json"})
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers

    def test_a_forged_cookie_is_nobody(self, with_token: WebKit) -> None:
        forged = URLSafeTimedSerializer(b"x" * 32, salt="answerloop web session").dumps("0" * 64)
        for cookie in ("", "nonsense", forged):
            assert with_token.client(Cookie=f"{COOKIE}={cookie}").get("/api/me").status_code == 401

    def test_a_new_token_ends_old_sessions(self, with_token: WebKit, database: Database, tmp_path: Path) -> None:
        session = with_token.client().post("/api/login", json={"token": TOKEN}).cookies[COOKIE]
        renewed = WebKit(database, tmp_path / "home", web_token="another token of this length")
        assert renewed.client(Cookie=f"{COOKIE}={session}").get("/api/me").status_code == 401


class TestSessionKey:
    def test_it_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "home" / "session.key"
        key = key_of(path)
        assert len(key) == 32
        assert key_of(path) == key
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(path.parent.iterdir()) == [path]

    def test_a_damaged_key_is_not_used(self, tmp_path: Path) -> None:
        path = tmp_path / "session.key"
        path.write_bytes(b"short")
        with pytest.raises(ConfigurationError, match="damaged"):
            key_of(path)
