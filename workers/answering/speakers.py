"""Who says the direct answer: a generator, the adapter it speaks with, and the worked examples it is shown."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from answerloop.domain import BASE_ADAPTER, EVERYONE, Audience, Message, Serving
from answerloop.errors import AdapterRefused, ConfigurationError, DatabaseUnavailable, GeneratorUnavailable
from answerloop.ports import AdaptedGenerator, GenerationRequest, Generator

if TYPE_CHECKING:
    from workers.answering.pipeline import Asked

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
RETRY_SECONDS = 60.0
REHEARSAL_SECONDS = 120.0
ALARM = "adapter"


@dataclass(frozen=True, slots=True)
class Speaker:
    """`examples` are turns of a user and an assistant, in the form of the prompt, that precede the question. `second`
    speaks where nothing that this one says may be shown."""

    generator: Generator
    adapter: str = BASE_ADAPTER
    examples: tuple[Message, ...] = ()
    second: Generator | None = None


SpeakerFor: TypeAlias = "Callable[[Asked], Speaker]"
"""Must be the same for all questions of a conversation, as long as nothing is promoted."""


Ring: TypeAlias = Callable[[str, str, str], None]


def always(speaker: Speaker) -> SpeakerFor:
    return lambda _: speaker


class Cast:
    """A `SpeakerFor` that follows the pointer of the adapters without a restart: it is read again after a second.

    An adapter speaks once it has rehearsed, in a thread of its own: nobody's question waits for a model to load, and
    one that is broken rings an alarm and is not heard. Until then the one before speaks, else the configured generator.
    An adapter that the pointer does not name any more is not heard from the next look on.
    """

    def __init__(
        self,
        configured: Generator,
        language_model: Callable[[], AdaptedGenerator],
        serving: Callable[[], Serving],
        ring: Ring,
        tenant: str,
        clock: Callable[[], float] = time.monotonic,
        second: Generator | None = None,
    ) -> None:
        """`language_model` may take long, and is called by one thread at a time. `ring` raises an alarm: key, kind and
        text. `second` is every adapter's."""
        self._configured = configured
        self._language_model = language_model
        self._read = serving
        self._alarm = ring
        self._tenant = tenant
        self._clock = clock
        self._second = second
        self._lock = threading.Lock()
        self._serving = Serving()
        self._look_at = 0.0  # no sooner
        self._model: AdaptedGenerator | None = None
        self._ready: frozenset[str] = frozenset()
        self._failed: dict[str, float] = {}  # until when it is not tried again
        self._preferred: str | None = None
        self._rehearsal: threading.Thread | None = None

    def __call__(self, asked: Asked) -> Speaker:
        serving = self._look()
        if not self._may_hear(asked.audience):
            return Speaker(self._configured)
        name = self._heard(serving, asked.conversation)
        model = self._model
        if name is None or model is None:
            return Speaker(self._configured)
        return Speaker(model, name, second=self._second)

    def _may_hear(self, audience: Audience) -> bool:
        """An adapter has no list of readers: it has learned from what every employee of its tenant may read, so guests
        and others do not hear it, nor who reads along with them."""
        return audience.tenant == self._tenant and audience.may_read({EVERYONE})

    def warm_up(self) -> None:
        """Returns when everybody whom the pointer names can speak, or never will."""
        self._look()
        if (rehearsal := self._rehearsal) is not None:
            rehearsal.join()

    def _heard(self, serving: Serving, conversation: str) -> str | None:
        name = serving.adapter_for(conversation) if conversation else serving.live
        if name == serving.canary and name not in self._ready:
            name = serving.live
        if name is not None and name not in self._ready:
            name = None if name in self._failed else serving.previous
        return name if name in self._ready else None

    def _look(self) -> Serving:
        with self._lock:
            if self._clock() < self._look_at:
                return self._serving
            self._look_at = self._clock() + LOOK_SECONDS
        try:
            found = self._read()
        except (AdapterRefused, OSError) as error:
            self._ring("pointer", f"Which adapter is live cannot be read, so nothing changes: {error}")
            found = self._serving
        with self._lock:
            self._serving = found
            alive = self._rehearsal is not None and self._rehearsal.is_alive()
            if not alive and self._to_do(found):
                self._rehearsal = threading.Thread(target=self._rehearse, name="rehearsal", daemon=True)
                self._rehearsal.start()
        return found

    def _to_do(self, serving: Serving) -> bool:
        return bool(self._missing(serving)) or (self._model is not None and self._favourite(serving) != self._preferred)

    def _missing(self, serving: Serving) -> list[str]:
        """The live one first."""
        names = [name for name in (serving.live, serving.canary) if name is not None]
        return [name for name in names if name not in self._ready and self._clock() >= self._failed.get(name, 0.0)]

    def _favourite(self, serving: Serving) -> str | None:
        """While a canary runs, batches hold both; a second copy of the weights would do nothing."""
        return serving.live if serving.canary is None and serving.live in self._ready else None

    def _rehearse(self) -> None:
        """Until there is nothing to do. Only this thread changes who is ready."""
        while names := self._missing(self._serving):
            try:
                self._model = self._model or self._language_model()
                self._try(self._model, names[0])
            except (GeneratorUnavailable, ConfigurationError) as error:
                self._failed[names[0]] = self._clock() + RETRY_SECONDS
                self._ring(names[0], f"The adapter {names[0]} cannot speak, so others do: {error}")
            except Exception:
                self._failed[names[0]] = self._clock() + RETRY_SECONDS
                log.exception("rehearsal failed", extra={"adapter": names[0]})
                self._ring(names[0], f"The adapter {names[0]} cannot speak, so others do: see the log.")
        favourite = self._favourite(self._serving)
        if self._model is not None and favourite != self._preferred:
            self._model.prefer(favourite)
            self._preferred = favourite

    def _try(self, model: AdaptedGenerator, name: str) -> None:
        """One token, which has it loaded and its files checked."""
        line = GenerationRequest([Message("user", "Hello")], "Hello", (), 1, time.monotonic() + REHEARSAL_SECONDS, name)
        for _ in model.generate(line):
            pass
        self._failed.pop(name, None)
        self._ready |= {name}
        log.info("adapter ready", extra={"adapter": name})

    def _ring(self, name: str, text: str) -> None:
        log.warning("an adapter cannot speak", extra={"adapter": name})
        try:
            self._alarm(f"{ALARM}:{name}", ALARM, text)
        except DatabaseUnavailable:
            log.warning("the alarm could not be written", extra={"adapter": name})
