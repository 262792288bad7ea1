import signal
import time
from collections.abc import Callable

import pytest

from answerloop.backends.rates_redis import RedisRateLimiter
from answerloop.errors import QueueUnavailable
from answerloop.testing.chat_suites import RateLimiterSuite
from answerloop.testing.fake_chat import FakeRateLimiter


class TestRedisRateLimiter(RateLimiterSuite):
    @pytest.fixture
    def limiter(self, broker_server) -> RedisRateLimiter:
        return RedisRateLimiter(broker_server[1])

    @pytest.fixture
    def pass_time(self) -> Callable[[float], None]:
        return time.sleep

    def test_two_processes_share_the_places(self, limiter, broker_server):
        other = RedisRateLimiter(broker_server[1])
        assert [limiter.reserve("room", 0.1, 2), other.reserve("room", 0.1, 2)] == [0, 0]
        assert limiter.reserve("room", 0.1, 2) > 0
        assert other.reserve("room", 0.1, 2) > 0

    def test_a_frozen_broker_is_said_to_be_one(self, limiter, broker_server):
        broker_server[0].send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(QueueUnavailable):
                limiter.reserve("room", 1.0, 1)
            with pytest.raises(QueueUnavailable):
                limiter.pause("room", 1.0)
        finally:
            broker_server[0].send_signal(signal.SIGCONT)


class TestFakeRateLimiter(RateLimiterSuite):
    @pytest.fixture
    def limiter(self) -> FakeRateLimiter:
        return FakeRateLimiter()

    @pytest.fixture
    def pass_time(self, limiter: FakeRateLimiter) -> Callable[[float], None]:
        return limiter.pass_time
