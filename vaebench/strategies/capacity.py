"""A capacity that grows: the rate is drawn to a target."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.search import NATS, Range
from vaebench.strategies import Share, Stats, Strategy, Target, Weight


class Capacity(Strategy):
    """The gradient of γ·abs(R̄ − C(t)): β = γ·sign(R̄ − C(t)), with C(t) = Cmax·min(1, t/Tc).

    R̄ is the batch mean of Σ_j R_ij and stands inside the absolute value; per example it would be
    another objective. Burgess et al. 2018, arXiv:1804.03599, eq. 8 (γ = 1000, Tc = 100,000
    updates).
    β is negative while the rate is below the target. ``target`` is Cmax in nats per example, and
    Tc = warmup·T. A rate C is held only where γ is at least the slope −dD/dR there, the constant β
    that has this rate by itself; with a smaller γ the rate stays above C.

    References:
        burgess2018

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.capacity import Capacity
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 30))
        >>> Capacity(gamma=10.0, target=25.0)(now)
        tensor(10., dtype=torch.float64)
    """

    signed = True
    in_nats = True

    search_space: ClassVar = {"gamma": Range(0.1, 100, log=True), "target": NATS}

    def __init__(
        self,
        *,
        gamma: Weight = 10.0,
        target: Annotated[float, Field(gt=0)] = 25.0,
        warmup: Share = 1.0,
    ) -> None:
        super().__init__()
        self.gamma, self.target, self.warmup = gamma, target, warmup

    def aim(self) -> Target:
        """R̄ → Cmax."""
        return Target("rate", self.target)

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        """The end of the growth of C(t)."""
        return self.warmup

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        share = torch.clamp(stats.step.double() / (self.warmup * stats.total), max=1.0)
        return self.gamma * torch.sign(self.aim().measure(stats) - self.target * share)
