"""Cyclical annealing."""

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from vaebench.errors import ArgumentError
from vaebench.search import PARTS, SHARE, WEIGHT
from vaebench.strategies import Share, Stats, Strategy, Weight

RAMPS = {
    "linear": lambda v: v,
    "sigmoid": lambda v: torch.sigmoid(12 * v - 6),
    "cosine": lambda v: (1 - torch.cos(math.pi * v)) / 2,
}
"""f(v) for v = τ/R in [0, 1)."""


class Cyclical(Strategy):
    """β(t) = start + (cap − start)·f(τ/R) if τ < R else cap, with τ = (t mod ⌈T/M⌉)/(T/M).

    M ``cycles``, each rising over its share R = ``ramp`` and then holding the cap (Fu et al. 2019,
    arXiv:1903.10145, eq. 6-7; M = 4, R = .5, start 0). The code of their experiments starts each
    cycle at .1 and restarts the learning rate with it; here the learning rate stays constant, so
    that β alone is compared.

    Raises:
        ArgumentError: start > cap.

    References:
        fu2019

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.cyclical import Cyclical
        >>> now = Stats(torch.tensor(75), 100, torch.zeros(2), torch.ones(2, 3))
        >>> Cyclical(cap=0.2, cycles=2, ramp=1.0)(now)
        tensor(0.1000, dtype=torch.float64)
    """

    search_space: ClassVar = {"cap": WEIGHT, "cycles": PARTS, "ramp": SHARE}

    def __init__(
        self,
        *,
        cap: Weight = 1.0,
        cycles: Annotated[int, Field(ge=1)] = 4,
        ramp: Share = 0.5,
        shape: Literal["linear", "sigmoid", "cosine"] = "linear",
        start: Weight = 0.0,
    ) -> None:
        super().__init__()
        if start > cap:
            raise ArgumentError(f"start: {start} is not allowed; it should be at most cap = {cap}")
        self.cap, self.cycles, self.ramp, self.shape = cap, cycles, ramp, shape
        self.start = start

    def moves_until(self, total: int) -> float:
        """The end of the last ramp."""
        period = math.ceil(total / self.cycles)
        begin = (total - 1) // period * period  # of the last cycle
        return min(1.0, (begin + self.ramp * total / self.cycles) / total)

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        period = math.ceil(stats.total / self.cycles)
        tau = (stats.step % period).double() / (stats.total / self.cycles)
        rising = RAMPS[self.shape](tau / self.ramp)
        risen = torch.where(tau < self.ramp, rising, torch.ones_like(rising))
        return self.start + (self.cap - self.start) * risen
