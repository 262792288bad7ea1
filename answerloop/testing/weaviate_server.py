"""A small Weaviate of our own: the schema over REST, everything else over gRPC, as the real one speaks them."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from weaviate.proto.v1 import (
    aggregate_pb2,
    batch_delete_pb2,
    batch_pb2,
    properties_pb2,
    search_get_pb2,
    tenants_pb2,
    weaviate_pb2_grpc,
)

from answerloop.testing.weaviate_store import Collection, Refused, Store, Thing

VERSION = "1.32.0"


class WeaviateServer:
    """Listens on loopback until `stop`. `requests` and `replies` are those over gRPC, in order; `before`, where set, is
    called with each request and may refuse it. `deletes_at_once` is the most that one call deletes."""

    def __init__(self, api_key: str = "", version: str = VERSION) -> None:
        self.store = Store()
        self.api_key = api_key
        self.version = version
        self.requests: list[Any] = []
        self.replies: list[Any] = []
        self.before: Callable[[Any], None] | None = None
        self.refuses: Callable[[Thing], str | None] = lambda thing: None
        self.deletes_at_once = 10_000
        self.lock = threading.RLock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _rest_of(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        self._grpc = grpc.server(ThreadPoolExecutor(16))
        weaviate_pb2_grpc.add_WeaviateServicer_to_server(_Servicer(self), self._grpc)
        self.grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")
        self._grpc.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def stop(self) -> None:
        self._grpc.stop(None).wait()
        self._http.shutdown()
        self._http.server_close()

    def asked(self, kind: type[Any]) -> list[Any]:
        return [request for request in self.requests if isinstance(request, kind)]


# --- REST


def _rest_of(server: WeaviateServer) -> type[BaseHTTPRequestHandler]:
    class Rest(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def do_PUT(self) -> None:
            self._answer("PUT")

        def do_DELETE(self) -> None:
            self._answer("DELETE")

        def _answer(self, method: str) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            said = json.loads(self.rfile.read(length)) if length else None
            if server.api_key and self.headers.get("Authorization") != f"Bearer {server.api_key}":
                status, body = HTTPStatus.UNAUTHORIZED, {"error": [{"message": "anonymous access not enabled"}]}
            else:
                with server.lock:
                    status, body = _schema(server, method, self.path.removeprefix("/v1/").split("/"), said)
            sent = b"" if status == HTTPStatus.NO_CONTENT else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Rest


def _schema(server: WeaviateServer, method: str, path: list[str], said: Any) -> tuple[HTTPStatus, Any]:
    match method, path:
        case "GET", ["meta"]:
            return HTTPStatus.OK, {"version": server.version, "grpcMaxMessageSize": 104858000}
        case "POST", ["schema"]:
            return _make(server.store, said)
        case "GET", ["schema"]:
            return HTTPStatus.OK, {"classes": [_listed(each.config) for each in server.store.collections.values()]}
        case _, ["schema", name, *rest]:
            return _in_schema(server.store, method, name, rest, said)
        case _, ["aliases", *rest]:
            return _alias(server.store, method, rest, said)
    return HTTPStatus.NOT_FOUND, {}


def _listed(config: dict[str, Any]) -> dict[str, Any]:
    """A client reads much more of a collection than anybody asks for: of names alone it is content with this."""
    return {"class": config["class"], "vectorizer": "none", "properties": None}


def _make(store: Store, said: Any) -> tuple[HTTPStatus, Any]:
    if said["class"] in store.collections:
        return HTTPStatus.UNPROCESSABLE_ENTITY, {"error": [{"message": "class name already exists"}]}
    store.collections[said["class"]] = Collection(said)
    return HTTPStatus.OK, said


def _in_schema(store: Store, method: str, name: str, rest: list[str], said: Any) -> tuple[HTTPStatus, Any]:
    if name not in store.collections:
        return HTTPStatus.NOT_FOUND, {}
    found = store.collections[name]
    if rest == ["tenants"] and method == "POST":
        for tenant in said:
            found.tenants.setdefault(tenant["name"], {})
    elif rest == ["tenants"] and method == "DELETE":
        for tenant in said:
            found.tenants.pop(tenant, None)
    elif method == "DELETE":
        del store.collections[name]
    return HTTPStatus.OK, found.config


def _alias(store: Store, method: str, rest: list[str], said: Any) -> tuple[HTTPStatus, Any]:
    if not rest:
        if method == "POST":
            if said["alias"] in store.aliases or said["class"] not in store.collections:
                return HTTPStatus.UNPROCESSABLE_ENTITY, {"error": [{"message": "alias already exists"}]}
            store.aliases[said["alias"]] = said["class"]
        listed = [{"alias": alias, "class": target} for alias, target in store.aliases.items()]
        return HTTPStatus.OK, said if method == "POST" else {"aliases": listed}
    if rest[0] not in store.aliases:
        return HTTPStatus.NOT_FOUND, {}
    if method == "PUT":
        store.aliases[rest[0]] = said["class"]
    elif method == "DELETE":
        del store.aliases[rest[0]]
        return HTTPStatus.NO_CONTENT, None
    return HTTPStatus.OK, {"alias": rest[0], "class": store.aliases[rest[0]]}


# --- gRPC


class _Servicer(weaviate_pb2_grpc.WeaviateServicer):  # type: ignore[misc]
    def __init__(self, server: WeaviateServer) -> None:
        self._server = server

    def _do(self, request: Any, context: Any, act: Callable[[Any], Any]) -> Any:
        said = dict(context.invocation_metadata())
        if self._server.api_key and said.get("authorization") != f"Bearer {self._server.api_key}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "anonymous access not enabled")
        try:
            if self._server.before is not None:
                self._server.before(request)
            with self._server.lock:
                self._server.requests.append(request)
                self._server.replies.append(act(request))
                return self._server.replies[-1]
        except Refused as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    def Search(self, request: Any, context: Any) -> Any:  # noqa: N802 - the names are the protocol's
        return self._do(request, context, self._search)

    def BatchObjects(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._do(request, context, self._put)

    def BatchDelete(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._do(request, context, self._delete)

    def TenantsGet(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._do(request, context, self._tenants)

    def Aggregate(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._do(request, context, self._sum)

    def _search(self, request: Any) -> Any:
        collection = self._server.store.collection(request.collection)
        reply = search_get_pb2.SearchReply()
        for thing, score in self._server.store.search(request):
            result = reply.results.add()
            for name in request.properties.non_ref_properties:
                result.properties.non_ref_props.fields[name].CopyFrom(_value(collection, name, thing.said.get(name)))
            result.properties.target_collection = request.collection
            result.metadata.id = thing.id
            result.metadata.id_as_bytes = uuid.UUID(thing.id).bytes
            if "default" in request.metadata.vectors:
                result.metadata.vectors.add(name="default", vector_bytes=thing.vector)
            if request.metadata.score:
                result.metadata.score, result.metadata.score_present = score, True
        return reply

    def _put(self, request: Any) -> Any:
        reply = batch_pb2.BatchObjectsReply()
        for index, each in enumerate(request.objects):
            thing = Thing(each.uuid, _said(each.properties), each.vectors[0].vector_bytes if each.vectors else b"")
            refused = self._server.refuses(thing)
            if refused:
                reply.errors.add(index=index, error=refused)
            else:
                self._server.store.things(each.collection, each.tenant)[thing.id] = thing
        return reply

    def _delete(self, request: Any) -> Any:
        things = self._server.store.things(request.collection, request.tenant)
        found = [thing.id for thing in things.values() if self._server.store.holds(request, thing)]
        for name in found[: self._server.deletes_at_once]:
            del things[name]
        done = min(len(found), self._server.deletes_at_once)
        return batch_delete_pb2.BatchDeleteReply(matches=done, successful=done)

    def _tenants(self, request: Any) -> Any:
        there = self._server.store.collection(request.collection).tenants
        wanted = [name for name in request.names.values if name in there]
        return tenants_pb2.TenantsGetReply(
            tenants=[tenants_pb2.Tenant(name=name, activity_status=tenants_pb2.TENANT_ACTIVITY_STATUS_HOT)
                     for name in wanted]
        )  # fmt: skip

    def _sum(self, request: Any) -> Any:
        things = self._server.store.things(request.collection, request.tenant).values()
        reply = aggregate_pb2.AggregateReply()
        for asked in request.aggregations:
            if not self._server.store.collection(request.collection).indexed(asked.property):
                raise Refused(f"could not find bucket for prop {asked.property}")
            added = reply.single_result.aggregations.aggregations.add(property=asked.property)
            added.int.sum = int(sum(thing.said.get(asked.property) or 0 for thing in things))
        return reply


def _said(properties: Any) -> dict[str, Any]:
    said: dict[str, Any] = MessageToDict(properties.non_ref_properties)
    said |= {each.prop_name: list(each.values) for each in properties.text_array_properties}
    return said | {name: [] for name in properties.empty_list_props}


def _value(collection: Collection, name: str, value: Any) -> properties_pb2.Value:
    if value is None:
        return properties_pb2.Value(null_value=0)
    match collection.kind(name):
        case "int":
            return properties_pb2.Value(int_value=int(value))
        case "boolean":
            return properties_pb2.Value(bool_value=value)
        case "date":
            return properties_pb2.Value(date_value=value)
        case "text[]":
            texts = properties_pb2.TextValues(values=value)
            return properties_pb2.Value(list_value=properties_pb2.ListValue(text_values=texts))
    return properties_pb2.Value(text_value=value)
