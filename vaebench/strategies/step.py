"""A single step from one weight to another: a control for gradual schedules."""

from typing import ClassVar

import torch
from torch import Tensor

from vaebench.search import SHARE, WEIGHT
from vaebench.strategies import Share, Stats, Strategy, Weight


class Step(Strategy):
    """β(t) = before for t < at·T, after from then on.

    With before = 0 it is an abrupt warm-up; with before > after the weight falls. A control: what a
    gradual schedule (Bowman et al. 2016, arXiv:1511.06349) gains over it is due to being gradual.

    References:
        bowman2016

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.step import Step
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 3))
        >>> Step(before=0.0, after=0.2, at=0.5)(now)
        tensor(0.2000, dtype=torch.float64)
    """

    search_space: ClassVar = {"after": WEIGHT, "at": SHARE}

    def __init__(self, *, before: Weight = 0.0, after: Weight = 1.0, at: Share = 0.5) -> None:
        super().__init__()
        self.before, self.after, self.at = before, after, at

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        """The step."""
        return self.at

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        step = stats.step.double()
        return torch.where(
            step < self.at * stats.total,
            torch.full_like(step, self.before),
            torch.full_like(step, self.after),
        )
