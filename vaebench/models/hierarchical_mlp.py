"""The hierarchical VAE of pictures: layers of latents over each other."""

from functools import partial
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from vaebench.distributions import Chain, DiagonalGaussian, Distribution, gaussian
from vaebench.errors import ArgumentError
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.models.layers import ACTIVATIONS, Activation, Initial, Width, perceptron
from vaebench.models.pixels import Pixels, networks

Each = Annotated[list[Width], Field(min_length=1)]
"""A number for each stochastic layer, the one next to the picture first."""


class HierarchicalMLP(VAE):
    """z_L → … → z_1 → x; the encoder goes the other way, q(z_1|x) q(z_2|z_1) … q(z_L|z_{L−1}).

    Burda, Grosse & Salakhutdinov 2016 (arXiv:1509.00519, §5, with two layers of 100 and 50), the
    model for which a warm-up of β was proposed (Sønderby et al. 2016, arXiv:1602.02282, §2.2).
    ``latents`` are the widths of z_1, …, z_L, and ``hidden`` the hidden layers between each and the
    one below. With one layer it is :class:`~vaebench.models.image_mlp.ImageMLP`.

    The rate of layer l < L is log q(z_l|z_{l−1}) − log p(z_l|z_{l+1}) at the sample of z. It may be
    negative, also in expectation; the sum over layers in expectation is not. That of the top layer
    is closed given the sample below. Strategies see the widths in ``Stats.layers``.

    Raises:
        ArgumentError: not as many ``hidden`` as ``latents``.

    Example:
        >>> import torch
        >>> from vaebench.models.hierarchical_mlp import HierarchicalMLP
        >>> model = HierarchicalMLP(16, latents=[3, 2], hidden=[[8], [4]])
        >>> model.layers, model.prior().sample(torch.Generator(), 7).shape
        ((3, 2), torch.Size([7, 5]))
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"
    encoder: nn.ModuleList
    decoder: nn.ModuleList

    def __init__(
        self,
        features: int,
        *,
        latents: Each = [20, 10],  # noqa: B006 (never written; the config's default)
        hidden: list[list[Width]] = [[400], [100]],  # noqa: B006
        activation: Activation = "relu",
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        if len(hidden) != len(latents):
            raise ArgumentError(
                f"HierarchicalMLP: hidden: {hidden} is not allowed; it should have "
                f"{len(latents)} lists, one for each of latents"
            )
        self.widths, self.latents, self.initial = tuple(latents), sum(latents), initial
        nonlinear = ACTIVATIONS[activation]
        widths = [features, *hidden[0], latents[0]]
        lowest = networks(widths, 2 * latents[0], activation, likelihood)
        between = list(zip(pairwise(latents), hidden[1:], strict=True))
        up = [perceptron([low, *h, 2 * high], nonlinear) for (low, high), h in between]
        down = [perceptron([high, *h[::-1], 2 * low], nonlinear) for (low, high), h in between]
        self.encoder = nn.ModuleList([lowest[0], *up])
        self.decoder = nn.ModuleList([lowest[1], *down])

    @property
    def layers(self) -> tuple[int, ...]:
        """The widths of z_1, …, z_L."""
        return self.widths

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> Distribution:  # type: ignore[override]  # noqa: ARG002
        """q(z_1, …, z_L|x) for pictures x (B, F), over (B, Z)."""
        first = gaussian(self.encoder[0](x))
        steps = tuple(partial(_given, layer) for layer in list(self.encoder)[1:])
        return Chain(first, steps, self.widths) if steps else first

    def prior(self) -> Distribution:
        """p(z_L) = N(0, I), then down to z_1."""
        zero = next(self.parameters()).new_zeros(self.widths[-1])
        first = DiagonalGaussian(zero, zero)
        steps = tuple(partial(_given, layer) for layer in list(self.decoder)[:0:-1])
        return Chain(first, steps, self.widths, down=True) if steps else first

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z_1), independent pixels."""
        return self.decoder[0](z[:, : self.widths[0]])


def _given(layer: nn.Module, z: Tensor) -> DiagonalGaussian:
    """The next layer of latents, given one."""
    return gaussian(layer(z))
