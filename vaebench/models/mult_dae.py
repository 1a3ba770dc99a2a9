"""Mult-DAE: the multinomial denoising autoencoder, a model without a rate."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from vaebench.distributions import DiagonalGaussian, Point
from vaebench.items import Items
from vaebench.likelihoods import Multinomial
from vaebench.models import VAE, Dropout, Output, Width, xavier_
from vaebench.sparse import Batch, SparseRows


class MultDAE(VAE):
    """I-200-I: z = tanh(W x + b) of the dropped-out, normalised input, and no prior.

    Liang et al. 2018, arXiv:1802.05814, §2.3, and the authors' notebook, whose L2 penalty λ Σ w²
    with λ = .01/500 is a ``weight_decay`` of 2λ = 4e-5 here (torch's is the gradient's factor).
    There is no rate for β to weigh: it trains with a constant, whatever its value.
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "interactions"
    has_rate: ClassVar[bool] = False
    has_bound: ClassVar[bool] = False

    def __init__(self, features: int, *, latents: Width = 200, dropout: Dropout = 0.5) -> None:
        super().__init__()
        self.latents = latents
        self.encoder = Items(features, latents, dropout)
        self.decoder = Output(latents, features)

    def initialise(self, noise: torch.Generator) -> None:
        """Glorot-uniform weights, truncated-normal biases."""
        xavier_(self, noise)

    def encode(self, x: SparseRows, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        """The code z as a distribution without spread, (B, Z)."""
        return Point(torch.tanh(self.encoder(x, noise)))

    def decode(self, z: Tensor) -> Multinomial:
        """p(x|z) = multinomial with logits W z + b, (B, I)."""
        return Multinomial(self.decoder(z))

    def rate(self, x: Batch, posterior: DiagonalGaussian, z: Tensor) -> Tensor:  # noqa: ARG002
        """None: zeros, (B, Z)."""
        return torch.zeros_like(z)
