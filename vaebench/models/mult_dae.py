"""Mult-DAE: the multinomial denoising autoencoder, a model without a rate."""

from typing import ClassVar

import torch
from torch import Tensor

from vaebench.distributions import DiagonalGaussian, Distribution, Point
from vaebench.models import Recommender
from vaebench.models.layers import Dropout, Initial, Items, Output, Width
from vaebench.sparse import Batch, SparseRows


class MultDAE(Recommender):
    """I-200-I: z = tanh(W x + b) of the dropped-out, normalised input, and no prior.

    Liang et al. 2018, arXiv:1802.05814, §2.3, and the authors' notebook, whose L2 penalty λ Σ w²
    with λ = .01/500 is a ``weight_decay`` of 2λ = 4e-5 here (torch's is the gradient's factor).
    There is no rate for β to weigh: it trains with a constant, whatever its value.

    References:
        liang2018

    Example:
        >>> import torch
        >>> from vaebench.models.mult_dae import MultDAE
        >>> model = MultDAE(10, latents=2).eval()
        >>> model.decode(torch.zeros(3, 2)).logits.shape
        torch.Size([3, 10])
    """

    has_rate: ClassVar[bool] = False
    has_bound: ClassVar[bool] = False

    def __init__(
        self,
        features: int,
        *,
        latents: Width = 200,
        dropout: Dropout = 0.5,
        initial: Initial = "glorot",
    ) -> None:
        super().__init__(latents, initial)
        self.encoder = Items(features, latents, dropout)
        self.decoder = Output(latents, features)

    def encode(self, x: SparseRows, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        """The code z as a distribution without spread, (B, Z)."""
        return Point(torch.tanh(self.encoder(x, noise)))

    def rate(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """None: zeros, (B, Z)."""
        return torch.zeros_like(z)
