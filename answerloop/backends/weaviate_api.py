"""What we ask of a Weaviate server, with its errors as ours.

The connection is made by the first call and made again after it failed. Every request names the tenant and the
consistency level.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooSlow
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import grpc
import httpx
import weaviate
from weaviate.classes.aggregate import Metrics
from weaviate.classes.config import Configure, ConsistencyLevel, Property, StopwordsPreset
from weaviate.classes.data import DataObject
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.classes.query import Filter
from weaviate.exceptions import UnexpectedStatusCodeError, WeaviateBaseError

from answerloop.backends.weaviate_rows import VECTOR
from answerloop.errors import ConfigurationError, IndexUnavailable

T = TypeVar("T")

OLDEST = (1, 32)
"""The first version with aliases."""
OBJECTS_AT_ONCE = 200
GONE_SECONDS = 3.0
WRITE_PATIENCE = 6
"""A batch of writes may take so many times as long as a query."""
_EXISTS = 422


@dataclass(frozen=True, slots=True)
class Address:
    url: str
    grpc_port: int
    api_key: str = ""
    timeout_seconds: float = 10.0


class WeaviateApi:
    """One connection, for many threads. Every method raises IndexUnavailable."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._client: weaviate.WeaviateClient | None = None
        self._lock = threading.Lock()
        self._gone_until = 0.0

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def version(self) -> str:
        """Having been asked just now. Raises ConfigurationError for a server that is too old."""
        with translated():
            found = str(self._connected().get_meta()["version"])
        if tuple(int(part) for part in found.split(".")[:2]) < OLDEST:
            raise ConfigurationError(f"Weaviate {found} at {self._address.url} is too old: 1.32 or newer is needed.")
        return found

    def together(self, *jobs: Callable[[], T]) -> list[T]:
        """All at once, as the time of a search is the number of its round trips.

        The client tries a server that is gone for a minute. Nobody waits so long for an answer, and for a few seconds
        nobody asks again; the threads that still try hold nothing up, not even the end of the process.
        """
        if time.monotonic() < self._gone_until:
            raise IndexUnavailable(f"Weaviate at {self._address.url} has not answered just now.")
        futures: list[Future[T]] = [Future() for _ in jobs]
        for job, future in zip(jobs, futures, strict=True):
            threading.Thread(target=_settle, args=(job, future), name="weaviate", daemon=True).start()
        deadline = time.monotonic() + self._address.timeout_seconds + 1
        try:
            return [future.result(max(0.0, deadline - time.monotonic())) for future in futures]
        except TooSlow:
            self._gone_until = time.monotonic() + GONE_SECONDS
            raise IndexUnavailable(f"Weaviate at {self._address.url} does not answer.") from None

    # --- collections, tenants, aliases

    def make_collection(self, name: str, properties: Sequence[Property], vectors: Any) -> None:
        """There already: nothing is changed of it."""
        with translated():
            collections = self._connected().collections
            if collections.exists(name):
                return
            try:
                collections.create(
                    name,
                    properties=properties,
                    vector_config=vectors,
                    inverted_index_config=Configure.inverted_index(stopwords_preset=StopwordsPreset.NONE),
                    multi_tenancy_config=Configure.multi_tenancy(
                        enabled=True, auto_tenant_creation=False, auto_tenant_activation=True
                    ),
                )
            except UnexpectedStatusCodeError as error:
                if error.status_code != _EXISTS or not collections.exists(name):  # another process was faster
                    raise

    def add_tenant(self, collection: str, tenant: str) -> None:
        with translated():
            self._connected().collections.use(collection).tenants.create([tenant])

    def drop_tenant(self, collection: str, tenant: str) -> None:
        with translated():
            collections = self._connected().collections
            if collections.exists(collection):
                collections.use(collection).tenants.remove([tenant])

    def has_tenant(self, collection: str, tenant: str) -> bool:
        with translated():
            collections = self._connected().collections
            return collections.exists(collection) and bool(collections.use(collection).tenants.get_by_names([tenant]))

    def drop_all(self, prefix: str) -> int:
        """Every alias and collection whose name begins so, of whatever tenant; how many collections there were."""
        with translated():
            client = self._connected()
            for alias in [name for name in client.alias.list_all() if name.startswith(prefix)]:
                client.alias.delete(alias_name=alias)
            found = [name for name in client.collections.list_all() if name.startswith(prefix)]
            for name in found:
                client.collections.delete(name)
        return len(found)

    def behind(self, alias: str) -> str | None:
        with translated():
            found = self._connected().alias.get(alias_name=alias)
            return found.collection if found else None

    def point(self, alias: str, collection: str) -> None:
        """From now on the alias is this collection, in one step."""
        with translated():
            aliases = self._connected().alias
            if aliases.update(alias_name=alias, new_target_collection=collection):
                return
            try:
                aliases.create(alias_name=alias, target_collection=collection)
            except UnexpectedStatusCodeError as error:
                if error.status_code != _EXISTS:
                    raise
                aliases.update(alias_name=alias, new_target_collection=collection)

    # --- objects

    def put(self, collection: str, tenant: str, objects: Sequence[DataObject[Any, None]]) -> None:
        """Every object is asked after: one that was not taken is an error."""
        with translated():
            data = self._use(collection, tenant).data
            for part in in_parts(objects, OBJECTS_AT_ONCE):
                done = data.insert_many(part)
                if done.errors:
                    first = next(iter(done.errors.values()))
                    raise IndexUnavailable(f"Weaviate did not take {len(done.errors)} objects: {first.message}")

    def delete(self, collection: str, tenant: str, where: Any) -> None:
        """Until none is left: a server deletes some thousands by one call."""
        with translated():
            data = self._use(collection, tenant).data
            while (done := data.delete_many(where=where)).matches:
                if done.failed or not done.successful:
                    raise IndexUnavailable(f"Weaviate did not delete {done.failed} of {done.matches} objects.")

    def fetch(
        self, collection: str, tenant: str, where: Any, limit: int, names: list[str], *, vectors: bool = False
    ) -> list[Any]:
        with translated():
            query = self._use(collection, tenant).query
            wanted = [VECTOR] if vectors else False
            found = query.fetch_objects(filters=where, limit=limit, return_properties=names, include_vector=wanted)
            return list(found.objects)

    def by_ids(self, collection: str, tenant: str, ids: Sequence[UUID], names: list[str]) -> list[Any]:
        [found] = self.together(
            lambda: self.fetch(collection, tenant, Filter.by_id().contains_any(ids), len(ids), names) if ids else []
        )
        return found

    def all(self, collection: str, tenant: str, names: list[str]) -> Iterator[Any]:
        """Every object, in pages."""
        with translated():
            yield from self._use(collection, tenant).iterator(return_properties=names)

    def nearest(
        self, collection: str, tenant: str, vector: list[float], where: Any, limit: int, names: list[str]
    ) -> list[Any]:
        with translated():
            query = self._use(collection, tenant).query
            found = query.near_vector(vector, target_vector=VECTOR, limit=limit, filters=where, return_properties=names)
            return list(found.objects)

    def bm25(self, collection: str, tenant: str, words: str, where: Any, limit: int, names: list[str]) -> list[Any]:
        """Their scores are in the metadata."""
        with translated():
            query = self._use(collection, tenant).query
            found = query.bm25(
                words,
                query_properties=["words"],
                filters=where,
                limit=limit,
                return_properties=names,
                return_metadata=["score"],
            )
            return list(found.objects)

    def total(self, collection: str, tenant: str, name: str) -> int:
        """The sum of a property over all objects."""
        with translated():
            counted = self._use(collection, tenant).aggregate.over_all(
                total_count=False, return_metrics=Metrics(name).integer(sum_=True)
            )
            return int(getattr(counted.properties.get(name), "sum_", None) or 0)

    # --- connection

    def _use(self, collection: str, tenant: str) -> Any:
        used = self._connected().collections.use(collection).with_tenant(tenant)
        return used.with_consistency_level(ConsistencyLevel.QUORUM)

    def _connected(self) -> weaviate.WeaviateClient:
        with self._lock:
            if self._client is None:
                client = _client_of(self._address)
                try:
                    client.connect()
                except BaseException:
                    client.close()
                    raise
                self._client = client
            return self._client


def _client_of(address: Address) -> weaviate.WeaviateClient:
    """Without the client's own checks at the start: they would also ask a package registry for newer versions."""
    url = urlsplit(address.url)
    secure = url.scheme == "https"
    seconds = address.timeout_seconds
    return weaviate.WeaviateClient(
        connection_params=weaviate.connect.ConnectionParams.from_params(
            http_host=url.hostname or "",
            http_port=url.port or (443 if secure else 80),
            http_secure=secure,
            grpc_host=url.hostname or "",
            grpc_port=address.grpc_port,
            grpc_secure=secure,
        ),
        auth_client_secret=Auth.api_key(address.api_key) if address.api_key else None,
        additional_config=AdditionalConfig(
            timeout=Timeout(init=seconds, query=seconds, insert=seconds * WRITE_PATIENCE)
        ),
        skip_init_checks=True,
    )


def _settle(job: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(job())
    except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
        future.set_exception(error)


def in_parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except (WeaviateBaseError, grpc.RpcError, httpx.HTTPError, OSError, ValueError) as error:
        raise IndexUnavailable(f"Weaviate did not do it: {error}") from error
