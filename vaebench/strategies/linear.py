"""Linear warm-up to a cap."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.errors import ArgumentError
from vaebench.search import SHARE, WEIGHT
from vaebench.strategies import Share, Stats, Strategy, Weight


class Linear(Strategy):
    """β(t) = start + (cap − start)·min(1, t/Tw), or with a slope β(t) = min(cap, start + t/U).

    The first form reaches ``cap`` after the share ``warmup`` of training, Tw = warmup·T (Bowman et
    al. 2016, arXiv:1511.06349; Sønderby et al. 2016, arXiv:1602.02282). The second rises by 1 in
    U = ``updates_per_unit`` updates whatever T is, as Mult-VAE does: min(.2, t/200000) on ML-20M
    (Liang et al. 2018, arXiv:1802.05814, §2.2.2 and the authors' notebook).

    Raises:
        ArgumentError: ``warmup`` and ``updates_per_unit`` are both given, or start > cap.

    References:
        bowman2016, sonderby2016, liang2018

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.linear import Linear
        >>> now = Stats(torch.tensor(40), 100, torch.zeros(2), torch.ones(2, 3))
        >>> Linear(cap=0.2, warmup=0.8)(now)
        tensor(0.1000, dtype=torch.float64)
    """

    search_space: ClassVar = {"cap": WEIGHT, "warmup": SHARE}

    def __init__(
        self,
        *,
        cap: Weight = 1.0,
        start: Weight = 0.0,
        warmup: Share | None = None,
        updates_per_unit: Annotated[float, Field(gt=0)] | None = None,
    ) -> None:
        super().__init__()
        if warmup is not None and updates_per_unit is not None:
            raise ArgumentError("warmup and updates_per_unit exclude each other: give one of them")
        if start > cap:
            raise ArgumentError(f"start: {start} is not allowed; it should be at most cap = {cap}")
        self.cap, self.start = cap, start
        self.warmup = 0.5 if warmup is None else warmup
        self.updates_per_unit = updates_per_unit

    def moves_until(self, total: int) -> float:
        """The end of the rise."""
        if self.updates_per_unit is not None:
            return min(1.0, (self.cap - self.start) * self.updates_per_unit / total)
        return self.warmup

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        step = stats.step.double()
        if self.updates_per_unit is not None:
            return torch.clamp(self.start + step / self.updates_per_unit, max=self.cap)
        return torch.lerp(
            torch.full_like(step, self.start),
            torch.full_like(step, self.cap),
            torch.clamp(step / (self.warmup * stats.total), max=1.0),
        )
