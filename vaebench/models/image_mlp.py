"""The fully connected VAE of pictures, of any widths and likelihood."""

from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from vaebench.distributions import DiagonalGaussian, gaussian
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.models.layers import ACTIVATIONS, Activation, Initial, Width, bare
from vaebench.models.pixels import PixelHead, Pixels


class ImageMLP(VAE):
    """F-hidden-Z-hidden-F (Kingma & Welling 2013, arXiv:1312.6114, appendix C).

    Their networks: 500 hidden units (MNIST) or 200 (Frey Face) and tanh. 784-400-40 and 784-400-20
    with ReLU are common in public code. ``batch_norm`` normalises before each activation.

    References:
        kingma2013

    Example:
        >>> import torch
        >>> from vaebench.models.image_mlp import ImageMLP
        >>> model = ImageMLP(16, latents=2)
        >>> model.encode(torch.ones(3, 16)).mean.shape
        torch.Size([3, 2])
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"

    def __init__(
        self,
        features: int,
        *,
        hidden: list[Width] = [400],  # noqa: B006 (never written; the config's default)
        latents: Width = 20,
        activation: Activation = "relu",
        batch_norm: bool = False,
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.latents, self.initial = latents, initial
        pixels = PixelHead(likelihood)
        outputs = pixels.outputs * features
        nonlinear = ACTIVATIONS[activation]
        self.encoder = layers([features, *hidden, 2 * latents], nonlinear, batch_norm=batch_norm)
        self.decoder = layers(
            [latents, *reversed(hidden), outputs], nonlinear, batch_norm=batch_norm
        ).append(pixels)

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]  # noqa: ARG002
        """q(z|x) for pictures x (B, F)."""
        return gaussian(self.encoder(x))

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z), independent pixels."""
        return self.decoder(z)


def layers(widths: list[int], nonlinear: type[nn.Module], *, batch_norm: bool) -> nn.Sequential:
    """Linear layers with (normalisation and) an activation between them, none after the last."""
    found: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        found.append(bare(nn.Linear, inputs, outputs))
        found += [BatchNorm(outputs), nonlinear()] if batch_norm else [nonlinear()]
    return nn.Sequential(*found[: -2 if batch_norm else -1])


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation that takes a batch of one picture, by the running statistics.

    The last batch of an epoch may be that small, and one picture has no variance.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, H) → (B, H)."""
        if self.training and len(x) == 1:
            return nn.functional.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(x)
