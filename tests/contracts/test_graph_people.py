"""Microsoft Graph, against a small one that fails when it is told to."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from answerloop.backends.directory_graph import EntraUser, GraphPeople
from answerloop.errors import ConfigurationError, DeliveryImpossible, DirectoryUnavailable

DANA = "00000000-0000-0000-0000-0000000000d1"
PATH = f"/v1.0/users/{DANA}"
GROUPS = f"{PATH}/transitiveMemberOf/microsoft.graph.group"
FACTS = {"id": DANA, "displayName": "Dana Devlin", "mail": "dana@orrenby.example", "userType": "Member",
         "accountEnabled": True}  # fmt: skip


class Graph:
    """`replies` has what stands at each path: a status and a body."""

    def __init__(self) -> None:
        self.replies: dict[str, tuple[int, Any]] = {PATH: (200, FACTS), GROUPS: (200, {"value": [{"id": "g1"}]})}
        self.seconds = 0.0
        self.calls: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []
        graph = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                graph.calls.append((parts.path, parse_qs(parts.query), dict(self.headers)))
                time.sleep(graph.seconds)
                status, body = graph.replies.get(parts.path, (404, {"error": {"code": "Request_ResourceNotFound"}}))
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(content)))
                    self.send_header("Location", "http://127.0.0.1:9/")
                    self.end_headers()
                    self.wfile.write(content)
                except ConnectionError:
                    """Whoever asked has given up."""

            def log_message(self, *_: object) -> None:
                """A test needs no log of its requests."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def graph() -> Iterator[Graph]:
    graph = Graph()
    thread = threading.Thread(target=graph.server.serve_forever, args=(0.02,))
    thread.start()
    yield graph
    graph.server.shutdown()
    thread.join()
    graph.server.server_close()


@pytest.fixture
def people(graph) -> Iterator[GraphPeople]:
    people = GraphPeople(lambda: "graph-token", f"{graph.origin}/v1.0/", reply_seconds=0.3)
    yield people
    people.close()


def test_who_somebody_is_and_every_group_they_are_in(people, graph):
    next_link = f"{graph.origin}{GROUPS}/more?$skiptoken=x"
    graph.replies[GROUPS] = (200, {"value": [{"id": "g1"}, {"id": "g2"}], "@odata.nextLink": next_link})
    graph.replies[f"{GROUPS}/more"] = (200, {"value": [{"id": "g3"}]})
    assert people.facts(DANA) == EntraUser(
        "Dana Devlin", "dana@orrenby.example", guest=False, enabled=True, groups=frozenset({"g1", "g2", "g3"})
    )
    asked, first, second = graph.calls
    assert asked[:2] == (PATH, {"$select": ["id,displayName,mail,userType,accountEnabled"]})
    assert first[:2] == (GROUPS, {"$select": ["id"], "$top": ["999"], "$count": ["true"]})
    assert second[:2] == (f"{GROUPS}/more", {"$skiptoken": ["x"]})
    assert {headers["Authorization"] for _, _, headers in graph.calls} == {"Bearer graph-token"}
    assert {headers["ConsistencyLevel"] for _, _, headers in graph.calls} == {"eventual"}


@pytest.mark.parametrize(("kind", "guest"), [("Member", False), ("member", False), ("Guest", True), (None, True)])
def test_only_a_member_is_no_guest(people, graph, kind, guest):
    graph.replies[PATH] = (200, {**FACTS, "userType": kind, "mail": None, "displayName": None})
    facts = people.facts(DANA)
    assert (facts.guest, facts.mail, facts.name) == (guest, "", "")


@pytest.mark.parametrize(("enabled", "may_sign_in"), [(True, True), (False, False), (None, False)])
def test_whoever_may_not_sign_in_is_told(people, graph, enabled, may_sign_in):
    graph.replies[PATH] = (200, {**FACTS, "accountEnabled": enabled})
    assert people.facts(DANA).enabled is may_sign_in


@pytest.mark.parametrize("gone", [PATH, GROUPS])
def test_somebody_who_is_not_there_is_nobody(people, graph, gone):
    del graph.replies[gone]
    assert people.facts(DANA) is None


@pytest.mark.parametrize("object_id", ["", "..", "a/b", "29:dana", "x?y", "dana@orrenby.example"])
def test_what_is_no_object_id_is_not_asked_about(people, graph, object_id):
    assert people.facts(object_id) is None
    assert graph.calls == []


@pytest.mark.parametrize("where", [PATH, GROUPS])
@pytest.mark.parametrize(
    "reply",
    [(429, {}), (401, {}), (403, {}), (500, b"<html>"), (503, {}), (302, {}), (200, b"<html>"), (200, []), (200, b"")],
)
def test_whatever_else_it_says_nobody_is_guessed(people, graph, where, reply):
    graph.replies[where] = reply
    with pytest.raises(DirectoryUnavailable, match=f"says {reply[0]}"):
        people.facts(DANA)


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": [{}]}, {"value": ["g1"]}])
def test_groups_that_cannot_be_understood_are_not_no_groups(people, graph, body):
    graph.replies[GROUPS] = (200, body)
    with pytest.raises(DirectoryUnavailable, match="which groups"):
        people.facts(DANA)


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/v1.0/x", "http://127.0.0.1:9/v1.0/x", "http://user@{host}/v1.0/x", "https://{host}/v1.0/x",
     "http://{host}@evil.example/", "/v1.0/x", "http://[", "javascript:1"],
)  # fmt: skip
def test_our_token_goes_to_no_other_host(people, graph, link):
    host = graph.origin.removeprefix("http://")
    graph.replies[GROUPS] = (200, {"value": [], "@odata.nextLink": link.format(host=host)})
    with pytest.raises(DirectoryUnavailable, match="next page"):
        people.facts(DANA)
    assert len(graph.calls) == 2


def test_a_list_without_an_end_is_left(people, graph):
    graph.replies[GROUPS] = (200, {"value": [], "@odata.nextLink": f"{graph.origin}{GROUPS}"})
    with pytest.raises(DirectoryUnavailable, match="end"):
        people.facts(DANA)
    assert len(graph.calls) == 21


def test_a_graph_that_hangs_or_is_not_there_is_a_clear_error(people, graph):
    graph.seconds = 1.0
    begun = time.monotonic()
    with pytest.raises(DirectoryUnavailable, match="out of reach: ReadTimeout"):
        people.facts(DANA)
    assert time.monotonic() - begun < 0.9
    nowhere = GraphPeople(lambda: "graph-token", "http://127.0.0.1:9")
    with pytest.raises(DirectoryUnavailable, match="out of reach: ConnectError"):
        nowhere.facts(DANA)
    nowhere.close()


def test_without_a_token_nothing_is_asked(graph):
    def none() -> str:
        raise DeliveryImpossible("the password has expired")

    people = GraphPeople(none, graph.origin)
    with pytest.raises(DirectoryUnavailable, match="expired"):
        people.facts(DANA)
    assert graph.calls == []
    people.close()


@pytest.mark.parametrize("url", ["http://graph.microsoft.com/v1.0/", "graph.microsoft.com", "ftp://127.0.0.1x/"])
def test_an_address_where_others_could_read_our_token_is_refused(url):
    with pytest.raises(ConfigurationError, match="https"):
        GraphPeople(lambda: "graph-token", url)
