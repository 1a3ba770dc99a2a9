"""A floor under the rate of each example."""

from typing import ClassVar

from torch import Tensor

from vaebench.search import NATS
from vaebench.strategies import Stats, Strategy, Weight


class ExampleFloor(Strategy):
    """The gradient of mean_i max(κ, R_i) with R_i = Σ_j R_ij: β_i = 1[R_i > κ].

    Unlike free bits (Kingma et al. 2016, arXiv:1606.04934) the floor is under each example's rate,
    not under the batch mean of a latent. ``floor`` is κ in nats per example.

    References:
        kingma2016

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.example_floor import ExampleFloor
        >>> rate = torch.tensor([[0.5, 0.5], [2.0, 1.0]])
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), rate)
        >>> ExampleFloor(floor=2.0)(now)
        tensor([[0.],
                [1.]])
    """

    in_nats = True

    search_space: ClassVar = {"floor": NATS}

    def __init__(self, *, floor: Weight = 1.0) -> None:
        super().__init__()
        self.floor = floor

    def forward(self, stats: Stats) -> Tensor:
        """β, shape (B, 1)."""
        return (stats.rate.sum(1, keepdim=True) > self.floor).to(stats.rate.dtype)
