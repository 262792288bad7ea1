"""What platforms allow, kept to by all processes together: the generic cell rate algorithm (ITU-T I.371) in Redis."""

from __future__ import annotations

from redis import Redis
from redis.exceptions import RedisError

from answerloop.errors import QueueUnavailable

PATIENCE_SECONDS = 1.0

TAKE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1e6
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = due - (burst - 1) * interval - now
if wait > 0 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', due + interval), 'EX', math.ceil(due + interval - now) + 1)
return '0'
"""
"""`due` is when the next one would be due if they came evenly; a burst may be that much ahead of it."""

PAUSE = """
local milliseconds = tonumber(ARGV[1])
if redis.call('PTTL', KEYS[1]) < milliseconds then redis.call('SET', KEYS[1], 1, 'PX', milliseconds) end
"""
"""The longer of two pauses holds."""


class RedisRateLimiter:
    """A `RateLimiter`."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS)
        self._take = self._redis.register_script(TAKE)
        self._stop = self._redis.register_script(PAUSE)

    def reserve(self, key: str, per_second: float, burst: int) -> float:
        try:
            paused = self._redis.pttl(f"{key}:pause")
            return paused / 1000 if paused > 0 else float(self._take(keys=[key], args=[1 / per_second, burst]))
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"The broker does not answer: {error}") from error

    def pause(self, key: str, seconds: float) -> None:
        try:
            self._stop(keys=[f"{key}:pause"], args=[max(1, round(seconds * 1000))])
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"The broker does not answer: {error}") from error
