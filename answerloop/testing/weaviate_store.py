"""What a small Weaviate of our own holds in memory, and how it answers. Written after the server's documentation; what
a real one answers is told by the same suites against a real one."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from weaviate.proto.v1 import base_pb2, search_get_pb2

K1, B = 1.2, 0.75
_OPERATOR = base_pb2.Filters
_COMPARISONS: dict[int, Callable[[Any, Any], object]] = {
    _OPERATOR.OPERATOR_EQUAL: operator.eq,
    _OPERATOR.OPERATOR_NOT_EQUAL: operator.ne,
    _OPERATOR.OPERATOR_GREATER_THAN_EQUAL: operator.ge,
    _OPERATOR.OPERATOR_LESS_THAN: operator.lt,
}


@dataclass(slots=True)
class Thing:
    """One object."""

    id: str
    said: dict[str, Any]
    vector: bytes

    def value(self, name: str) -> Any:
        return self.id if name == "_id" else self.said.get(name)


@dataclass(slots=True)
class Collection:
    config: dict[str, Any]
    tenants: dict[str, dict[str, Thing]] = field(default_factory=dict)

    def kind(self, name: str) -> str:
        return next(str(each["dataType"][0]) for each in self.config["properties"] if each["name"] == name)

    def indexed(self, name: str) -> bool:
        """Whether a filter may name it."""
        if name == "_id":
            return True
        return any(each["name"] == name and each.get("indexFilterable", True) for each in self.config["properties"])


class Refused(Exception):
    """What a server would answer with an error."""


class Store:
    """`most_results` is what one query may ask for."""

    def __init__(self) -> None:
        self.most_results = 10_000
        self.collections: dict[str, Collection] = {}
        self.aliases: dict[str, str] = {}

    def collection(self, name: str) -> Collection:
        found = self.collections.get(self.aliases.get(name, name))
        if found is None:
            raise Refused(f"could not find class {name} in schema")
        return found

    def things(self, name: str, tenant: str) -> dict[str, Thing]:
        found = self.collection(name).tenants.get(tenant)
        if found is None:
            raise Refused(f"tenant not found: {tenant!r}")
        return found

    def search(self, asked: search_get_pb2.SearchRequest) -> list[tuple[Thing, float]]:
        """With their scores, best first."""
        if asked.limit > self.most_results:
            raise Refused("query maximum results exceeded")
        things = self.things(asked.collection, asked.tenant)
        found = [thing for thing in things.values() if self.holds(asked, thing)]
        if asked.HasField("near_vector"):
            ranked = _nearest(found, asked.near_vector)
        elif asked.HasField("bm25_search"):
            ranked = _bm25(found, list(things.values()), asked.bm25_search)
        else:
            after = asked.after
            ranked = [(thing, 0.0) for thing in sorted(found, key=lambda each: each.id) if thing.id > after]
        return ranked[: asked.limit or 10]

    def holds(self, asked: Any, thing: Thing) -> bool:
        if not asked.HasField("filters"):
            return True
        if getattr(asked, "after", ""):
            raise Refused("where cannot be set with after and limit parameters")
        return _holds(self.collection(asked.collection), asked.filters, thing)


def _holds(collection: Collection, where: base_pb2.Filters, thing: Thing) -> bool:
    if where.operator == _OPERATOR.OPERATOR_AND:
        return all(_holds(collection, part, thing) for part in where.filters)
    if where.operator == _OPERATOR.OPERATOR_OR:
        return any(_holds(collection, part, thing) for part in where.filters)
    name = where.target.property
    if not collection.indexed(name):
        raise Refused(f"{name} is not indexed for filters")
    wanted = getattr(where, str(where.WhichOneof("test_value")))
    mine = thing.value(name)
    if where.operator == _OPERATOR.OPERATOR_CONTAINS_ANY:
        return mine in wanted.values
    if where.operator in _COMPARISONS:
        return bool(_COMPARISONS[where.operator](mine, wanted))
    raise Refused(f"operator {where.operator} is not known here")


def _nearest(found: Iterable[Thing], near: Any) -> list[tuple[Thing, float]]:
    packed = near.vectors[0].vector_bytes if near.vectors else near.vector_bytes
    asked = np.frombuffer(packed, dtype="<f4")
    ranked = []
    for thing in found:
        own = np.frombuffer(thing.vector, dtype="<f4")
        if own.shape != asked.shape:
            raise Refused(f"vector lengths don't match: {own.shape} vs {asked.shape}")
        ranked.append((thing, float(own @ asked)))
    return sorted(ranked, key=lambda pair: -pair[1])


def _bm25(found: Iterable[Thing], everything: list[Thing], asked: Any) -> list[tuple[Thing, float]]:
    """Over white space, with the statistics of the whole tenant, whatever the filter."""
    [name] = asked.properties
    bags = {thing.id: Counter(str(thing.said.get(name) or "").split()) for thing in everything}
    mean = sum(bag.total() for bag in bags.values()) / max(len(bags), 1) or 1.0
    holding = {word: sum(word in bag for bag in bags.values()) for word in set(asked.query.split())}
    scores = ((thing, _score(bags[thing.id], holding, len(bags), mean)) for thing in found)
    return sorted(((thing, score) for thing, score in scores if score), key=lambda pair: -pair[1])


def _score(bag: Counter[str], holding: Mapping[str, int], documents: int, mean: float) -> float:
    total = 0.0
    for word, number in holding.items():
        weight = math.log(1 + (documents - number + 0.5) / (number + 0.5))
        length = K1 * (1 - B + B * bag.total() / mean)
        total += weight * bag[word] * (K1 + 1) / (bag[word] + length)
    return total
