"""A linear VAE whose likelihood is known in closed form: probabilistic PCA with unit noise."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.stats
import torch
from torch import Tensor

from vaebench.distributions import DiagonalGaussian
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.seeds import torch_stream


@dataclass(frozen=True)
class UnitGaussian(Likelihood):
    """N(logits, I)."""

    def log_prob(self, x: Any) -> Tensor:
        """Σ log N(x; logits, 1), (B,)."""
        return -0.5 * ((x - self.logits) ** 2 + math.log(2 * math.pi)).sum(1)


class LinearGaussian(VAE):
    """x = W z + b + ε: probabilistic PCA with unit noise; log p(x) = log N(b, W Wᵀ + I)."""

    data_kind = "images"

    def __init__(self, features: int, latents: int = 2) -> None:
        super().__init__()
        self.latents = latents
        self.decoder = torch.nn.Linear(latents, features)
        self.encoder = torch.nn.Linear(features, latents)
        self.log_variance = torch.nn.Parameter(torch.zeros(latents))

    def initialise(self, noise: torch.Generator) -> None:
        """Small normal weights."""
        for parameter in self.parameters():
            torch.nn.init.normal_(parameter, std=0.1, generator=noise)

    def encode(self, x: Any, noise: torch.Generator | None = None) -> DiagonalGaussian:  # noqa: ARG002
        """q(z|x) with a linear mean and a shared variance."""
        mean = self.encoder(x)
        return DiagonalGaussian(mean, self.log_variance.expand_as(mean))

    def decode(self, z: Tensor) -> UnitGaussian:
        """N(W z + b, I)."""
        return UnitGaussian(self.decoder(z))

    def exact(self, x: Tensor) -> np.ndarray:
        """Log p(x) in closed form, (B,)."""
        weights = self.decoder.weight.detach().double().numpy()
        covariance = weights @ weights.T + np.eye(len(weights))
        mean = self.decoder.bias.detach().double().numpy()
        return scipy.stats.multivariate_normal(mean, covariance).logpdf(x.numpy())


class ShiftedPrior(LinearGaussian):
    """The same with p(z) = N(m, S), m = (1, −2), S = diag(4, ¼)."""

    centre, spread = (1.0, -2.0), (4.0, 0.25)

    def prior(self) -> DiagonalGaussian:
        """N(m, S)."""
        return DiagonalGaussian(torch.tensor(self.centre), torch.log(torch.tensor(self.spread)))

    def exact(self, x: Tensor) -> np.ndarray:
        """Log N(x; W m + b, W S Wᵀ + I), (B,)."""
        weights = self.decoder.weight.detach().double().numpy()
        covariance = weights @ np.diag(self.spread) @ weights.T + np.eye(len(weights))
        mean = weights @ np.array(self.centre) + self.decoder.bias.detach().double().numpy()
        return scipy.stats.multivariate_normal(mean, covariance).logpdf(x.numpy())


def observations() -> Tensor:
    """(1000, 6) pictures from two strong latents and unit noise, float32."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(2, 6)) * np.array([[3.0], [1.5]])
    x = random.normal(size=(1_000, 2)) @ mixing + random.normal(size=(1_000, 6))
    return torch.from_numpy(x).float()


def linear_model() -> LinearGaussian:
    """A model for :func:`observations` with weights of its own stream."""
    model = LinearGaussian(6)
    model.initialise(torch_stream("linear"))
    return model


def with_true_posterior(model: LinearGaussian, widening: float = 1.0) -> LinearGaussian:
    """The encoder set to the exact posterior N(M⁻¹Wᵀ(x − b), M⁻¹), M = I + WᵀW, if W ⊥ its columns.

    ``widening`` multiplies the posterior's standard deviations.
    """
    with torch.no_grad():
        weights = torch.linalg.qr(model.decoder.weight).Q * torch.tensor([2.0, 0.7])
        model.decoder.weight.copy_(weights)
        precision = 1 + (weights**2).sum(0)
        model.encoder.weight.copy_(weights.T / precision[:, None])
        model.encoder.bias.copy_(-(model.encoder.weight @ model.decoder.bias))
        model.log_variance.copy_(-torch.log(precision) + 2 * np.log(widening))
    return model
