"""The deterministic autoencoder of pictures: a model without a rate."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from vaebench.distributions import Distribution, Point
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.models.layers import Activation, Initial, Width
from vaebench.models.pixels import Pixels, networks
from vaebench.sparse import Batch


class Autoencoder(VAE):
    """F-hidden-Z-hidden-F: z = f(x), and training minimises the distortion −log p(x|z) alone.

    Hinton & Salakhutdinov 2006 (Science 313, doi:10.1126/science.1127647), trained as a whole.
    There is no rate for β to weigh: it trains with a constant, whatever its value, and −D bounds
    nothing. It shows what a VAE's latents give up for the rate. A study selects its epoch by
    ``elbo.Reconstruction``. Without hidden layers and with a Gaussian likelihood of fixed variance
    and mean ``identity`` it finds the subspace of the leading principal components (Baldi & Hornik
    1989, Neural Networks 2(1)).

    References:
        hinton2006, baldi1989

    Example:
        >>> import torch
        >>> from vaebench.models.autoencoder import Autoencoder
        >>> model = Autoencoder(16, latents=2)
        >>> model.encode(torch.ones(3, 16)).mean.shape
        torch.Size([3, 2])
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"
    has_rate: ClassVar[bool] = False
    has_bound: ClassVar[bool] = False

    def __init__(
        self,
        features: int,
        *,
        hidden: list[Width] = [400],  # noqa: B006 (never written; the config's default)
        latents: Width = 20,
        activation: Activation = "relu",
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.latents, self.initial = latents, initial
        widths = [features, *hidden, latents]
        self.encoder, self.decoder = networks(widths, latents, activation, likelihood)

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> Distribution:  # type: ignore[override]  # noqa: ARG002
        """The code z of pictures x (B, F), as a distribution without spread, (B, Z)."""
        return Point(self.encoder(x))

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z), independent pixels."""
        return self.decoder(z)

    def rate(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """None: zeros, (B, Z)."""
        return torch.zeros_like(z)
