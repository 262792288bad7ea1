from itertools import count

import pytest

from answerloop.timed_cache import SWEPT_AT, TimedCache


def test_what_was_read_is_kept_until_it_is_too_old_or_forgotten():
    now, reads = [0.0], count()
    cache: TimedCache[str, int] = TimedCache(10, clock=lambda: now[0])
    read = lambda: next(reads)  # noqa: E731
    assert [cache.get("a", read), cache.get("a", read), cache.get("b", read)] == [0, 0, 1]
    now[0] = 10
    assert cache.get("a", read) == 2
    cache.forget("a")
    assert cache.get("a", read) == 3


def test_a_failure_is_not_kept():
    cache: TimedCache[str, int] = TimedCache(10)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    assert cache.get("a", lambda: 7) == 7


def test_what_is_too_old_does_not_fill_the_memory():
    now = [0.0]
    cache: TimedCache[int, int] = TimedCache(10, clock=lambda: now[0])
    for key in range(10 * SWEPT_AT):
        now[0] += 0.1
        assert cache.get(key, lambda key=key: key) == key
    assert len(cache._kept) <= SWEPT_AT
    assert len(cache._readers) <= SWEPT_AT
    assert cache.get(key, lambda: -1) == key
