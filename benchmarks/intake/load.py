"""Sends at fixed times, whatever became of earlier requests, and measures from the time at which each was due: a server
that stalls delays nothing but its own answers, and nothing that it delays goes uncounted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks.intake.channels import Asking, Delivery

ANSWER_SECONDS = 3.0
"""Slack's own patience."""
RETRY_AFTER_SECONDS = (0.0, 2.0, 5.0)
"""Slack itself: at once, after a minute, after five."""
IDLE_SECONDS = 2.0


@dataclass(slots=True)
class Sent:
    """What became of one delivery. `ms` is from when it was due to its acknowledgement, all attempts together, and
    `late_ms` the sender's own share of it."""

    ms: float = 0.0
    late_ms: float = 0.0
    acknowledged: bool = False
    failures: list[str] = field(default_factory=list)


def send_all(asking: Asking, port: int, questions: int, rate: float, begin: float) -> list[Sent]:
    """From `begin` (of `time.time`) on. To be run in a process of its own."""
    return asyncio.run(_send_all(asking, port, questions, rate, begin))


async def _send_all(asking: Asking, port: int, questions: int, rate: float, begin: float) -> list[Sent]:
    plan = sorted(
        ((number / rate + delivery.after, number, delivery) for number in range(questions)
         for delivery in asking.deliveries(number)),
        key=lambda entry: entry[0],
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    start = loop.time() + begin - time.time()
    connections = Connections(port)
    async with asyncio.TaskGroup() as group:
        tasks = []
        for due, _, delivery in plan:
            await asyncio.sleep(start + due - loop.time())
            tasks.append(group.create_task(_deliver(asking, connections, delivery, start + due)))
    connections.close()
    return [task.result() for task in tasks]


async def _deliver(asking: Asking, connections: Connections, delivery: Delivery, due: float) -> Sent:
    now = asyncio.get_running_loop().time
    sent = Sent(late_ms=(now() - due) * 1000)
    for attempt, pause in enumerate((0.0, *RETRY_AFTER_SECONDS)):
        await asyncio.sleep(pause)
        status = await connections.post(
            asking.path, asking.headers(delivery.body, delivery.retry + attempt), delivery.body
        )
        if status.startswith("2"):
            sent.acknowledged = True
            break
        sent.failures.append(status)
    sent.ms = (now() - due) * 1000
    return sent


class Connections:
    """Kept-alive connections to one port of this machine, as many as are in use at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> str:
        """The status of the answer, or why there was none."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await self._connection()
                lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{self._port}", f"content-length: {len(body)}"]
                lines += [f"{name}: {value}" for name, value in headers.items()]
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                status = await _read_answer(reader)
        except TimeoutError:
            return "timeout"
        except (OSError, EOFError, ValueError) as error:
            return type(error).__name__
        self._idle.append((time.monotonic(), reader, writer))
        return status

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            since, reader, writer = self._idle.pop()
            if time.monotonic() - since < IDLE_SECONDS:
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        for _, _, writer in self._idle:
            with suppress(OSError):
                writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> str:
    """Raises ValueError for an answer without a length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = head.split(" ", 2)[1]
    _, found, rest = head.partition("\r\ncontent-length:")
    if not found:
        raise ValueError("no content-length")
    await reader.readexactly(int(rest.partition("\r\n")[0]))
    return status
