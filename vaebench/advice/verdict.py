"""What trials say, in sentences that each have a formula.

Users that neither trained nor chose judge: with d_us the difference of two trainings of seed s in
NDCG of test user u, the difference is the mean d̄. With one training of each, its interval is
d̄ ± t_{U−1}·s_d/√U: of new users, not of new trainings, and the sentence says so. With three or more
it is that of the crossed layout, of new users and trainings
(:attr:`vaebench.statistics.layout.Layout.crossed`). All intervals of one advice hold together: each
has level 1 − α/m, m the number of comparisons.

**The data cannot tell** two ways apart where the interval has 0 in it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vaebench.advice.trials import Trained
from vaebench.statistics.layout import Layout, Student

CONFIDENCE = 0.95
FEWEST = 2
"""Users with a spread."""

SEEDS = 3
"""Trainings of each from which on the spread between trainings is in the interval."""


@dataclass(frozen=True)
class Difference:
    """One way minus another, with its interval.

    Attributes:
        mean: of users, over trainings.
        low: the interval's lower bound; NaN where nothing varies.
        high: likewise.
        users: that judged.
        trainings: of each way.
    """

    mean: float
    low: float
    high: float
    users: int
    trainings: int

    @property
    def told(self) -> bool:
        """Whether 0 is outside of the interval."""
        return bool(self.low > 0 or self.high < 0)

    def __str__(self) -> str:
        """As in +.012 [.004, .020]."""
        return f"{signed(self.mean)} [{signed(self.low)}, {signed(self.high)}]"


def signed(value: float) -> str:
    """Three decimals and a sign, without the 0 before the point."""
    text = f"{abs(value):.3f}"
    text = text.removeprefix("0")
    return f"{'−' if value < 0 and float(f'{value:.3f}') else '+'}{text}"


def difference(
    mine: Sequence[np.ndarray], other: Sequence[np.ndarray], comparisons: int = 1
) -> Difference:
    """Mine minus the other over the same users; see the module for the interval.

    Args:
        mine: a training each, (U,) NDCG of the same users, NaN of one without a target.
        other: likewise; trainings at the same place have the same seed. A single one of a closed
            form stands beside each of mine.
        comparisons: m, how many intervals are to hold together.
    """
    pairs = list(zip(mine, other if len(other) > 1 else list(other) * len(mine), strict=False))
    d = np.column_stack([one - two for one, two in pairs])
    d = d[np.isfinite(d).all(1)]
    level = 1 - (1 - CONFIDENCE) / comparisons
    users, trainings = d.shape
    if users < FEWEST:
        mean = float(d.mean()) if d.size else math.nan
        return Difference(mean, math.nan, math.nan, users, trainings)
    found = Layout.of(d).crossed if trainings >= SEEDS else Student.of(d.mean(1))
    half = found.half(level)
    return Difference(found.mean, found.mean - half, found.mean + half, users, trainings)


def alike(rungs: Sequence[Sequence[Trained]], best: Trained) -> list[float]:
    """The constant βs that validation users cannot tell from the best one, ascending.

    Each is compared with it in the latest rung that both are in, at level 1 − α/(P − 1), P the
    number of βs.
    """
    if not rungs:
        return []
    points = {each.strategy["beta"] for each in rungs[0]}
    mine = best.strategy["beta"]
    found = [mine]
    for beta in points - {mine}:
        for rung in reversed(rungs):
            state = {each.strategy["beta"]: each for each in rung}
            if beta in state and mine in state:
                own, theirs = state[mine].users, state[beta].users
                if not difference([own], [theirs], max(1, len(points) - 1)).told:
                    found.append(beta)
                break
    return sorted(found)
