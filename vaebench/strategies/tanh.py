"""Hyperbolic tangent warm-up."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from vaebench.search import SHARE, WEIGHT, Range
from vaebench.strategies import Share, Stats, Strategy, Weight


class Tanh(Strategy):
    """β(t) = cap·(1 + tanh((t − t0)/τ))/2, with t0 = midpoint·T and τ = width·T.

    Since (1 + tanh x)/2 = σ(2x) it is the sigmoid (Bowman et al. 2016, arXiv:1511.06349) of half
    the width. Public code has it in updates, (1 + tanh((t − 3500)/1000))/2
    (https://github.com/kefirski/pytorch_RVAE): that is ``sigmoid.Sigmoid`` with
    ``threshold: 3500, slope: 0.002``.

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.tanh import Tanh
        >>> now = Stats(torch.tensor(25), 100, torch.zeros(2), torch.ones(2, 3))
        >>> Tanh(cap=0.2)(now)
        tensor(0.1000, dtype=torch.float64)
    """

    search_space: ClassVar = {"cap": WEIGHT, "midpoint": SHARE, "width": Range(0.001, 1, log=True)}

    def __init__(self, *, cap: Weight = 1.0, midpoint: Share = 0.25, width: Share = 0.1) -> None:
        super().__init__()
        self.cap, self.midpoint, self.width = cap, midpoint, width

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        """Where β is 99 % of the cap: midpoint + width · ln 99/2."""
        return min(1.0, self.midpoint + self.width * math.log(99) / 2)

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        progress = stats.step.double() / stats.total
        return self.cap * (1 + torch.tanh((progress - self.midpoint) / self.width)) / 2
