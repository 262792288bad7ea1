"""The keys and values of a batch whose rows come and go while it runs.

transformers' own `DynamicCache` copies everything at every token and has a fixed batch. Here each layer keeps one
buffer with room to grow: a token is written in place, a row that joins is written right-aligned into a free row, and
the row that leaves is overwritten with the last one.
"""

from __future__ import annotations

import torch
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache

ROOM = 256
"""Tokens by which a buffer grows; also the padding that is left in place before it is cut."""


class SlotLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """One layer: keys and values [slots, heads, capacity, dim], of which the first `rows` and `length` are in use.

    Sliding-window layers are kept whole too; the model's own mask hides what lies outside the window.
    """

    is_sliding = False
    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows = 0
        self.length = 0
        self.keys = keys.new_empty((0, keys.shape[1], 0, keys.shape[3]))
        self.values = values.new_empty((0, values.shape[1], 0, values.shape[3]))
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        end = self.length + key_states.shape[2]
        self.keys[: self.rows, :, self.length : end] = key_states
        self.values[: self.rows, :, self.length : end] = value_states
        self.length = end
        return self.keys[: self.rows, :, :end], self.values[: self.rows, :, :end]

    def move(self, source: int, target: int, slots: int, capacity: int) -> None:
        """Copy the tokens from slot `source` on to slot `target` of fresh buffers with room for `slots` rows of
        `capacity` tokens."""
        kept = self.length - source
        for name in ("keys", "values"):
            old: torch.Tensor = getattr(self, name)
            new = old.new_empty((slots, old.shape[1], capacity, old.shape[3]))
            new[: self.rows, :, :target] = 0
            new[: self.rows, :, target : target + kept] = old[: self.rows, :, source : self.length]
            setattr(self, name, new)
        self.length = target + kept

    def put(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """One more row, right-aligned. Its padding is zeroed: masked garbage could still be NaN."""
        start = self.length - keys.shape[2]
        for buffer, states in ((self.keys, keys), (self.values, values)):
            buffer[self.rows, :, :start] = 0
            buffer[self.rows, :, start : self.length] = states[0]
        self.rows += 1

    def drop(self, row: int) -> None:
        self.rows -= 1
        if row != self.rows:
            for buffer in (self.keys, self.values):
                buffer[row, :, : self.length] = buffer[self.rows, :, : self.length]

    def get_seq_length(self) -> int:
        return self.length

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.length + query_length, 0

    def get_max_length(self) -> int:
        return -1

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing to do: the buffers are made from the first row."""


class SlotCache(Cache):
    """Rows of different length, right-aligned: `starts` is where each row's first token lies. There is room for
    `slots` rows, on a GPU real memory whether they are used or not."""

    layers: list[SlotLayer]  # type: ignore[assignment]

    def __init__(self, first: DynamicCache) -> None:
        """Shapes, dtype and device are those of `first`, which is not added yet."""
        super().__init__(layers=[SlotLayer(keys, values) for keys, values in _states(first)])
        self.starts: list[int] = []

    @property
    def length(self) -> int:
        return self.layers[0].length

    @property
    def capacity(self) -> int:
        return self.layers[0].keys.shape[2]

    @property
    def slots(self) -> int:
        return self.layers[0].keys.shape[0]

    def append(self, prefilled: DynamicCache, most: int) -> None:
        """`most`: for how many rows there may be room now, this one included."""
        tokens = prefilled.get_seq_length()
        slots = self.slots if len(self.starts) < self.slots <= most else most
        if not self.starts:
            self._move(self.length, tokens, slots)
        elif tokens > self.length or slots != self.slots:
            self._move(0, max(0, tokens - self.length), slots)
        for layer, (keys, values) in zip(self.layers, _states(prefilled), strict=True):
            layer.put(keys, values)
        self.starts.append(self.length - tokens)

    def remove(self, row: int) -> None:
        """The last row takes its place."""
        for layer in self.layers:
            layer.drop(row)
        self.starts[row] = self.starts[-1]
        self.starts.pop()
        if self.starts and min(self.starts) >= ROOM:
            self._move(min(self.starts), 0, self.slots)

    def make_room(self) -> None:
        """For one more token in every row."""
        if self.length == self.capacity:
            self._move(0, 0, self.slots)

    def attention_mask(self) -> torch.Tensor:
        """[rows, length + 1]: 1 where a row has a token, counting the one that is about to be written."""
        device = self.layers[0].keys.device
        starts = torch.tensor(self.starts, device=device)
        return (torch.arange(self.length + 1, device=device) >= starts[:, None]).long()

    def positions(self) -> torch.Tensor:
        """[rows, 1]: the position of the token that is about to be written."""
        return torch.tensor([[self.length - start] for start in self.starts], device=self.layers[0].keys.device)

    def _move(self, source: int, target: int, slots: int) -> None:
        capacity = target + self.length - source + ROOM
        for layer in self.layers:
            layer.move(source, target, slots, capacity)
        self.starts = [start - source + target for start in self.starts]


def _states(cache: DynamicCache) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(layer.keys, layer.values) for layer in cache.layers]  # type: ignore[union-attr,misc]
