"""A small convolutional VAE of pictures."""

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from vaebench.distributions import DiagonalGaussian, gaussian
from vaebench.errors import ConfigError
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.models.layers import Initial, Width, bare
from vaebench.models.pixels import PixelHead, Pixels


class ImageConv(VAE):
    """Two strided 3×3 convolutions, a linear layer to the latents, and back.

    Sides shrink as n → ⌈n/2⌉ in each layer; the transposed layers give the same sides back.
    ``height`` is needed for pictures that are not square (28 for Frey Face).

    References:
        vaebench

    Example:
        >>> import torch
        >>> from vaebench.models.image_conv import ImageConv
        >>> model = ImageConv(784, latents=2)
        >>> model.encode(torch.ones(3, 784)).mean.shape
        torch.Size([3, 2])
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"

    def __init__(
        self,
        features: int,
        *,
        channels: Width = 16,
        latents: Width = 20,
        height: Width | None = None,
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.latents, self.initial = latents, initial
        self.height = height or square_most(features)
        self.width = max(1, features // self.height)
        self.features = features
        pixels = PixelHead(likelihood)
        sides = [(self.height, self.width)]
        for _ in range(2):
            sides.append(((sides[-1][0] + 1) // 2, (sides[-1][1] + 1) // 2))
        small = (2 * channels, *sides[2])
        flat = math.prod(small)
        stride = {"kernel_size": 3, "stride": 2, "padding": 1}
        self.encoder = nn.Sequential(
            bare(nn.Conv2d, 1, channels, **stride),
            nn.ReLU(),
            bare(nn.Conv2d, channels, 2 * channels, **stride),
            nn.ReLU(),
            nn.Flatten(),
            bare(nn.Linear, flat, 2 * latents),
        )
        self.decoder = nn.Sequential(
            bare(nn.Linear, latents, flat),
            nn.Unflatten(1, small),
            nn.ReLU(),
            bare(
                nn.ConvTranspose2d,
                2 * channels,
                channels,
                output_padding=evenness(sides[1]),
                **stride,
            ),
            nn.ReLU(),
            bare(
                nn.ConvTranspose2d,
                channels,
                pixels.outputs,
                output_padding=evenness(sides[0]),
                **stride,
            ),
            nn.Flatten(),
            pixels,
        )

    def initialise(self, noise: torch.Generator) -> None:
        """As every model's; first, are the pixels a rectangle of that height?

        Raises:
            ConfigError: the pixels are no rectangle of that height.
        """
        if self.height * self.width != self.features:
            raise ConfigError(
                f"model.height: {self.height} is not allowed; it should divide the "
                f"{self.features} pixels of a picture"
            )
        super().initialise(noise)

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]  # noqa: ARG002
        """q(z|x) for pictures x (B, F), rows of pixels."""
        return gaussian(self.encoder(x.view(-1, 1, self.height, self.width)))

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z), independent pixels."""
        return self.decoder(z)


def square_most(features: int) -> int:
    """The height of the rectangle of that many pixels that is nearest to a square."""
    return next(h for h in range(math.isqrt(features), 0, -1) if features % h == 0)


def evenness(sides: tuple[int, int]) -> tuple[int, int]:
    """What a transposed layer has to add for these sides: 1 to even ones."""
    return (1 - sides[0] % 2, 1 - sides[1] % 2)
