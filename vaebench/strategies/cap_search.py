"""The search of the cap in one run."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.search import Range
from vaebench.strategies import Stats, Strategy, Weight


class CapSearch(Strategy):
    """β(t) = min(cap, t/U) until the validation metric falls; then the best epoch's β for good.

    The one-run form of Mult-VAE's search (Liang et al. 2018, arXiv:1802.05814, §2.2.2: anneal, note
    the β at the peak of validation NDCG@100, retrain with it). Here the run goes on with it: once
    ``patience`` epochs in a row brought no new best, β returns to its value at the best epoch's end
    and stays. U = ``updates_per_unit``.

    References:
        liang2018

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.cap_search import CapSearch
        >>> now = Stats(torch.tensor(40), 100, torch.zeros(2), torch.ones(2, 3))
        >>> CapSearch(updates_per_unit=1000, cap=1.0)(now)
        tensor(0.0400, dtype=torch.float64)
    """

    search_space: ClassVar = {"updates_per_unit": Range(1_000, 1_000_000, log=True)}

    def __init__(
        self,
        *,
        updates_per_unit: Annotated[float, Field(gt=0)] = 200_000,
        cap: Weight = 1.0,
        patience: Annotated[int, Field(ge=1)] = 10,
    ) -> None:
        super().__init__()
        self.updates_per_unit, self.cap, self.patience = updates_per_unit, cap, patience
        self.best: Tensor
        self.best_beta: Tensor
        self.current: Tensor
        self.without_best: Tensor
        self.register_buffer("best", torch.tensor(-torch.inf, dtype=torch.float64))
        self.register_buffer("best_beta", torch.zeros((), dtype=torch.float64))
        self.register_buffer("current", torch.zeros((), dtype=torch.float64))
        self.register_buffer("without_best", torch.zeros((), dtype=torch.int64))

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        """The end: validation may stop the rise at any epoch, and β then falls back."""
        return 1.0

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        rising = torch.clamp(stats.step.double() / self.updates_per_unit, max=self.cap)
        return torch.where(self.without_best >= self.patience, self.best_beta, rising)

    @torch.no_grad()
    def update(self, stats: Stats) -> None:
        """Remember the β of the last update."""
        self.current.copy_(self(stats))

    @torch.no_grad()
    def observe(self, validation: float) -> None:
        """Count the epochs without a new best; a new best after the stop changes nothing."""
        if self.without_best >= self.patience:
            return
        if validation > self.best:
            self.best.fill_(validation)
            self.best_beta.copy_(self.current)
            self.without_best.zero_()
        else:
            self.without_best += 1
