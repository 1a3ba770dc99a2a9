"""Distributions over latents: q(z|x) and p(z)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
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
    """KL(posterior ‖ prior) per latent, (B, Z): closed for two Gaussians, else the ratio at z.

    Of two chains the top layer is closed, given the sample of the layer below.
    """
    if isinstance(posterior, DiagonalGaussian) and isinstance(prior, DiagonalGaussian):
        return posterior.rate(prior)
    if isinstance(posterior, Chain) and isinstance(prior, Chain):
        return posterior.rate(prior, z)
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


Step = Callable[[Tensor], DiagonalGaussian]
"""The next layer of a chain, given the one before."""


@dataclass(frozen=True)
class Chain:
    """Layers of latents, each a Gaussian given its neighbour: z = (z_1, …, z_L), z_1 next to x.

    A posterior goes up, q(z_1|x) q(z_2|z_1) …, a prior down, p(z_L) p(z_{L−1}|z_L) …

    Attributes:
        first: of the layer that depends on no other.
        steps: of the other layers, in the order in which they are drawn.
        widths: latents of each layer, z_1 first.
        down: whether ``first`` is z_L.
    """

    first: DiagonalGaussian
    steps: tuple[Step, ...]
    widths: tuple[int, ...]
    down: bool = False

    @property
    def mean(self) -> Tensor:
        """The mean of the first layer, and of each other one given the mean before it."""
        return self._drawn(self.first.mean, lambda layer: layer.mean)

    def sample(self, noise: torch.Generator, *shape: int) -> Tensor:
        """Independent draws of shape (shape…, Z), without a gradient."""
        with torch.no_grad():
            return self._drawn(self.first.sample(noise, *shape), lambda layer: layer.sample(noise))

    def rsample(self, noise: torch.Generator) -> Tensor:
        """One draw, with a gradient to the parameters, (B, Z)."""
        return self._drawn(self.first.rsample(noise), lambda layer: layer.rsample(noise))

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density per latent, each layer given its neighbour, (B, Z)."""
        parts = self._parts(z)
        found = [self.first.log_prob(parts[0])]
        layers = zip(self.steps, pairwise(parts), strict=True)
        found += [step(before).log_prob(own) for step, (before, own) in layers]
        return self._joined(found)

    def rate(self, prior: "Chain", z: Tensor) -> Tensor:
        """Log q(z_l|z_{l−1}) − log p(z_l|z_{l+1}) at z; of the top layer KL(q(z_L|z_{L−1}) ‖ p)."""
        top = self.widths[-1]
        below = (self.log_prob(z) - prior.log_prob(z))[..., :-top]
        closed = self.steps[-1](self._parts(z)[-2]).rate(prior.first)
        return torch.cat([below, closed], -1)

    def _drawn(self, start: Tensor, draw: Callable[[DiagonalGaussian], Tensor]) -> Tensor:
        parts = [start]
        for step in self.steps:
            parts.append(draw(step(parts[-1])))
        return self._joined(parts)

    def _parts(self, z: Tensor) -> tuple[Tensor, ...]:
        """The layers in the order in which they are drawn."""
        parts = z.split(self.widths, -1)
        return parts[::-1] if self.down else parts

    def _joined(self, parts: list[Tensor]) -> Tensor:
        """Layers in that order, side by side, z_1 first."""
        shape = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))
        whole = [part.expand(*shape, part.shape[-1]) for part in parts]
        return torch.cat(whole[::-1] if self.down else whole, -1)


def gaussian(heads: Tensor) -> DiagonalGaussian:
    """N(μ, σ²) from the outputs of an encoder (B, 2Z): μ first, then log σ²."""
    mean, log_variance = heads.chunk(2, -1)
    return DiagonalGaussian(mean, log_variance)


def standard_normal(latents: int, device: torch.device) -> DiagonalGaussian:
    """The prior N(0, I) over ``latents`` latents, shapes (Z,)."""
    zero = torch.zeros(latents, device=device)
    return DiagonalGaussian(zero, zero)
