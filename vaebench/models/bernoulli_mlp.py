"""The fully connected VAE of Auto-Encoding Variational Bayes on binary pictures."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from vaebench.distributions import DiagonalGaussian
from vaebench.likelihoods import Bernoulli
from vaebench.models import VAE, Width, perceptron, xavier_

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}


class BernoulliMLP(VAE):
    """F-hidden-Z-hidden-F with a Bernoulli likelihood (Kingma & Welling 2013, appendix C)."""

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"

    def __init__(
        self,
        features: int,
        *,
        hidden: list[Width] = [500],  # noqa: B006 (never written; the config's default)
        latents: Width = 20,
        activation: Literal["tanh", "relu"] = "tanh",
    ) -> None:
        super().__init__()
        self.latents = latents
        nonlinear = ACTIVATIONS[activation]
        self.encoder = perceptron([features, *hidden, 2 * latents], nonlinear)
        self.decoder = perceptron([latents, *reversed(hidden), features], nonlinear)

    def initialise(self, noise: torch.Generator) -> None:
        """Glorot-uniform weights, truncated-normal biases."""
        xavier_(self, noise)

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]  # noqa: ARG002
        """q(z|x) for pictures x (B, F) with values in {0, 1}."""
        mean, log_variance = self.encoder(x).chunk(2, 1)
        return DiagonalGaussian(mean, log_variance)

    def decode(self, z: Tensor) -> Bernoulli:
        """p(x|z), independent pixels."""
        return Bernoulli(self.decoder(z))
