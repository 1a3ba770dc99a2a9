"""The distortion per interaction: every user's history weighs the same."""

from typing import ClassVar

from torch import Tensor

from vaebench.search import PER_COUNT
from vaebench.strategies import Stats, Strategy, Weight


class PerInteraction(Strategy):
    """loss_i = D_i/n_i + β·R_i, written as w_i (D_i + β_i R_i) with w_i = 1/n_i and β_i = β·n_i.

    The weight on the rate is that of RecVAE's γ·n_i (Shenbin et al. 2020, arXiv:1912.11160,
    §3.3) with γ = β; what differs is that a user with many interactions no longer counts more in
    the mean over users. Comparing the two tells the weight on the rate from the weight of a user.

    References:
        shenbin2020

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.per_interaction import PerInteraction
        >>> counts = torch.tensor([20.0, 100.0])
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 3), counts)
        >>> strategy = PerInteraction(beta=0.005)
        >>> strategy(now)
        tensor([[0.1000],
                [0.5000]])
        >>> strategy.example_weights(now)
        tensor([0.0500, 0.0100])
    """

    needs_counts = True

    search_space: ClassVar = {"beta": PER_COUNT}

    def __init__(self, *, beta: Weight = 0.005) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, stats: Stats) -> Tensor:
        """β·n_i, shape (B, 1)."""
        assert stats.counts is not None  # noqa: S101 (the config refuses data without counts)
        return (self.beta * stats.counts).unsqueeze(1)

    def example_weights(self, stats: Stats) -> Tensor:
        """1/n_i, shape (B,); a user without interactions has neither distortion nor weight."""
        assert stats.counts is not None  # noqa: S101 (the config refuses data without counts)
        return 1 / stats.counts.clamp_min(1)
