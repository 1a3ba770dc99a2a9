"""Soft free bits: a weight that is nudged until the rate is near a target."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.search import NATS
from vaebench.strategies import Stats, Strategy, Target


class SoftFreeBits(Strategy):
    """β = γ, with γ ← 1.1·γ if R̄ > 1.05·λ, γ ← .9·γ if R̄ < λ, after each update.

    Chen et al. 2016, Variational Lossy Autoencoder, arXiv:1611.02731, §C. R̄ is the batch mean of
    Σ_j R_ij, ``target`` is λ in nats per example. γ starts at 1 and stays in [1e-6, 1]: a rate that
    is below λ at β = 1 already can be raised by a smaller γ, one that is above it not be lowered.

    References:
        chen2017

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.soft_free_bits import SoftFreeBits
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 10))
        >>> strategy = SoftFreeBits(target=20.0)
        >>> strategy.update(now)
        >>> strategy(now)
        tensor(0.9000, dtype=torch.float64)
    """

    in_nats = True

    search_space: ClassVar = {"target": NATS}

    def __init__(self, *, target: Annotated[float, Field(gt=0)] = 10.0) -> None:
        super().__init__()
        self.target = target
        self.weight: Tensor
        self.register_buffer("weight", torch.tensor(1.0, dtype=torch.float64))

    def aim(self) -> Target:
        """R̄ → λ."""
        return Target("rate", self.target)

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        return self.weight.expand_as(stats.step).clone()

    @torch.no_grad()
    def update(self, stats: Stats) -> None:
        """Nudge γ by a tenth where the rate is off its target."""
        rate = self.aim().measure(stats)
        raised = torch.where(rate > 1.05 * self.target, 1.1 * self.weight, self.weight)
        nudged = torch.where(rate < self.target, 0.9 * self.weight, raised)
        self.weight.copy_(torch.clamp(nudged, 1e-6, 1.0))
