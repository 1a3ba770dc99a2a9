"""A weight on the rate: say here what it is for."""

from torch import Tensor

from vaebench.strategies import Share, Stats, Strategy, Weight


class Mine(Strategy):
    """β(t) = cap · min(1, t/(warmup · T)); write your own formula here and in `forward`."""

    def __init__(self, *, cap: Weight = 1.0, warmup: Share = 0.5) -> None:
        super().__init__()
        self.cap, self.warmup = cap, warmup

    def moves_until(self, total: int) -> float:  # noqa: ARG002 (a share already)
        """The end of the rise; leave this out if no schedule moves β."""
        return self.warmup

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        progress = stats.step.double() / stats.total
        return self.cap * (progress / self.warmup).clamp(max=1)
