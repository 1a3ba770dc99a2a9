"""DynamicVAE: an incremental controller behind a set-point that grows in stages."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.errors import ArgumentError
from vaebench.search import NATS
from vaebench.strategies import Share, Stats, Strategy, Target, Weight

Nats = Annotated[float, Field(gt=0)]


class DynamicPID(Strategy):
    """β(t) = β(t−1) + Kp·(σ(−e(t)) − σ(−e(t−1))) − Ki·e(t), clipped to [low, high]; e = C − R̃.

    Shao et al. 2020, DynamicVAE, arXiv:2009.06795, §3: β starts high and falls as the set-point
    C(t) grows, so that latents come one after another. R̃ is the mean of the batch rate R̄ over
    the last ``window`` updates, e(−1) = 0, β(−1) = ``start``; e is clamped to ±500. The set-point
    grows from ``first_target`` to ``target`` (nats per example) in ``stages`` equal stages of the
    share ``warmup`` of training: the first holds, each later one rises over its share ``ramp`` and
    holds again. The authors' code (https://github.com/shj1987/DynamicVAE-CVPR2022, dSprites) has
    Kp = .01, Ki = .005, β from 50 down to .1, a window of 5 or 10, C from .5 by .15 every 6,000
    updates, each rise over the first 1,000.

    What differs: β is kept clipped, so that it leaves the end of its range as soon as the error
    changes its sign; in the authors' code the integral rests there whatever the sign. The window
    starts with what was seen instead of with zeros.

    Raises:
        ArgumentError: low ≥ high, start outside of [low, high], or first_target > target.

    References:
        shao2020dynamic

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.dynamic_pid import DynamicPID
        >>> now = Stats(torch.tensor(0), 100, torch.zeros(2), torch.ones(2, 2))
        >>> DynamicPID(target=20.0)(now)
        tensor(50.0107, dtype=torch.float64)
    """

    in_nats = True

    search_space: ClassVar = {"target": NATS}

    def __init__(
        self,
        *,
        target: Nats = 20.0,
        first_target: Nats = 0.5,
        warmup: Share = 0.8,
        stages: Annotated[int, Field(ge=2)] = 10,
        ramp: Share = 0.2,
        window: Annotated[int, Field(ge=1, le=10_000)] = 5,
        proportional: Weight = 0.01,
        integral: Weight = 0.005,
        start: Weight = 50.0,
        low: Weight = 0.1,
        high: Weight = 200.0,
    ) -> None:
        super().__init__()
        if low >= high:
            raise ArgumentError(f"low: {low} is not allowed; it should be less than high = {high}")
        if not low <= start <= high:
            raise ArgumentError(f"start: {start} is not allowed; allowed: {low} … {high}")
        if first_target > target:
            raise ArgumentError(
                f"first_target: {first_target} is not allowed; at most target = {target}"
            )
        self.target, self.first_target, self.warmup = target, first_target, warmup
        self.stages, self.ramp, self.window = stages, ramp, window
        self.proportional, self.integral = proportional, integral
        self.start, self.low, self.high = start, low, high
        self.weight: Tensor
        self.error: Tensor
        self.recent: Tensor
        self.seen: Tensor
        self.register_buffer("weight", torch.tensor(start, dtype=torch.float64))
        self.register_buffer("error", torch.zeros((), dtype=torch.float64))
        self.register_buffer("recent", torch.zeros(window, dtype=torch.float64))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def aim(self) -> Target:
        """R̄ → the last set-point."""
        return Target("rate", self.target)

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        """The end of the last rise of C(t)."""
        return self.warmup * (self.stages - 1 + self.ramp) / self.stages

    def set_point(self, stats: Stats) -> Tensor:
        """C(t), shape ()."""
        done = torch.clamp(stats.step.double() / (self.warmup * stats.total), max=1.0) * self.stages
        stage = torch.clamp(torch.floor(done), max=self.stages - 1)
        rises = stage - 1 + torch.clamp((done - stage) / self.ramp, max=1.0)
        share = torch.clamp(rises, min=0.0) / (self.stages - 1)
        return self.first_target + (self.target - self.first_target) * share

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        return self._next(stats)[0]

    @torch.no_grad()
    def update(self, stats: Stats) -> None:
        """Keep this update's β, error and rate."""
        weight, error, recent = self._next(stats)
        self.weight.copy_(weight)
        self.error.copy_(error)
        self.recent.copy_(recent)
        self.seen.add_(1)

    def _next(self, stats: Stats) -> tuple[Tensor, Tensor, Tensor]:
        """β, e and the window with this update's rate."""
        recent = torch.cat([self.recent[1:], self.aim().measure(stats).reshape(1)])
        rate = recent.sum() / torch.clamp(self.seen + 1, max=self.window)
        error = torch.clamp(self.set_point(stats) - rate, -500, 500)
        change = torch.sigmoid(-error) - torch.sigmoid(-self.error)
        moved = self.weight + self.proportional * change - self.integral * error
        return torch.clamp(moved, self.low, self.high), error, recent
