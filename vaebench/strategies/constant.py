"""A constant weight."""

from typing import ClassVar

import torch
from torch import Tensor

from vaebench.search import WEIGHT
from vaebench.strategies import Stats, Strategy, Weight


class Constant(Strategy):
    """β(t) = β.

    β = 1 is the variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114), β > 1 the β-VAE
    (Higgins et al. 2017), β = 0 a stochastic autoencoder.

    References:
        kingma2013, higgins2017

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.constant import Constant
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 3))
        >>> Constant(beta=0.5)(now)
        tensor(0.5000, dtype=torch.float64)
    """

    search_space: ClassVar = {"beta": WEIGHT}

    def __init__(self, *, beta: Weight = 1.0) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, stats: Stats) -> Tensor:
        """β, shape ()."""
        return torch.full_like(stats.step, self.beta, dtype=torch.float64)
