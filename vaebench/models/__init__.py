"""The contract of a model: encode(x) → q(z|x), decode(z) → p(x|z), and the rate of q to p(z)."""

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

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

    has_rate: ClassVar[bool] = True
    """False for an autoencoder without a rate: β has nothing to weigh."""

    has_bound: ClassVar[bool] = True
    """Whether −(D + R) is a lower bound on log p(x) for one fixed prior."""

    rule: ClassVar[dict[str, Any]] = {"class": "joint.Joint"}
    """The update order that the model was published with."""

    latents: int
    """Z, the number of latents."""

    encoder: nn.Module
    decoder: nn.Module

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

    def rate(self, x: Batch, posterior: DiagonalGaussian, z: Tensor) -> Tensor:  # noqa: ARG002
        """KL(q(z|x) ‖ p(z)) per latent, (B, Z), nats: in closed form, or estimated at z ~ q.

        Args:
            x: the batch.
            posterior: q(z|x).
            z: (B, Z) a sample of it.
        """
        return posterior.rate(self.prior())

    def narrow(self, *, bfloat16: bool) -> None:
        """Take the products over all items or pixels in bfloat16 while training, or in float32."""
        for module in self.modules():
            if isinstance(module, Output):
                module.narrow = bfloat16

    def remember(self) -> None:
        """Called by an update order between encoder and decoder passes; by default nothing."""


class Output(nn.Module):
    """Logits h W + b of all items, (B, H) → (B, I): the largest product of training.

    W is (H, I), so that its gradient comes out of the product in the parameter's own layout and
    need not be copied. ``narrow`` takes the product in bfloat16 where gradients are taken: half the
    memory traffic; sums over items stay float32 (see the likelihood).
    """

    def __init__(self, hidden: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(hidden, features))
        self.bias = nn.Parameter(torch.empty(features))
        self.narrow = False

    def forward(self, h: Tensor) -> Tensor:
        """H W + b."""
        if self.narrow and torch.is_grad_enabled():
            bias, left, right = (t.to(torch.bfloat16) for t in (self.bias, h, self.weight))
            return torch.addmm(bias, left, right)
        return torch.addmm(self.bias, h, self.weight)


def xavier_(module: nn.Module, noise: torch.Generator) -> None:
    """Glorot-uniform weights and truncated-normal(.001) biases, as Mult-VAE's published code."""
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter, generator=noise)
        else:
            nn.init.trunc_normal_(parameter, std=0.001, a=-0.002, b=0.002, generator=noise)


def bare(layer: type[nn.Module], *sizes: int, **options: Any) -> Any:  # noqa: ANN401
    """A layer of torch whose weights wait for ``initialise``; no random number is drawn for them.

    As ``torch.nn.utils.skip_init``, which loads a computer algebra system to do so.
    """
    silent = type(layer.__name__, (layer,), {"reset_parameters": lambda _: None})
    return silent(*sizes, **options)


def perceptron(widths: list[int], activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers of the given widths with ``activation`` between them, none after the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [bare(nn.Linear, inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])
