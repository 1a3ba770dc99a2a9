"""Distributions over latents: q(z|x) and p(z)."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Distribution(Protocol):
    """What training and evaluation need of q(z|x) and p(z); any class with these will do.

    Parameters broadcast: ``log_prob`` of z (R, 1, Z) under B posteriors is (R, B, Z).
    """

    @property
    def mean(self) -> Tensor:
        """E[z], (B, Z), or (Z,) of a prior."""

    def sample(self, noise: torch.Generator, *shape: int) -> Tensor:
        """Independent draws of shape (shape…, B, Z), without a gradient; (shape…, Z) of a prior."""

    def rsample(self, noise: torch.Generator) -> Tensor:
        """One draw, with a gradient to the parameters, (B, Z)."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density per latent, nats, (B, Z); where latents depend on each other, conditional."""


def rate(posterior: Distribution, prior: Distribution, z: Tensor) -> Tensor:
    """KL(posterior ‖ prior) per latent, (B, Z): closed for two Gaussians, else the ratio at z."""
    if isinstance(posterior, DiagonalGaussian) and isinstance(prior, DiagonalGaussian):
        return posterior.rate(prior)
    return posterior.log_prob(z) - prior.log_prob(z)


@dataclass(frozen=True)
class DiagonalGaussian:
    """N(mean, diag(exp(log_variance))), both (B, Z) or broadcastable to it.

    All densities are per latent, (B, Z), in nats, so that strategies can weigh latents apart.
    """

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: torch.Generator, *shape: int) -> Tensor:
        """Independent draws of shape (shape…, Z), without a gradient."""
        with torch.no_grad():
            epsilon = self.mean.new_empty((*shape, *self.mean.shape)).normal_(generator=noise)
            return self.mean + torch.exp(0.5 * self.log_variance) * epsilon

    def rsample(self, noise: torch.Generator) -> Tensor:
        """A reparameterised sample z = μ + σ·ε, ε ~ N(0, 1): (B, Z)."""
        epsilon = torch.empty_like(self.mean).normal_(generator=noise)
        return self.mean + torch.exp(0.5 * self.log_variance) * epsilon

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density log N(z; μ, σ²) per latent, (B, Z)."""
        squared = (z - self.mean) ** 2 * torch.exp(-self.log_variance)
        return -0.5 * (squared + self.log_variance + math.log(2 * math.pi))

    def rate(self, prior: "DiagonalGaussian") -> Tensor:
        """KL(self ‖ prior) per latent in closed form, (B, Z).

        ½(σ²/s² + (μ − m)²/s² − 1 − log σ²/s²); for the standard prior the formula of Kingma &
        Welling 2013, appendix B.
        """
        log_ratio = self.log_variance - prior.log_variance
        shift = (self.mean - prior.mean) ** 2 * torch.exp(-prior.log_variance)
        return 0.5 * (torch.exp(log_ratio) + shift - 1 - log_ratio)


class Point(DiagonalGaussian):
    """All mass at one point (B, Z): its own sample, with no density and no rate."""

    def __init__(self, location: Tensor) -> None:
        super().__init__(location, torch.full_like(location, -torch.inf))

    def rsample(self, noise: torch.Generator) -> Tensor:  # noqa: ARG002
        """The point; nothing is drawn."""
        return self.mean


def gaussian(heads: Tensor) -> DiagonalGaussian:
    """N(μ, σ²) from the outputs of an encoder (B, 2Z): μ first, then log σ²."""
    mean, log_variance = heads.chunk(2, 1)
    return DiagonalGaussian(mean, log_variance)


def standard_normal(latents: int, device: torch.device) -> DiagonalGaussian:
    """The prior N(0, I) over ``latents`` latents, shapes (Z,)."""
    zero = torch.zeros(latents, device=device)
    return DiagonalGaussian(zero, zero)
