"""Mult-VAE: the multinomial VAE for collaborative filtering."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from vaebench.distributions import DiagonalGaussian
from vaebench.likelihoods import Multinomial
from vaebench.models import VAE, Dropout, Width, perceptron, xavier_
from vaebench.sparse import SparseRows


class MultVAE(VAE):
    """I-600-200-600-I with tanh, dropout on the L2-normalised input, multinomial likelihood.

    Liang, Krishnan, Hoffman & Jebara, WWW 2018, arXiv:1802.05814, and the authors' notebook for
    ML-20M. The first layer is a weighted sum of the rows of W that belong to a user's items: on
    sparse input that is the same product without its zeros, and dropping stored entries is the
    published inverted dropout, since a zero stays zero.
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "interactions"

    def __init__(
        self,
        features: int,
        *,
        hidden: Width = 600,
        latents: Width = 200,
        dropout: Dropout = 0.5,
    ) -> None:
        super().__init__()
        self.latents, self.dropout = latents, dropout
        self.item_weights = nn.Parameter(torch.empty(features, hidden))
        self.hidden_bias = nn.Parameter(torch.empty(hidden))
        self.posterior = perceptron([hidden, 2 * latents], nn.Tanh)
        self.decoder = perceptron([latents, hidden, features], nn.Tanh)

    def initialise(self, noise: torch.Generator) -> None:
        """Glorot-uniform weights, truncated-normal biases."""
        xavier_(self, noise)

    def encode(self, x: SparseRows, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        """q(z|x) of x normalised to length 1, (B, Z)."""
        norms = torch.sqrt(x.row_sums(x.values**2)).clamp_min(1e-12)
        weights = x.values / norms[x.rows]
        if self.training and self.dropout > 0:
            uniform = torch.empty_like(weights).uniform_(generator=noise)
            weights = weights * (uniform >= self.dropout) / (1 - self.dropout)
        bag = embedding_bag(
            x.indices, self.item_weights, x.offsets[:-1], mode="sum", per_sample_weights=weights
        )
        mean, log_variance = self.posterior(torch.tanh(bag + self.hidden_bias)).chunk(2, 1)
        return DiagonalGaussian(mean, log_variance)

    def decode(self, z: Tensor) -> Multinomial:
        """p(x|z) = multinomial with logits f(z), (B, I)."""
        return Multinomial(self.decoder(z))
