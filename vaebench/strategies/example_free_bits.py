"""Free bits of each example: no pressure on a latent where an example uses few nats."""

from typing import ClassVar

from torch import Tensor

from vaebench.search import Range
from vaebench.strategies import Stats, Strategy, Weight


class ExampleFreeBits(Strategy):
    """The gradient of mean_i Σ_j max(λ, R_ij): β_ij = 1[R_ij > λ].

    Li, He, Neubig, Berg-Kirkpatrick & Yang 2019, arXiv:1909.00868, §3: the maximum is taken of each
    latent of each example. Free bits (:mod:`vaebench.strategies.free_bits`) take it of the batch
    mean of a latent, the example floor (:mod:`vaebench.strategies.example_floor`) of an example's
    sum over latents. ``floor`` is λ in nats per example and latent, where the authors write that of
    all latents together; λ = 0 is the constant β = 1.

    References:
        li2019

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.example_free_bits import ExampleFreeBits
        >>> rate = torch.tensor([[0.1, 0.2, 3.0], [0.1, 0.4, 1.0]])
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), rate)
        >>> ExampleFreeBits(floor=0.25)(now)
        tensor([[0., 0., 1.],
                [0., 1., 1.]])
    """

    in_nats = True

    search_space: ClassVar = {"floor": Range(0.005, 5, log=True)}

    def __init__(self, *, floor: Weight = 0.25) -> None:
        super().__init__()
        self.floor = floor

    def forward(self, stats: Stats) -> Tensor:
        """β, shape (B, Z)."""
        return (stats.rate > self.floor).to(stats.rate.dtype)
