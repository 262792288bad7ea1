"""From files to a voice that people hear, and back: row, then files, then manifest, then pointer.

Each step may be repeated, and each may be the last one of a process. What is said by whom is in the pointer alone; the
rows follow it (`settle`), now or, after a crash, with the next look of the watch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from answerloop.db.repositories import adapters
from answerloop.db.repositories.adapters import OVER, Adapter, AdapterState
from answerloop.db.session import Database
from answerloop.domain import AdapterManifest, Serving
from answerloop.errors import AdapterRefused, DatabaseUnavailable
from answerloop.ports import AdapterStore

log = logging.getLogger(__name__)


class Promotion:
    """Every method raises AdapterRefused, with a sentence for people, and DatabaseUnavailable."""

    def __init__(self, database: Database, store: AdapterStore) -> None:
        self._database = database
        self._store = store

    def take_in(self, name: str, folder: Path, *, run: str, dataset: str, base_model: str) -> AdapterManifest:
        """Row, files and manifest of a candidate, which nobody hears. `run` is a row of `training_runs`. The row first:
        erasure has to find whatever lies there."""
        with self._database.writing() as session:
            adapters.register(session, name, run=run, dataset=dataset, base_model=base_model)
        return self._store.add(name, folder, base_model=base_model, run=run, dataset=dataset)

    def begin(self, name: str, share: float) -> Serving:
        """Let it speak: to this share of the conversations, or with share 0 to all at once. Whoever speaks already goes
        on; one whose time is over does not begin again."""
        self._require_clean(self._known(name))

        def start(old: Serving) -> Serving:
            if name in old.adapters:
                return old
            self._require_clean(self._known(name))
            self._require_new(self._known(name))
            if old.canary is not None:
                raise AdapterRefused(f"The canary {old.canary} is running: promote it or roll it back first.")
            if share == 0:
                return replace(old, live=name, previous=old.live)
            return replace(old, canary=name, canary_share=share)

        return self._point(start)

    def promote(self, name: str, *, only_canary: bool = False) -> Serving:
        """Let everybody hear it: the canary, or any other adapter whose files are here, that was judged and that is not
        tainted. `only_canary`: if it still is that when its turn comes."""
        self._require_judged(self._known(name))

        def follow(old: Serving) -> Serving:
            if only_canary and old.canary != name:
                return old
            self._require_clean(self._known(name))
            if old.canary not in (None, name):
                raise AdapterRefused(f"The canary {old.canary} is running: promote it or roll it back first.")
            if old.live == name:
                return old
            return replace(old, live=name, previous=old.live, canary=None, canary_share=0.0)

        return self._point(follow)

    def rollback(self, name: str | None = None) -> Serving:
        """Silence it: none named, the canary or, where none runs, the live one, whose place the one before takes.
        Whoever does not speak is silent already. It needs no database, and takes less than a second."""
        name = name or self._speaks()
        return self._point(lambda old: self._without(old, name))

    def retire(self, name: str) -> Serving:
        """As `rollback`, and for good: its files go, and nothing comes back to it."""
        serving = self._point(lambda old: self._without(old, name, for_good=True))
        with self._database.writing() as session:
            adapters.mark(session, name, AdapterState.RETIRED)
        self._store.remove(name)
        return serving

    def retire_tainted(self) -> list[str]:
        """Those that have learned from something that was erased since. One that cannot be retired keeps no other."""
        with self._database.reading() as session:
            found = [each for each in adapters.everyone(session) if each.tainted_at is not None]
        names = [each.name for each in found if each.state is not AdapterState.RETIRED]
        for name in names:
            try:
                self.retire(name)
            except (AdapterRefused, OSError):
                log.exception("a tainted adapter cannot be retired", extra={"adapter": name})
        return names

    def settle(self) -> Serving:
        """Put the rows right after whatever was interrupted."""
        serving = self._store.serving()
        with self._database.writing() as session:
            adapters.settle(session, serving)
            for name in adapters.left_behind(session):
                adapters.mark(session, name, AdapterState.RETIRED)
            retired = [each.name for each in adapters.everyone(session) if each.state is AdapterState.RETIRED]
        for name in set(retired) & set(self._store.names()):
            self._store.remove(name)
        return serving

    def _point(self, change: Callable[[Serving], Serving]) -> Serving:
        serving = self._store.point(change)
        log.info("adapters", extra={"live": serving.live, "canary": serving.canary, "number": serving.number})
        try:
            with self._database.writing() as session:
                adapters.settle(session, serving)
        except DatabaseUnavailable as error:  # the watch will settle them
            log.warning("the rows do not follow the pointer yet", extra={"error": str(error)})
        return serving

    def _without(self, old: Serving, name: str, *, for_good: bool = False) -> Serving:
        previous = None if for_good and old.previous == name else old.previous
        if name == old.canary:
            return replace(old, canary=None, canary_share=0.0, previous=previous)
        if name == old.live:
            return replace(old, live=previous if self._may_speak(previous) else None, previous=None)
        return replace(old, previous=previous)

    def _speaks(self) -> str:
        serving = self._store.serving()
        name = serving.canary or serving.live
        if name is None:
            raise AdapterRefused("No adapter speaks, so there is none to roll back.")
        return name

    def _may_speak(self, name: str | None) -> bool:
        """Whatever is wrong with the one before must not keep the one that is live."""
        if name is None:
            return False
        try:
            self._store.manifest(name)
            self._require_clean(self._known(name))
        except (AdapterRefused, DatabaseUnavailable):
            return False
        return True

    def _known(self, name: str) -> Adapter:
        with self._database.reading() as session:
            found = adapters.get(session, name)
        if found is None:
            raise AdapterRefused(f"There is no adapter {name}.")
        return found

    def _require_clean(self, adapter: Adapter) -> None:
        if adapter.tainted_at is not None:
            raise AdapterRefused(f"The adapter {adapter.name} is tainted: {adapter.tainted_because}")

    def _require_judged(self, adapter: Adapter) -> None:
        self._require_clean(adapter)
        if adapter.state is AdapterState.CANDIDATE and adapter.name not in self._store.serving().adapters:
            raise AdapterRefused(f"The adapter {adapter.name} is being judged: a night decides on it.")

    def _require_new(self, adapter: Adapter) -> None:
        if adapter.state in OVER:
            raise AdapterRefused(f"The adapter {adapter.name} was {adapter.state.value} and does not begin again.")
