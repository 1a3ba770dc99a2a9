"""Cosine warm-up."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from vaebench.search import SHARE, WEIGHT
from vaebench.strategies import Share, Stats, Strategy, Weight


class Cosine(Strategy):
    """β(t) = cap·(1 − cos(π·min(1, t/Tw)))/2 with Tw = warmup·T.

    One rise of the cosine ramp of Fu et al. 2019 (arXiv:1903.10145), whose slope is 0 at both ends.

    References:
        fu2019

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.cosine import Cosine
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 3))
        >>> Cosine(cap=0.2, warmup=1.0)(now)
        tensor(0.1000, dtype=torch.float64)
    """

    search_space: ClassVar = {"cap": WEIGHT, "warmup": SHARE}

    def __init__(self, *, cap: Weight = 1.0, warmup: Share = 0.5) -> None:
        super().__init__()
        self.cap, self.warmup = cap, warmup

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        """The end of the rise."""
        return self.warmup

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        share = torch.clamp(stats.step.double() / (self.warmup * stats.total), max=1.0)
        return self.cap * (1 - torch.cos(math.pi * share)) / 2
