"""The conditional VAE of pictures: a model of x given its class."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from vaebench.distributions import DiagonalGaussian, gaussian
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.models.layers import Activation, Initial, Width, one_hot
from vaebench.models.pixels import Pixels, networks
from vaebench.sparse import Labelled


class ConditionalMLP(VAE):
    """(F + C)-hidden-Z and (Z + C)-hidden-F: encoder and decoder see the class, p(z) does not.

    Sohn, Lee & Yan 2015 (NIPS 28, "Learning structured output representation using deep conditional
    generative models") with the class in the place of their input, and p(z) = N(0, I), as Kingma,
    Mohamed, Rezende & Welling 2014 (arXiv:1406.5298) generate pictures of a class. The ELBO bounds
    log p(x|y). ``classes`` is C; the labels of the data are 0 … C − 1.

    Example:
        >>> import torch
        >>> from vaebench.models.conditional_mlp import ConditionalMLP
        >>> from vaebench.sparse import Labelled
        >>> model = ConditionalMLP(16, latents=2, classes=3)
        >>> x = Labelled(torch.ones(3, 16), torch.tensor([0, 2, 2]))
        >>> model.encode(x).mean.shape, model.given(x).tolist()[1]
        (torch.Size([3, 2]), [0.0, 0.0, 1.0])
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"
    classes: int

    def __init__(
        self,
        features: int,
        *,
        classes: Width = 10,
        hidden: list[Width] = [400],  # noqa: B006 (never written; the config's default)
        latents: Width = 20,
        activation: Activation = "relu",
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.classes, self.latents, self.initial = classes, latents, initial
        widths = [features, *hidden, latents]
        self.encoder, self.decoder = networks(widths, 2 * latents, activation, likelihood, classes)

    def given(self, x: Labelled) -> Tensor:  # type: ignore[override]
        """The classes, one-hot, (B, C)."""
        return one_hot(x.y, self.classes)

    def encode(self, x: Labelled, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]  # noqa: ARG002
        """q(z|x, y) for pictures (B, F) and their classes."""
        return gaussian(self.encoder(torch.cat([x.x, self.given(x)], 1)))

    def prior(self, given: Tensor | None = None) -> DiagonalGaussian:
        """N(0, I) for each row of ``given``, whatever the class, (B, Z)."""
        assert given is not None  # noqa: S101 (the classes of a batch)
        zero = given.new_zeros(len(given), self.latents)
        return DiagonalGaussian(zero, zero)

    def decode(self, z: Tensor, given: Tensor | None = None) -> Likelihood:
        """p(x|z, y), independent pixels; ``given`` are the classes, one-hot."""
        assert given is not None  # noqa: S101 (the classes of a batch)
        return self.decoder(torch.cat([z, given], 1))
