"""A test that may look as often as it likes: do those who were drawn by lot fare worse than the rest?

Who is drawn has nothing to do with how anybody fares, unless being drawn changes it. So a player who bets before each
outcome, on bad ones being those of the drawn, wins nothing in the long run: the capital is a martingale, and the chance
that it is ever multiplied by 1/α is at most α (Ville 1939), however often one looks, however few the outcomes and
whatever they are in [0, 1]. Betting against a mean: Waudby-Smith and Ramdas 2024, "Estimating means of bounded random
variables by betting"; on the draw of an experiment: Ham, Bojinov, Lindon and Tingley 2023, "Design-based confidence
sequences". Unlike a mixture SPRT by normal approximation, which was tried first, it keeps its error where the drawn are
a tenth and bad outcomes are rare (the SPRT's was 2 to 3 times what it should be at 1 %).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BETS = (0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6)
"""Shares of what may be staked at most. The capital is split over them at the start, for nobody knows which is best."""


MOST_LOG_CAPITAL = 500.0  # beyond all doubt, and within a float


def luck(drawn: Sequence[bool], bad: Sequence[float], share: float, margin: float = 0.0) -> float:
    """The always-valid p-value of the drawn being at most `margin` worse. One outcome for each that was drawn or not,
    in the order in which they became known: how bad, in [0, 1]. Each was drawn with the probability `share`,
    independently of the others. ValueError for values that are none."""
    a, y = np.asarray(drawn, dtype=np.float64), np.asarray(bad, dtype=np.float64)
    if a.shape != y.shape or not np.all((y >= 0) & (y <= 1)) or not 0 < share < 1 or margin < 0:
        raise ValueError("expected a draw and a value in [0, 1] for each, a share between 0 and 1, and a margin")
    if not len(y):
        return 1.0
    usual = (0.5 + np.cumsum(y) - y) / np.arange(1, len(y) + 1)  # of those before: what the player knows
    handicap = share * (1 - share) * margin
    gain = (y - usual) * (a - share) - handicap
    most_lost = np.maximum((1 - usual) * share, usual * (1 - share)) + handicap
    growth = np.log1p(np.multiply.outer(BETS, gain / most_lost)).cumsum(axis=1)
    capital = np.exp(np.minimum(growth, MOST_LOG_CAPITAL)).mean(axis=0)
    return float(min(1.0, 1 / capital.max()))
