"""Mult-VAE: the multinomial VAE for collaborative filtering."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from vaebench.distributions import DiagonalGaussian
from vaebench.items import Items
from vaebench.likelihoods import Multinomial
from vaebench.models import VAE, Dropout, Output, Width, perceptron, xavier_
from vaebench.sparse import SparseRows


class MultVAE(VAE):
    """I-600-200-600-I with tanh, dropout on the L2-normalised input, multinomial likelihood.

    Liang, Krishnan, Hoffman & Jebara, WWW 2018, arXiv:1802.05814, and the authors' notebook for
    ML-20M.
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "interactions"
    encoder: nn.ModuleDict

    def __init__(
        self,
        features: int,
        *,
        hidden: Width = 600,
        latents: Width = 200,
        dropout: Dropout = 0.5,
    ) -> None:
        super().__init__()
        self.latents = latents
        self.encoder = nn.ModuleDict(
            {
                "input": Items(features, hidden, dropout),
                "hidden": perceptron([hidden, 2 * latents], nn.Tanh),
            }
        )
        self.decoder = nn.Sequential(
            perceptron([latents, hidden], nn.Tanh), nn.Tanh(), Output(hidden, features)
        )

    def initialise(self, noise: torch.Generator) -> None:
        """Glorot-uniform weights, truncated-normal biases."""
        xavier_(self, noise)

    def encode(self, x: SparseRows, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        """q(z|x) of x normalised to length 1, (B, Z)."""
        hidden = torch.tanh(self.encoder["input"](x, noise))
        mean, log_variance = self.encoder["hidden"](hidden).chunk(2, 1)
        return DiagonalGaussian(mean, log_variance)

    def decode(self, z: Tensor) -> Multinomial:
        """p(x|z) = multinomial with logits f(z), (B, I)."""
        return Multinomial(self.decoder(z))
