"""The fully connected VAE of pictures told β: one training for all β."""

from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from vaebench.distributions import DiagonalGaussian
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.models.dial import Chain, Dial, Dialled, Heads
from vaebench.models.layers import ACTIVATIONS, Activation, Initial, Width, bare
from vaebench.models.pixels import PixelHead, Pixels


class GatedImageMLP(Dialled, VAE):
    """F-hidden-Z-hidden-F with gates of log β on its hidden layers, on z, μ and log σ².

    After Bae et al. 2023, arXiv:2212.03905; see :class:`vaebench.models.dial.Gate`. Train it by
    ``log_uniform.LogUniform``, which draws β; all gates are 1 at the start, where it is
    ``image_mlp.ImageMLP``. Validation and test are at β = ``at``. A Gaussian likelihood of fixed
    variance compares β; one that is learned is shared by all of them.

    Example:
        >>> import torch
        >>> from vaebench.models.gated_image_mlp import GatedImageMLP
        >>> model = GatedImageMLP(16, latents=2, at=0.5)
        >>> model.encode(torch.ones(3, 16)).mean.shape
        torch.Size([3, 2])
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"
    encoder: nn.ModuleDict

    def __init__(
        self,
        features: int,
        *,
        hidden: list[Width] = [400],  # noqa: B006 (never written; the config's default)
        latents: Width = 20,
        activation: Activation = "relu",
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        at: Dial = 1.0,
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.latents, self.initial, self.at = latents, initial, at
        self.keep_range()
        head, nonlinear = PixelHead(likelihood), ACTIVATIONS[activation]
        first = _layers([features, *hidden, 2 * latents], nonlinear)
        self.encoder = nn.ModuleDict({"hidden": Chain(first, hidden), "heads": Heads(latents)})
        back = [*reversed(hidden)]
        *inner, last = _layers([latents, *back, head.outputs * features], nonlinear)
        layers = [nn.Identity(), *inner, nn.Sequential(last, head)]
        self.decoder = Chain(layers, [latents, *back])

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]  # noqa: ARG002
        """q(z|x, β) for pictures x (B, F)."""
        given = self.given(x)
        posterior: DiagonalGaussian = self.encoder["heads"](self.encoder["hidden"](x, given), given)
        return posterior

    def decode(self, z: Tensor, given: Tensor | None = None) -> Likelihood:
        """p(x|z, β), independent pixels."""
        found: Likelihood = self.decoder(z, self.standing(given, z))
        return found


def _layers(widths: list[int], nonlinear: type[nn.Module]) -> list[nn.Module]:
    """Linear layers, each but the last with its activation."""
    *inner, last = (bare(nn.Linear, *sizes) for sizes in pairwise(widths))
    return [*(nn.Sequential(layer, nonlinear()) for layer in inner), last]
