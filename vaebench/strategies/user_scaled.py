"""A weight in proportion to what is known of a user."""

from typing import ClassVar

from torch import Tensor

from vaebench.search import PER_COUNT
from vaebench.strategies import Stats, Strategy, Weight


class UserScaled(Strategy):
    """β_i = γ·n_i^p with n_i the interactions of user i before dropout; p = 1.

    The weight of RecVAE (Shenbin et al. 2020, arXiv:1912.11160, §3.3): γ = .005 on ML-20M, whose
    users have 73 interactions on average, so that the mean β is .37. A picture has no interactions
    to count, so that γ would only be a constant β: on images this strategy is refused.

    ``exponent`` p = .5 is the ablation γ·√n; p = 0 is the constant γ.

    References:
        shenbin2020

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.user_scaled import UserScaled
        >>> counts = torch.tensor([20.0, 100.0])
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 3), counts)
        >>> UserScaled(gamma=0.005)(now)
        tensor([[0.1000],
                [0.5000]])
    """

    needs_counts = True

    search_space: ClassVar = {"gamma": PER_COUNT}

    def __init__(self, *, gamma: Weight = 0.005, exponent: Weight = 1.0) -> None:
        super().__init__()
        self.gamma, self.exponent = gamma, exponent

    def forward(self, stats: Stats) -> Tensor:
        """β, shape (B, 1)."""
        assert stats.counts is not None  # noqa: S101 (the config refuses data without counts)
        return (self.gamma * stats.counts**self.exponent).unsqueeze(1)
