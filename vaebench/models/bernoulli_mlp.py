"""The fully connected VAE of Auto-Encoding Variational Bayes on binary pictures."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from vaebench.distributions import DiagonalGaussian, gaussian
from vaebench.likelihoods import Bernoulli
from vaebench.models import VAE
from vaebench.models.layers import ACTIVATIONS, Activation, Initial, Width, perceptron


class BernoulliMLP(VAE):
    """F-hidden-Z-hidden-F with a Bernoulli likelihood (Kingma & Welling 2013, appendix C).

    References:
        kingma2013

    Example:
        >>> import torch
        >>> from vaebench.models.bernoulli_mlp import BernoulliMLP
        >>> model = BernoulliMLP(16, latents=2)
        >>> model.encode(torch.ones(3, 16)).mean.shape
        torch.Size([3, 2])
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"

    def __init__(
        self,
        features: int,
        *,
        hidden: list[Width] = [500],  # noqa: B006 (never written; the config's default)
        latents: Width = 20,
        activation: Activation = "tanh",
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.latents, self.initial = latents, initial
        nonlinear = ACTIVATIONS[activation]
        self.encoder = perceptron([features, *hidden, 2 * latents], nonlinear)
        self.decoder = perceptron([latents, *reversed(hidden), features], nonlinear)

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]  # noqa: ARG002
        """q(z|x) for pictures x (B, F) with values in {0, 1}."""
        return gaussian(self.encoder(x))

    def decode(self, z: Tensor) -> Bernoulli:
        """p(x|z), independent pixels."""
        return Bernoulli(self.decoder(z))
