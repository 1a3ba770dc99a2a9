"""GECO: the smallest rate at a given distortion."""

import math
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.search import Range
from vaebench.strategies import Stats, Strategy, Target

Positive = Annotated[float, Field(gt=0)]
LOG_BOUND = 20.0
"""|log λ| stays below it: e²⁰ is far beyond any useful weight and far from overflow."""

LOG_SLOWEST, LOG_FASTEST = math.log(0.9), math.log(1.1)
"""An update divides or multiplies λ by at most a tenth, whatever the constraint."""


class GECO(Strategy):
    """Minimise R subject to D̄ ≤ κ: R + λ·(D̄ − κ), that is D + βR with β = 1/λ.

    λ ← λ·clamp(exp(gain·C̄), .9, 1.1) after each update, where C̄ is the moving average (α) of the
    relative constraint C = D̄/κ − 1. Rezende & Viola 2018, arXiv:1810.00597, algorithm 1. There C
    is in nats and the gain depends on the data; dividing by κ makes it dimensionless. λ is held for
    the first share ``hold`` of training, while the distortion is still far off.

    ``target`` is κ in nats per example, or per interaction (D_i/n_i) with ``per_interaction``.

    References:
        rezende2018

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.geco import GECO
        >>> now = Stats(torch.tensor(50), 100, torch.full((2,), 200.0), torch.ones(2, 3))
        >>> strategy = GECO(target=100.0, hold=0.0)
        >>> before = strategy(now)
        >>> strategy.update(now)
        >>> bool(strategy(now) < before)
        True
    """

    search_space: ClassVar = {"target": Range(1, 1_000, log=True)}

    def __init__(
        self,
        *,
        target: Positive = 100.0,
        per_interaction: bool = False,
        gain: Positive = 0.1,
        smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.99,
        hold: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        self.target, self.per_interaction = target, per_interaction
        self.gain, self.smoothing, self.hold = gain, smoothing, hold
        self.needs_counts = per_interaction
        self.log_multiplier: Tensor
        self.constraint: Tensor
        self.register_buffer("log_multiplier", torch.zeros((), dtype=torch.float64))
        self.started: Tensor
        self.register_buffer("constraint", torch.zeros((), dtype=torch.float64))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    def aim(self) -> Target:
        """D̄ → κ."""
        return Target("distortion", self.target, self.per_interaction)

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        """The end of the hold; κ has no schedule."""
        return self.hold

    def forward(self, stats: Stats) -> Tensor:
        """β = 1/λ, shape ()."""
        return torch.exp(-self.log_multiplier.expand_as(stats.step))

    @torch.no_grad()
    def update(self, stats: Stats) -> None:
        """Average the constraint; after the hold, move λ by at most a tenth."""
        found = self.aim().measure(stats) / self.target - 1
        average = self.smoothing * self.constraint + (1 - self.smoothing) * found
        self.constraint.copy_(torch.where(self.started, average, found))
        self.started.fill_(value=True)
        log_factor = torch.clamp(self.gain * self.constraint, LOG_SLOWEST, LOG_FASTEST)
        moved = torch.where(stats.step >= self.hold * stats.total, log_factor, 0.0)
        self.log_multiplier.copy_(torch.clamp(self.log_multiplier + moved, -LOG_BOUND, LOG_BOUND))
