"""A weight that falls: the control for every schedule that rises."""

from typing import ClassVar

import torch
from torch import Tensor

from vaebench.errors import ArgumentError
from vaebench.search import Range
from vaebench.strategies import Share, Stats, Strategy, Weight


class Decreasing(Strategy):
    """β(t) = start + (end − start)·min(1, t/Th) with start ≥ end and Th = horizon·T.

    The mirror image of the linear warm-up (Bowman et al. 2016, arXiv:1511.06349): the same weights
    in the other order.

    Raises:
        ArgumentError: start < end.

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.decreasing import Decreasing
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 3))
        >>> Decreasing(start=1.0, end=0.2, horizon=1.0)(now)
        tensor(0.6000, dtype=torch.float64)
    """

    search_space: ClassVar = {
        "start": Range(1, 10, log=True),
        "end": Range(0.01, 1, log=True),
        "horizon": Range(0.05, 1),
    }

    def __init__(self, *, start: Weight = 1.0, end: Weight = 0.2, horizon: Share = 0.5) -> None:
        super().__init__()
        if start < end:
            raise ArgumentError(f"start: {start} is not allowed; it should be at least end = {end}")
        self.start, self.end, self.horizon = start, end, horizon

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        share = torch.clamp(stats.step.double() / (self.horizon * stats.total), max=1.0)
        return self.start + (self.end - self.start) * share
