"""Sigmoid (logistic) warm-up."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from vaebench.search import SHARE, WEIGHT, Range
from vaebench.strategies import Share, Stats, Strategy, Weight


class Sigmoid(Strategy):
    """β(t) = cap·σ((t − t0)/τ), with t0 = midpoint·T and τ = width·T (Bowman et al. 2016, §3.1).

    The usual width for a warm-up of length Tw is Tw/10 at t0 = Tw/2.

    References:
        bowman2016

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.sigmoid import Sigmoid
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 3))
        >>> Sigmoid(cap=0.2)(now)
        tensor(0.1987, dtype=torch.float64)
    """

    search_space: ClassVar = {
        "cap": WEIGHT,
        "midpoint": SHARE,
        "width": Range(0.001, 1, log=True),
    }

    def __init__(self, *, cap: Weight = 1.0, midpoint: Share = 0.25, width: Share = 0.05) -> None:
        super().__init__()
        self.cap, self.midpoint, self.width = cap, midpoint, width

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        """Where β is 99 % of the cap: midpoint + width · ln 99."""
        return min(1.0, self.midpoint + self.width * math.log(99))

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        progress = stats.step.double() / stats.total
        return self.cap * torch.sigmoid((progress - self.midpoint) / self.width)
