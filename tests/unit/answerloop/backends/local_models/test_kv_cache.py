from __future__ import annotations

import pytest
import torch
from transformers.cache_utils import DynamicCache

from answerloop.backends.local_models import kv_cache
from answerloop.backends.local_models.kv_cache import SlotCache


def filled(value: float, tokens: int) -> DynamicCache:
    cache = DynamicCache()
    for layer in range(2):
        cache.update(torch.full((1, 1, tokens, 4), value), torch.full((1, 1, tokens, 4), -value), layer)
    return cache


def step(cache: SlotCache, values: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    cache.make_room()
    states = torch.tensor(values)[:, None, None, None].expand(-1, 1, 1, 4)
    for layer in range(2):
        keys, row_values = cache.update(states, -states, layer)
    return keys[:, 0, :, 0], row_values[:, 0, :, 0]


def test_rows_are_right_aligned_and_padding_is_zero() -> None:
    cache = SlotCache(filled(1, 2))
    for value, tokens in ((1.0, 2), (2.0, 4), (3.0, 1)):
        cache.append(filled(value, tokens), 4)
    assert cache.starts == [2, 0, 3]
    assert cache.attention_mask().tolist() == [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 1, 1]]
    assert cache.positions().tolist() == [[2], [4], [1]]
    keys, values = step(cache, [10, 20, 30])
    assert keys.tolist() == [[0, 0, 1, 1, 10], [2, 2, 2, 2, 20], [0, 0, 0, 3, 30]]
    assert torch.equal(values, -keys)


def test_the_last_row_takes_the_place_of_one_that_leaves() -> None:
    cache = SlotCache(filled(1, 2))
    for value, tokens in ((1.0, 2), (2.0, 4), (3.0, 1)):
        cache.append(filled(value, tokens), 4)
    cache.remove(0)
    assert cache.starts == [3, 0]
    assert step(cache, [30, 20])[0].tolist() == [[0, 0, 0, 3, 30], [2, 2, 2, 2, 20]]


def test_padding_that_nobody_needs_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kv_cache, "ROOM", 2)
    cache = SlotCache(filled(1, 5))
    cache.append(filled(1, 5), 4)
    cache.append(filled(2, 3), 4)
    cache.remove(0)
    assert (cache.starts, cache.length) == ([0], 3)
    for number in range(5):
        keys, _ = step(cache, [float(number)])
    assert keys.tolist() == [[2, 2, 2, 0, 1, 2, 3, 4]]


def test_an_emptied_cache_starts_afresh() -> None:
    cache = SlotCache(filled(1, 5))
    cache.append(filled(1, 5), 4)
    cache.remove(0)
    cache.append(filled(2, 3), 4)
    assert step(cache, [7])[0].tolist() == [[2, 2, 2, 7]]


def test_there_is_room_for_as_many_rows_as_are_allowed_and_what_is_kept_moves_along() -> None:
    cache = SlotCache(filled(1, 2))
    cache.append(filled(1, 2), 1)
    assert cache.slots == 1
    cache.append(filled(2, 1), 3)
    assert cache.slots == 3
    cache.append(filled(3, 4), 3)
    keys, values = step(cache, [10, 20, 30])
    assert keys.tolist() == [[0, 0, 1, 1, 10], [0, 0, 0, 2, 20], [3, 3, 3, 3, 30]]
    assert torch.equal(values, -keys)
    cache.remove(0)
    cache.remove(0)
    cache.append(filled(4, 9), 2)  # longer ones leave room for fewer
    assert cache.slots == 2
