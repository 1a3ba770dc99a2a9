"""Exponential warm-up: fast at first, or late."""

import math
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.errors import ArgumentError
from vaebench.search import SHARE, WEIGHT
from vaebench.strategies import Share, Stats, Strategy, Weight

Curvature = Annotated[float, Field(ge=-50, le=50)]


class Exponential(Strategy):
    """β(t) = cap·(1 − exp(−r·v))/(1 − exp(−r)), with v = min(1, t/Tw) and Tw = warmup·T.

    The line bent by r = ``curvature``: with r > 0 β rises at once and levels off, as the charge of
    a capacitor does; with r < 0 it starts slowly and grows by a constant factor at the end;
    r → 0 is :class:`vaebench.strategies.linear.Linear`, the warm-up of Sønderby et al. 2016,
    arXiv:1602.02282. Public code has many such ramps; this family of one parameter is ours.

    Raises:
        ArgumentError: curvature 0, which is the linear warm-up.

    References:
        sonderby2016

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.exponential import Exponential
        >>> now = Stats(torch.tensor(25), 100, torch.zeros(2), torch.ones(2, 3))
        >>> Exponential(cap=0.2, curvature=5.0)(now)
        tensor(0.1848, dtype=torch.float64)
    """

    search_space: ClassVar = {"cap": WEIGHT, "warmup": SHARE}

    def __init__(
        self, *, cap: Weight = 1.0, warmup: Share = 0.5, curvature: Curvature = 5.0
    ) -> None:
        super().__init__()
        if curvature == 0:
            raise ArgumentError("curvature: 0 is not allowed; it is linear.Linear, use that")
        self.cap, self.warmup, self.curvature = cap, warmup, curvature

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        """The end of the rise, or where β is 99 % of the cap."""
        if self.curvature < 0:
            return self.warmup
        near = -math.log1p(0.99 * math.expm1(-self.curvature)) / self.curvature
        return self.warmup * min(1.0, near)

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        risen = torch.clamp(stats.step.double() / (self.warmup * stats.total), max=1.0)
        return self.cap * torch.expm1(-self.curvature * risen) / math.expm1(-self.curvature)
