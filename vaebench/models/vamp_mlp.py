"""The VAE of pictures whose prior is made of posteriors: the VampPrior."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from vaebench.distributions import DiagonalGaussian, Distribution, gaussian
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.models.layers import Activation, Initial, Width
from vaebench.models.pixels import Pixels, networks


@dataclass(frozen=True)
class Mixture:
    """A mixture of K diagonal Gaussians over Z latents, all equally likely.

    Attributes:
        parts: their means and log variances, (K, Z).
    """

    parts: DiagonalGaussian

    @property
    def mean(self) -> Tensor:
        """E[z], (Z,)."""
        return self.parts.mean.mean(0)

    def sample(self, noise: torch.Generator, *shape: int) -> Tensor:
        """Independent draws, (shape…, Z), without a gradient."""
        means = self.parts.mean.detach()
        chosen = torch.randint(len(means), shape, generator=noise, device=means.device)
        part = DiagonalGaussian(means[chosen], self.parts.log_variance.detach()[chosen])
        return part.sample(noise)

    def rsample(self, noise: torch.Generator) -> Tensor:
        """One draw, (Z,); without a gradient to the choice of the part."""
        return self.sample(noise)

    def log_prob(self, z: Tensor) -> Tensor:
        """Log p(z_j|z_1 … z_{j−1}), (…, Z), whose sum over latents is log p(z)."""
        upto = self.parts.log_prob(z.unsqueeze(-2)).cumsum(-1)  # (…, K, Z)
        whole = torch.logsumexp(upto, -2) - math.log(len(self.parts.mean))
        return torch.diff(whole, dim=-1, prepend=torch.zeros_like(whole[..., :1]))


class Generator(nn.Module):
    """What draws pictures: pseudo-inputs, whose posteriors are the prior, and the decoder."""

    def __init__(self, features: int, components: int, network: nn.Module) -> None:
        super().__init__()
        self.inputs = nn.Parameter(torch.empty(components, features))
        self.network = network

    def forward(self, z: Tensor) -> Likelihood:
        """p(x|z)."""
        return self.network(z)


class VampMLP(VAE):
    """F-hidden-Z-hidden-F with the prior p(z) = (1/K) Σ_k q(z|u_k).

    The variational mixture of posteriors of Tomczak & Welling 2018, arXiv:1705.07120, §3: the K
    pseudo-inputs u_k are learned, as pixels in [0, 1] (a sigmoid here, a clamped line there).
    ``components`` is K. They learn with the decoder; what they are encoded by learns with the
    encoder. Such a prior can go where the codes are, so it says what of the rate is due to N(0, I).
    With K = 1 the prior is one Gaussian and the rate is closed; with more the rate of latent j is
    log q(z_j|x) − log p(z_j|z_1 … z_{j−1}) at the sample of z, so strategies that look at latents
    apart depend on their order.

    Example:
        >>> import torch
        >>> from vaebench.models.vamp_mlp import VampMLP
        >>> model = VampMLP(16, latents=2, components=5)
        >>> model.prior().sample(torch.Generator(), 7).shape
        torch.Size([7, 2])
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"
    decoder: Generator

    def __init__(
        self,
        features: int,
        *,
        hidden: list[Width] = [400],  # noqa: B006 (never written; the config's default)
        latents: Width = 20,
        components: Width = 100,
        activation: Activation = "relu",
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.latents, self.initial = latents, initial
        widths = [features, *hidden, latents]
        self.encoder, network = networks(widths, 2 * latents, activation, likelihood)
        self.decoder = Generator(features, components, network)

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]  # noqa: ARG002
        """q(z|x) for pictures x (B, F)."""
        return gaussian(self.encoder(x))

    def prior(self) -> Distribution:
        """The posteriors of the pseudo-inputs, mixed; of one, a Gaussian over (Z,)."""
        parts = gaussian(self.encoder(torch.sigmoid(self.decoder.inputs)))
        if len(parts.mean) == 1:
            return DiagonalGaussian(parts.mean[0], parts.log_variance[0])
        return Mixture(parts)

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z), independent pixels."""
        return self.decoder(z)
