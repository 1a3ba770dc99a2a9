"""A constant weight for each stochastic layer."""

from typing import ClassVar

import torch
from torch import Tensor

from vaebench.search import WEIGHT, Range
from vaebench.strategies import Stats, Strategy, Weight


class PerLayer(Strategy):
    """β_j = β·ρ^l for the latents j of layer l = 0, 1, …, of which 0 is next to the picture.

    For hierarchical models, whose upper layers tend to collapse (Sønderby et al. 2016,
    arXiv:1602.02282): ``ratio`` ρ < 1 gives them less weight. ρ = 1, or a model of one layer, is
    the constant.

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.per_layer import PerLayer
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), torch.ones(2, 3), layers=(2, 1))
        >>> PerLayer(ratio=0.5)(now)
        tensor([1.0000, 1.0000, 0.5000])
    """

    search_space: ClassVar = {"beta": WEIGHT, "ratio": Range(0.03, 30, log=True)}

    def __init__(self, *, beta: Weight = 1.0, ratio: Weight = 1.0) -> None:
        super().__init__()
        self.beta, self.ratio = beta, ratio

    def forward(self, stats: Stats) -> Tensor:
        """β, shape (Z,)."""
        powers = torch.full_like(stats.rate[0], self.ratio) ** stats.layer_of
        return self.beta * powers
