"""A weight that falls: the control for every schedule that rises."""

from typing import ClassVar

import torch
from torch import Tensor

from vaebench.errors import ArgumentError
from vaebench.search import SHARE, WEIGHT, Range
from vaebench.strategies import Share, Stats, Strategy, Weight


class Decreasing(Strategy):
    """β(t) = start + (end − start)·min(1, t/Th) with start ≥ end and Th = horizon·T.

    The mirror image of the linear warm-up (Bowman et al. 2016, arXiv:1511.06349): the same weights
    in the other order. ``end`` is a weight, .2 unless given, or ``ratio``·start: so both ends can
    be tuned, each over its whole range.

    Raises:
        ArgumentError: ``end`` and ``ratio`` are both given, or start < end.

    References:
        bowman2016

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.decreasing import Decreasing
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 3))
        >>> Decreasing(start=1.0, end=0.2, horizon=1.0)(now)
        tensor(0.6000, dtype=torch.float64)
    """

    search_space: ClassVar = {
        "start": WEIGHT,
        "ratio": Range(0.001, 1, log=True),
        "horizon": SHARE,
    }

    def __init__(
        self,
        *,
        start: Weight = 1.0,
        end: Weight | None = None,
        ratio: Share | None = None,
        horizon: Share = 0.5,
    ) -> None:
        super().__init__()
        if end is not None and ratio is not None:
            raise ArgumentError("end and ratio exclude each other: give one of them")
        self.start, self.ratio, self.horizon = start, ratio, horizon
        if ratio is None:
            self.end = 0.2 if end is None else end
        else:
            self.end = ratio * start
        if start < self.end:
            raise ArgumentError(
                f"start: {start} is not allowed; it should be at least end = {self.end}"
            )

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        """The end of the fall."""
        return self.horizon

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        share = torch.clamp(stats.step.double() / (self.horizon * stats.total), max=1.0)
        return self.start + (self.end - self.start) * share
