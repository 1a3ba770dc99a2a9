"""Where to look for a good option: declared beside the formula that the option belongs to.

All strategies are searched alike. An option that is a scale (β, its cap, a target in nats, a slope)
has three decades, even in its logarithm; a share of training or of a cycle has [.05, 1], evenly; a
number of parts of training has 1 … 10. What differs is where the three decades lie: around a
neutral centre, which is the same for all options of one meaning and not the value that somebody
published.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict


@dataclass(frozen=True)
class Range:
    """The values low … high of one option, spread evenly, or evenly in their logarithm.

    Attributes:
        low: the smallest value.
        high: the largest.
        log: even in log(value); for options whose ratio matters.
        whole: integers, every one with the same share.

    Raises:
        ValueError: the bounds are no range.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"{self.low} … {self.high} is no range; allowed: low < high, finite")
        if self.log and self.low <= 0:
            raise ValueError(f"low: {self.low} has no logarithm; allowed with log: low > 0")
        if self.whole and (self.low != int(self.low) or self.high != int(self.high)):
            raise ValueError(f"{self.low} … {self.high} are no integers; allowed with whole: those")

    def at(self, share: float) -> float | int:
        """The value at ``share`` ∈ [0, 1] of the range: low·(high/low)^share or linear."""
        low, high = self.low, self.high
        if self.whole:  # each integer k owns [k − ½, k + ½)
            low, high = low - 0.5, high + 0.5
        value = low * (high / low) ** share if self.log else low + (high - low) * share
        if self.whole:
            return int(min(max(math.floor(value + 0.5), self.low), self.high))
        return min(max(value, self.low), self.high)  # rounding must not leave the range


DECADES = 3
"""The width of the range of every option of a strategy that is a scale."""

WEIGHT = Range(0.005, 5, log=True)
"""For β, or the cap of β."""

PER_COUNT = Range(5e-5, 0.05, log=True)
"""For what multiplies a user's interactions to β: :data:`WEIGHT` at 100 interactions a user.

For data with a mean of n̄ interactions a user the same range of β is :data:`WEIGHT` / n̄: a study
writes it (``tuning.space``).
"""

NATS = Range(0.5, 500, log=True)
"""For a rate to reach, in nats per example."""

SHARE = Range(0.05, 1)
"""For a share of training or of a cycle."""

PARTS = Range(1, 10, whole=True)
"""For a number of parts of training."""
