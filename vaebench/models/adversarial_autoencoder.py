"""The adversarial autoencoder: β weighs how well a critic tells codes from the prior."""

from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from vaebench.distributions import Distribution, Point
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.models.layers import ACTIVATIONS, Activation, Initial, Width, perceptron
from vaebench.models.pixels import Pixels, networks
from vaebench.sparse import Batch


class AdversarialAutoencoder(VAE):
    """F-hidden-Z-hidden-F without noise, and a critic Z-critic-1 that learns against the encoder.

    Makhzani et al. 2015, arXiv:1511.05644, with their deterministic encoder; algorithm 1 of
    Tolstikhin et al. 2018 (arXiv:1711.01558), whose λ is β. The critic's output t(z) is its log
    odds that z was drawn of N(0, I). Before each update of the encoder the critic makes one, on

        softplus(−t(b)) + softplus(t(z)),   b ~ N(0, I), z the codes of the batch;

    its least value is 2 log 2 − 2 JS, JS the Jensen–Shannon divergence of codes and prior in nats,
    at t = log p/q. β weighs softplus(−t(z)) = −log P(z is of the prior), log 2 for a critic that
    knows nothing. There is no rate and no bound: a study selects its epoch by
    ``elbo.Reconstruction``. Critic and networks share the learning rate.

    Example:
        >>> import torch
        >>> from vaebench.models.adversarial_autoencoder import AdversarialAutoencoder
        >>> model = AdversarialAutoencoder(16, latents=2)
        >>> x = torch.ones(3, 16)
        >>> q = model.encode(x)
        >>> model.penalty(x, q, q.mean).shape, model.contest(x, torch.Generator()).shape
        (torch.Size([3, 1]), torch.Size([3]))
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"
    has_rate: ClassVar[bool] = False
    has_bound: ClassVar[bool] = False
    weighs: ClassVar[str] = "critic's verdict"
    adversarial: ClassVar[bool] = True

    def __init__(
        self,
        features: int,
        *,
        hidden: list[Width] = [400],  # noqa: B006 (never written; the config's default)
        latents: Width = 8,
        critic: list[Width] = [100],  # noqa: B006
        activation: Activation = "relu",
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.latents, self.initial = latents, initial
        widths = [features, *hidden, latents]
        self.encoder, self.decoder = networks(widths, latents, activation, likelihood)
        self.critic = perceptron([latents, *critic, 1], ACTIVATIONS[activation])

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> Distribution:  # type: ignore[override]  # noqa: ARG002
        """The code z of pictures x (B, F), as a distribution without spread, (B, Z)."""
        return Point(self.encoder(x))

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z), independent pixels."""
        return self.decoder(z)

    def rate(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """None: zeros, (B, Z)."""
        return torch.zeros_like(z)

    def penalty(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """Softplus(−t(z)), (B, 1): what the encoder lowers by codes that pass for the prior's."""
        return softplus(-self.critic(z))

    def contest(self, x: Tensor, noise: torch.Generator) -> Tensor:  # type: ignore[override]
        """The critic's loss on the codes of a batch and as many draws of the prior, (B,)."""
        with torch.no_grad():
            z = self.encode(x, noise).mean
        drawn = self.prior().sample(noise, len(z))
        return (softplus(-self.critic(drawn)) + softplus(self.critic(z)))[:, 0]
