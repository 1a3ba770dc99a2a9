"""Free bits: no pressure on latents that use few nats."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vaebench.search import Range
from vaebench.strategies import Stats, Strategy, Weight


class FreeBits(Strategy):
    """The gradient of Σ_g max(λ, R̄_g), R̄_g the batch mean of group g: β_j = 1[R̄_g(j) > λ].

    Kingma et al. 2016, arXiv:1606.04934, §C.8, the mean taken over the batch before the maximum.
    ``floor`` is λ in nats per group; a group is ``group`` neighbouring latents, by default each
    latent alone (the last group may be smaller). λ = 0 is the constant β = 1. The rate that is
    logged is the true one, never the clamped one.

    References:
        kingma2016

    Example:
        >>> import torch
        >>> from vaebench.strategies import Stats
        >>> from vaebench.strategies.free_bits import FreeBits
        >>> rate = torch.tensor([[0.1, 0.2, 3.0], [0.1, 0.4, 1.0]])
        >>> now = Stats(torch.tensor(50), 100, torch.zeros(2), rate)
        >>> FreeBits(floor=0.25)(now)
        tensor([0., 1., 1.])
    """

    in_nats = True

    search_space: ClassVar = {"floor": Range(0.005, 5, log=True)}

    def __init__(self, *, floor: Weight = 0.25, group: Annotated[int, Field(ge=1)] = 1) -> None:
        super().__init__()
        self.floor, self.group = floor, group

    def forward(self, stats: Stats) -> Tensor:
        """β, shape (Z,)."""
        latents = stats.rate.shape[1]
        group_of = torch.arange(latents, device=stats.rate.device) // self.group
        rates = torch.zeros_like(stats.rate[0]).index_add_(0, group_of, stats.rate.mean(0))
        return (rates[group_of] > self.floor).to(stats.rate.dtype)
