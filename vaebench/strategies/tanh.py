"""Hyperbolic tangent warm-up."""

from typing import ClassVar

from vaebench.strategies.sigmoid import Sigmoid


class Tanh(Sigmoid):
    """β(t) = cap·(1 + tanh((t − t0)/τ))/2, with t0 = midpoint·T and τ = width·T.

    Since (1 + tanh x)/2 = σ(2x) it is the sigmoid (Bowman et al. 2016, arXiv:1511.06349) of half
    the width, under the name and with the numbers of public code for it: ``threshold: 3500,
    slope: 0.001`` in updates (https://github.com/kefirski/pytorch_RVAE).

    Raises:
        ArgumentError: one of threshold and slope without the other, or beside midpoint or width.

    References:
        bowman2016

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.tanh import Tanh
        >>> now = Stats(torch.tensor(3500), 10_000, torch.zeros(2), torch.ones(2, 3))
        >>> Tanh(cap=1.0, threshold=3500, slope=0.001)(now)
        tensor(0.5000, dtype=torch.float64)
    """

    sharpness: ClassVar[float] = 2.0
