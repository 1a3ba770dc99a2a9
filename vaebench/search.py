"""Where to look for a good option: declared beside the formula that the option belongs to."""

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


WEIGHT = Range(0.01, 10, log=True)
"""For β or the cap of β: the same three decades for every strategy."""
