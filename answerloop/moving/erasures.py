"""What was erased since a backup is in it again: the erasures that people asked for, kept outside of the database.

The file has a line for each receipt, which names its subject by a keyed hash. Whoever restores an older backup has its
key and its rows, so the subjects can be found among those rows, and erased again.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex

from answerloop.db.eraser import sealed
from answerloop.db.repositories import receipts, subjects
from answerloop.db.session import Database
from answerloop.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Erasure:
    """`key` tells which key has sealed `subject`, and not what it is."""

    id: str
    kind: str
    subject: str
    at: str
    key: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Erasures that a restored database knows nothing of: kind and subject of those it has data of, the number of those
    it has none of, and those that were sealed with another key, of which nothing can be said."""

    again: tuple[tuple[str, str], ...]
    nothing_known: int
    sealed_otherwise: tuple[Erasure, ...]


def note(path: Path, database: Database, key: bytes, told: Sequence[Erasure] = ()) -> None:
    """Add what the database has receipts of, and what a newer list has told. Nothing is ever taken away."""
    known = {erasure.id: erasure for erasure in (*read(path), *told)}
    with database.reading() as session:
        for receipt_id, kind, subject, at in receipts.asked_for(session):
            known.setdefault(receipt_id, Erasure(receipt_id, kind, subject, at.isoformat(), _name_of(key)))
    beside = path.with_name(f".{path.name}.{token_hex(4)}")
    beside.touch(0o600)
    beside.write_text("".join(f"{json.dumps(asdict(each))}\n" for each in known.values()))
    beside.replace(path)


def read(path: Path) -> list[Erasure]:
    """Raises ConfigurationError for a line that is none; empty where there is no file."""
    try:
        return [Erasure(**json.loads(line)) for line in path.read_text().splitlines()]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} is no list of erasures: {error}") from None


def missing(database: Database, key: bytes, told: list[Erasure]) -> Missing:
    with database.reading() as session:
        known = {subject: at.isoformat() for _, _, subject, at in receipts.asked_for(session)}  # the last one counts
        unknown = [each for each in told if known.get(each.subject, "") < each.at]
        ours = {each.subject for each in unknown if each.key == _name_of(key)}
        candidates = _candidates(session) if ours else iter(())
        again = {pair for pair in candidates if sealed(key, *pair) in ours}
    otherwise = tuple(each for each in unknown if each.key != _name_of(key))
    return Missing(tuple(sorted(again)), len(ours) - len(again), otherwise)


def _candidates(session: object) -> Iterator[tuple[str, str]]:
    yield from (("person", name) for name in subjects.people(session))  # type: ignore[arg-type]
    yield from (("document", name) for name in subjects.documents(session))  # type: ignore[arg-type]


def _name_of(key: bytes) -> str:
    return hmac.digest(key, b"the name of this key", "sha256").hex()[:16]
