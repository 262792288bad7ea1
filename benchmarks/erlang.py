"""Erlang's C: how long a question waits for one of several workers.

Questions come at random (Poisson), each worker answers one at a time, times of answering are exponential, nobody gives
up. Real times vary less, so real waits are shorter. A. K. Erlang, 1917; Cooper, Introduction to Queueing Theory, 1981.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Queue:
    """`rate` questions a second, `service` seconds for each, so many workers.

    Raises ValueError where questions come faster than the workers answer: the queue would grow for ever.
    """

    rate: float
    service: float
    workers: int

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.service <= 0 or self.workers < 1:
            raise ValueError("There must be questions, a time for each, and a worker.")
        if self.load >= self.workers:
            raise ValueError(
                f"{self.workers} workers cannot keep up: {self.rate:g} questions a second at {self.service:g} s each "
                f"take {self.load:.4g} workers and more, or the queue grows for ever."
            )

    @property
    def load(self) -> float:
        """Workers that are busy on average; its unit is called the erlang."""
        return self.rate * self.service

    @property
    def busy(self) -> float:
        """Share of the time in which a worker works."""
        return self.load / self.workers

    @property
    def waits(self) -> float:
        """Probability that a question waits at all."""
        blocked = 1.0  # Erlang's B, by its recursion, which does not overflow
        for number in range(1, self.workers + 1):
            blocked = self.load * blocked / (number + self.load * blocked)
        return blocked / (1 - self.busy * (1 - blocked))

    @property
    def mean_wait(self) -> float:
        """Seconds."""
        return self.waits * self.service / (self.workers - self.load)

    def waits_longer(self, seconds: float) -> float:
        """Probability of it."""
        return self.waits * math.exp(-(self.workers - self.load) * seconds / self.service)

    def wait_at(self, share: float) -> float:
        """Seconds in which so large a share (.95) of the questions is taken up."""
        return max(0.0, math.log(self.waits / (1 - share)) * self.service / (self.workers - self.load))


def workers_for(rate: float, service: float, wait: float, share: float) -> Queue:
    """The fewest workers with which so large a share of the questions waits at most `wait` seconds.

    Raises ValueError for a share outside of (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"{share:g} is no share between 0 and 1.")
    workers = math.floor(rate * service) + 1
    while Queue(rate, service, workers).waits_longer(wait) > 1 - share:
        workers += 1
    return Queue(rate, service, workers)
