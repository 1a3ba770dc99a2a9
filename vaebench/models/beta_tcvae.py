"""β-TCVAE: the rate in three parts, of which β weighs the total correlation."""

import math
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from vaebench.distributions import DiagonalGaussian, Distribution, gaussian
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.models.layers import Activation, Initial, Width
from vaebench.models.pixels import Pixels, networks
from vaebench.sparse import Batch

Factor = Annotated[float, Field(ge=0)]
"""A weight that stays the same through training."""


class Parts(NamedTuple):
    """The rate at the samples z_i of a batch, in three parts, (B,) each, nats.

    Attributes:
        information: log q(z_i|x_i) − log q(z_i), the index-code mutual information.
        correlation: log q(z_i) − Σ_j log q(z_ij), the total correlation.
        dimensions: Σ_j log q(z_ij) − log p(z_ij), the dimension-wise KL.
    """

    information: Tensor
    correlation: Tensor
    dimensions: Tensor


def parts(posterior: Distribution, prior: Distribution, z: Tensor) -> Parts:
    """The three parts, with q(z) and q(z_j) the mixtures of the posteriors of the batch.

    Chen, Li, Grosse & Duvenaud 2018, arXiv:1802.04942, §3.1 and appendix C.1. Their
    minibatch-weighted estimator divides the sums over a batch of B by N·B, N the training examples;
    here they are divided by B. The two differ by constants: (1, Z − 1, −Z) · log N on the parts, so
    the sum and all gradients are the same, and with the whole data set in one batch q(z) is exact.

    Args:
        posterior: q(z|x) of the batch.
        prior: p(z).
        z: (B, Z) one sample of each posterior.
    """
    densities = posterior.log_prob(z[:, None])  # (B, B, Z): z_i under the posterior of x_k
    count = math.log(len(z))
    joint = torch.logsumexp(densities.sum(2), 1) - count
    single = (torch.logsumexp(densities, 1) - count).sum(1)
    own = posterior.log_prob(z).sum(1)
    return Parts(own - joint, joint - single, single - prior.log_prob(z).sum(1))


class BetaTCVAE(VAE):
    """F-hidden-Z-hidden-F; β weighs the total correlation of the latents, and nothing else.

    Chen, Li, Grosse & Duvenaud 2018, arXiv:1802.04942, eq. 4: the loss is

        D + α·MI + β·TC + γ·Σ_j KL(q(z_j) ‖ p(z_j)),

    α is ``information`` and γ is ``dimensions``; see :func:`parts`. With all three weights 1 it is
    a VAE whose rate is estimated at the sample of z. The ELBO counts the whole rate, as of every
    model. The mixture q(z) is that of the batch: the larger the batch, the less a total correlation
    is underestimated. Memory grows as B²·Z.

    References:
        chen2018

    Example:
        >>> import torch
        >>> from vaebench.models.beta_tcvae import BetaTCVAE
        >>> model = BetaTCVAE(16, latents=2)
        >>> x = torch.ones(3, 16)
        >>> q = model.encode(x)
        >>> model.penalty(x, q, q.mean).shape
        torch.Size([3, 1])
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"
    weighs: ClassVar[str] = "total correlation"

    def __init__(
        self,
        features: int,
        *,
        hidden: list[Width] = [400],  # noqa: B006 (never written; the config's default)
        latents: Width = 10,
        information: Factor = 1.0,
        dimensions: Factor = 1.0,
        activation: Activation = "relu",
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.latents, self.initial = latents, initial
        self.information, self.dimensions = information, dimensions
        widths = [features, *hidden, latents]
        self.encoder, self.decoder = networks(widths, 2 * latents, activation, likelihood)

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]  # noqa: ARG002
        """q(z|x) for pictures x (B, F)."""
        return gaussian(self.encoder(x))

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z), independent pixels."""
        return self.decoder(z)

    def penalty(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """The total correlation at z, (B, 1), nats; its mean over a batch is what counts."""
        return parts(posterior, self.prior(), z).correlation[:, None]

    def extra(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """α·MI + γ·Σ_j KL(q(z_j) ‖ p(z_j)) at z, (B,)."""
        found = parts(posterior, self.prior(), z)
        return self.information * found.information + self.dimensions * found.dimensions
