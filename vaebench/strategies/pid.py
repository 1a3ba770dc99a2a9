"""ControlVAE: a controller keeps the rate at a target."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.search import Range
from vaebench.strategies import Stats, Strategy, Weight


class PID(Strategy):
    """β(t) = Kp/(1 + exp(e(t))) − Ki·Σ_s e(s) + low, clipped to [low, high]; e = C − R̄.

    Shao et al. 2020, ControlVAE, arXiv:2004.05988, eq. 5 and algorithm 1: Kp = .01, Ki = 1e-4. R̄ is
    the batch mean of Σ_j R_ij, ``target`` is C in nats per example. The integral rests while the
    last unclipped β was outside its range, and e is clamped to ±500, whatever the rate.

    Raises:
        ValueError: low ≥ high.
    """

    search_space: ClassVar = {"target": Range(1, 100, log=True)}

    def __init__(
        self,
        *,
        target: Annotated[float, Field(gt=0)] = 20.0,
        proportional: Weight = 0.01,
        integral: Weight = 1e-4,
        low: Weight = 0.0,
        high: Weight = 1.0,
    ) -> None:
        super().__init__()
        if low >= high:
            raise ValueError(f"low: {low} is not allowed; it should be less than high = {high}")
        self.target, self.proportional, self.integral = target, proportional, integral
        self.low, self.high = low, high
        self.accumulated: Tensor
        self.inside: Tensor
        self.register_buffer("accumulated", torch.zeros((), dtype=torch.float64))
        self.register_buffer("inside", torch.ones((), dtype=torch.bool))

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        return torch.clamp(self._unclipped(stats)[0], self.low, self.high)

    @torch.no_grad()
    def update(self, stats: Stats) -> None:
        """Keep this update's integral, and whether β was within its range."""
        beta, accumulated = self._unclipped(stats)
        self.accumulated.copy_(accumulated)
        self.inside.copy_((beta >= self.low) & (beta <= self.high))

    def _unclipped(self, stats: Stats) -> tuple[Tensor, Tensor]:
        """β before clipping, and the integral with this update's error."""
        error = self.target - stats.rate.sum(1).mean().double()
        error = torch.clamp(error, -500, 500)
        accumulated = torch.where(
            self.inside, self.accumulated - self.integral * error, self.accumulated
        )
        return self.proportional * torch.sigmoid(-error) + accumulated + self.low, accumulated
