"""ControlVAE: a controller keeps the rate at a target."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.errors import ArgumentError
from vaebench.search import NATS
from vaebench.strategies import Stats, Strategy, Target, Weight


class PID(Strategy):
    """β(t) = Kp/(1 + exp(e(t))) − Ki·Σ_s e(s) + low, clipped to [low, high]; e = C − R̄.

    Shao et al. 2020, ControlVAE, arXiv:2004.05988, eq. 5 and algorithm 1: Kp = .01, Ki = 1e-4. R̄ is
    the batch mean of Σ_j R_ij, ``target`` is C in nats per example; e is clamped to ±500.

    A rate above the target raises β, up to high; a rate below it lowers β, down to low. The
    integral rests while the last unclipped β was outside [low, high] and the error drives it
    further out (conditional integration; Åström & Hägglund 1995, PID Controllers). Algorithm
    1 of the paper has it rest outside whatever the error's sign, and then β never comes back: with
    R̄ = 0 at the start the first update leaves the range if Ki·C > Kp, which the published targets
    170, 180, 200 do at Ki = 1e-4. Nor does the integral leave [−Kp, high − low], beyond which it
    changes nothing and would only have to come back.

    Raises:
        ArgumentError: low ≥ high.

    References:
        shao2020, astrom1995

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.pid import PID
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 50))
        >>> strategy = PID(target=20.0)
        >>> strategy.update(now)
        >>> strategy(now)
        tensor(0.0160, dtype=torch.float64)
    """

    in_nats = True

    search_space: ClassVar = {"target": NATS}

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
            raise ArgumentError(f"low: {low} is not allowed; it should be less than high = {high}")
        self.target, self.proportional, self.integral = target, proportional, integral
        self.low, self.high = low, high
        self.accumulated: Tensor
        self.last: Tensor
        self.register_buffer("accumulated", torch.zeros((), dtype=torch.float64))
        self.register_buffer("last", torch.tensor(low, dtype=torch.float64))

    def aim(self) -> Target:
        """R̄ → C."""
        return Target("rate", self.target)

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        return torch.clamp(self._unclipped(stats)[0], self.low, self.high)

    @torch.no_grad()
    def update(self, stats: Stats) -> None:
        """Keep this update's integral and its β before clipping."""
        beta, accumulated = self._unclipped(stats)
        self.accumulated.copy_(accumulated)
        self.last.copy_(beta)

    def _unclipped(self, stats: Stats) -> tuple[Tensor, Tensor]:
        """β before clipping, and the integral with this update's error."""
        error = torch.clamp(self.target - self.aim().measure(stats), -500, 500)
        falls_on = (self.last < self.low) & (error > 0)
        rises_on = (self.last > self.high) & (error < 0)
        change = torch.where(falls_on | rises_on, 0.0, self.integral * error)
        accumulated = torch.clamp(
            self.accumulated - change, -self.proportional, self.high - self.low
        )
        return self.proportional * torch.sigmoid(-error) + accumulated + self.low, accumulated
