"""A rate as a constraint: β is its multiplier, learned by dual ascent."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.errors import ArgumentError
from vaebench.search import NATS
from vaebench.strategies import Stats, Strategy, Target, Weight


class RateTarget(Strategy):
    """Minimise D̄ subject to R̄ ≤ C: β ← β + α·(R̄ − C) after each update, kept in [0, high].

    Dual gradient ascent on the Lagrangian D̄ + β·(R̄ − C), as in the Variational Discriminator
    Bottleneck (Peng et al. 2019, arXiv:1810.00821, §4, with α = 1e-5). R̄ is the batch mean of
    Σ_j R_ij, ``target`` is C in nats per example, ``gain`` is α per nat, ``start`` the first β. At
    rest either R̄ = C, and β is the slope −dD/dR there, or the rate is below C by itself and β = 0.
    ``high`` is ours: the way back from a wild start stays short. GECO constrains the distortion
    instead.

    Raises:
        ArgumentError: start > high.

    References:
        peng2019

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.rate_target import RateTarget
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 30))
        >>> strategy = RateTarget(target=20.0, gain=0.01)
        >>> strategy.update(now)
        >>> strategy(now)
        tensor(1.1000, dtype=torch.float64)
    """

    in_nats = True

    search_space: ClassVar = {"target": NATS}

    def __init__(
        self,
        *,
        target: Annotated[float, Field(gt=0)] = 20.0,
        gain: Annotated[float, Field(gt=0)] = 1e-3,
        start: Weight = 1.0,
        high: Annotated[float, Field(gt=0)] = 100.0,
    ) -> None:
        super().__init__()
        if start > high:
            raise ArgumentError(f"start: {start} is not allowed; at most high = {high}")
        self.target, self.gain, self.start, self.high = target, gain, start, high
        self.multiplier: Tensor
        self.register_buffer("multiplier", torch.tensor(start, dtype=torch.float64))

    def aim(self) -> Target:
        """R̄ → C, where the constraint binds."""
        return Target("rate", self.target)

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        return self.multiplier.expand_as(stats.step).clone()

    @torch.no_grad()
    def update(self, stats: Stats) -> None:
        """One step of ascent."""
        excess = self.aim().measure(stats) - self.target
        self.multiplier.copy_(torch.clamp(self.multiplier + self.gain * excess, 0.0, self.high))
