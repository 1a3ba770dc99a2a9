"""Sigmoid (logistic) warm-up."""

import math
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.errors import ArgumentError
from vaebench.search import SHARE, WEIGHT, Range
from vaebench.strategies import Share, Stats, Strategy, Weight


class Sigmoid(Strategy):
    """β(t) = cap·σ((t − t0)/τ), with t0 = midpoint·T and τ = width·T (Bowman et al. 2016, §3.1).

    The usual width for a warm-up of length Tw is Tw/10 at t0 = Tw/2. The other form,
    β(t) = cap·σ(k·(t − t0)), counts updates whatever T is: t0 = ``threshold`` and k = ``slope``
    per update. Public code for sentences has 2500 and .0025
    (https://github.com/timbmg/Sentence-VAE).

    Raises:
        ArgumentError: one of threshold and slope without the other, or beside midpoint or width.

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

    def __init__(
        self,
        *,
        cap: Weight = 1.0,
        midpoint: Share | None = None,
        width: Share | None = None,
        threshold: Annotated[float, Field(ge=0)] | None = None,
        slope: Annotated[float, Field(gt=0)] | None = None,
    ) -> None:
        super().__init__()
        if (threshold is None) != (slope is None):
            raise ArgumentError("threshold and slope belong together: give both or none")
        if slope is not None and (midpoint is not None or width is not None):
            raise ArgumentError(
                "threshold and slope exclude midpoint and width: count in updates, or in shares"
            )
        self.cap = cap
        self.midpoint = 0.25 if midpoint is None else midpoint
        self.width = 0.05 if width is None else width
        self.threshold, self.slope = threshold, slope

    def moves_until(self, total: int) -> float:
        """Where β is 99 % of the cap: t0 + τ·ln 99."""
        midpoint, width = self.midpoint, self.width
        if self.threshold is not None and self.slope is not None:
            midpoint, width = self.threshold / total, 1 / (self.slope * total)
        return min(1.0, midpoint + width * math.log(99))

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        if self.threshold is not None and self.slope is not None:
            scaled = (stats.step.double() - self.threshold) * self.slope
        else:
            scaled = (stats.step.double() / stats.total - self.midpoint) / self.width
        return self.cap * torch.sigmoid(scaled)
