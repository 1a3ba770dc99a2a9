"""The contract of a model: encode(x) → q(z|x), decode(z) → p(x|z), prior() → p(z)."""

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from vaebench.distributions import DiagonalGaussian, standard_normal
from vaebench.likelihoods import Likelihood
from vaebench.sparse import Batch

Width = Annotated[int, Field(ge=1)]
"""A number of units."""

Dropout = Annotated[float, Field(ge=0, lt=1)]
"""The share of inputs that is dropped while training, in [0, 1)."""


class VAE(nn.Module, ABC):
    """A variational autoencoder.

    The constructor takes ``features`` (I items or F pixels) from the data and its options as
    keyword-only, annotated arguments. Weights are drawn in ``initialise`` alone, so that a seed
    gives the same weights whatever was trained before.
    """

    data_kind: ClassVar[Literal["interactions", "images"]]
    """What ``encode`` takes: sparse interactions or dense pictures."""

    latents: int
    """Z, the number of latents."""

    @abstractmethod
    def initialise(self, noise: torch.Generator) -> None:
        """Draw all parameters anew from ``noise``."""

    @abstractmethod
    def encode(self, x: Batch, noise: torch.Generator | None = None) -> DiagonalGaussian:
        """q(z|x), (B, Z). In training mode, input noise (dropout) is drawn from ``noise``."""

    @abstractmethod
    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z) for z (B, Z)."""

    def prior(self) -> DiagonalGaussian:
        """p(z); by default N(0, I)."""
        return standard_normal(self.latents, next(self.parameters()).device)


def xavier_(module: nn.Module, noise: torch.Generator) -> None:
    """Glorot-uniform weights and truncated-normal(.001) biases, as Mult-VAE's published code."""
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter, generator=noise)
        else:
            nn.init.trunc_normal_(parameter, std=0.001, a=-0.002, b=0.002, generator=noise)


def perceptron(widths: list[int], activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers of the given widths with ``activation`` between them, none after the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.utils.skip_init(nn.Linear, inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])
