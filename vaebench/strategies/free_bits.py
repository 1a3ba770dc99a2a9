"""Free bits: no pressure on latents that use few nats."""

from torch import Tensor

from vaebench.strategies import Stats, Strategy, Weight


class FreeBits(Strategy):
    """The gradient of Σ_j max(λ, R̄_j) with R̄_j the batch mean of latent j: β_j = 1[R̄_j > λ].

    Kingma et al. 2016, arXiv:1606.04934, §C.8, the mean taken over the batch before the maximum.
    ``floor`` is λ in nats per latent. λ = 0 is the constant β = 1. The rate that is logged is the
    true one, never the clamped one.
    """

    def __init__(self, *, floor: Weight = 0.25) -> None:
        super().__init__()
        self.floor = floor

    def forward(self, stats: Stats) -> Tensor:
        """β, shape (Z,)."""
        return (stats.rate.mean(0) > self.floor).to(stats.rate.dtype)
