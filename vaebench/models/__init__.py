"""The contract of a model: encode(x) → q(z|x), decode(z) → p(x|z), and the rate of q to p(z)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from vaebench.components import Checked
from vaebench.distributions import (
    DiagonalGaussian,
    Distribution,
    gaussian,
    rate,
    standard_normal,
)
from vaebench.likelihoods import Likelihood, Multinomial
from vaebench.models.layers import (
    Dropout,
    Initial,
    Items,
    ItemsEncoder,
    Output,
    Width,
    bare,
    initialise,
    perceptron,
)
from vaebench.sparse import Batch, SparseRows

RATE = "rate"
"""What β weighs in a VAE: nats of rate."""

__all__ = [
    "RATE",
    "VAE",
    "Cases",
    "Dropout",
    "Initial",
    "Items",
    "ItemsEncoder",
    "Output",
    "Recommender",
    "Width",
    "bare",
    "perceptron",
]


@dataclass(frozen=True)
class Cases:
    """The examples of a batch, each under every one of C assumptions that are averaged over.

    Attributes:
        x: B·C examples, the C of one beside each other.
        weights: (B, C), of sum 1 in each row: loss and rate are the weighted means over the cases.
        rate: (B, J) further columns of rate, of the assumptions themselves, nats.
        extra: (B,) a term of the loss that no β weighs.
    """

    x: Batch
    weights: Tensor
    rate: Tensor
    extra: Tensor


class VAE(Checked, nn.Module, ABC):
    """A variational autoencoder.

    The constructor takes ``features`` (I items or F pixels) from the data and its options as
    keyword-only, annotated arguments, which are checked: an impossible value is an
    :class:`vaebench.errors.ArgumentError`. Weights are drawn in ``initialise`` alone, so that a
    seed gives the same weights whatever was trained before.
    """

    data_kind: ClassVar[Literal["interactions", "images"]]
    """What ``encode`` takes: sparse interactions or dense pictures."""

    has_rate: ClassVar[bool] = True
    """False for an autoencoder without a rate: β has nothing to weigh."""

    has_bound: ClassVar[bool] = True
    """Whether −(D + R) is a lower bound on log p(x) for one fixed prior."""

    continuous: ClassVar[bool] = True
    """Whether z can be any vector, so that annealed sampling can move it by its gradient."""

    weighs: ClassVar[str] = RATE
    """What β weighs: the rate, or the name of what :meth:`penalty` is instead."""

    update_order: ClassVar[dict[str, Any]] = {"class": "joint.Joint"}
    """The update order that the model was published with."""

    adversarial: ClassVar[bool] = False
    """Whether a part ``critic`` learns against the encoder; see :meth:`contest`."""

    latents: int
    """Z, the number of latents."""

    classes: int | None = None
    """C of a model that looks at the classes of pictures: its batches are
    :class:`vaebench.sparse.Labelled`. None: it never sees any."""

    initial: Initial = "glorot"
    """How weights start; an option of every model of ours."""

    @property
    def layers(self) -> tuple[int, ...]:
        """The latents of each stochastic layer, the one next to x first; together Z."""
        return (self.latents,)

    encoder: nn.Module
    decoder: nn.Module
    critic: nn.Module

    def initialise(self, noise: torch.Generator) -> None:
        """Draw all parameters anew from ``noise``, as ``initial`` says."""
        initialise(self, self.initial, noise)

    @abstractmethod
    def encode(self, x: Batch, noise: torch.Generator | None = None) -> Distribution:
        """q(z|x), (B, Z). In training mode, input noise (dropout) is drawn from ``noise``."""

    @abstractmethod
    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z) for z (B, Z)."""

    def prior(self) -> Distribution:
        """p(z); by default N(0, I)."""
        return standard_normal(self.latents, next(self.parameters()).device)

    def given(self, x: Batch) -> Tensor | None:  # noqa: ARG002
        """The condition c of a conditional model p(x|c), (B, C); by default there is none.

        Such a model has ``prior(given=None)``, p(z|c), and ``decode(z, given=None)``, p(x|z, c):
        all that trains and evaluates hands them what this returns, and the bound is of log p(x|c).
        """
        return None

    def prior_of(self, given: Tensor | None) -> Distribution:
        """p(z), or p(z|c)."""
        return self.prior() if given is None else self.prior(given)  # type: ignore[call-arg]

    def likelihood_of(self, z: Tensor, given: Tensor | None) -> Likelihood:
        """p(x|z), or p(x|z, c)."""
        return self.decode(z) if given is None else self.decode(z, given)  # type: ignore[call-arg]

    def rate(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:
        """KL(q(z|x) ‖ p(z)) per latent, (B, Z), nats: in closed form, or estimated at z ~ q.

        Two Gaussians have a closed form; see :func:`vaebench.distributions.rate`.

        Args:
            x: the batch.
            posterior: q(z|x).
            z: (B, Z) a sample of it.
        """
        return rate(posterior, self.prior_of(self.given(x)), z)

    def penalty(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:
        """What β weighs, (B, P), in a unit of its own; by default the rate.

        A model with another one says its name in ``weighs``. The bound counts the rate all the
        same, and so do all metrics.
        """
        return self.rate(x, posterior, z)

    def extra(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor | None:  # noqa: ARG002
        """A term of the loss that no β weighs, (B,); by default none."""
        return None

    def known(self, y: Tensor) -> Tensor:
        """The classes (N,) of all training pictures as training may know them; −1 where not."""
        return y

    def cases(self, x: Batch) -> Cases | None:  # noqa: ARG002
        """What training averages over, of a model that sums something out; by default nothing."""
        return None

    def classify(self, x: Batch) -> Tensor | None:  # noqa: ARG002
        """q(y|x), (B, C), of a model that tells classes apart; by default none."""
        return None

    def contest(self, x: Batch, noise: torch.Generator) -> Tensor:
        """The loss of the critic, (B,), of an adversarial model.

        The critic makes an update on it before each update of the encoder; in that one it rests.
        """
        raise NotImplementedError

    @classmethod
    def is_penalised(cls) -> bool:
        """Whether there is something that β weighs: a rate or a penalty of the model's own."""
        return cls.has_rate or cls.weighs != RATE

    def narrow(self, *, bfloat16: bool) -> None:
        """Take the products over all items or pixels in bfloat16 while training, or in float32."""
        for module in self.modules():
            if isinstance(module, Output):
                module.narrow = bfloat16

    def remember(self) -> None:
        """Called by an update order between encoder and decoder passes; by default nothing."""


class Recommender(VAE):
    """A VAE of interactions; a new one makes an ``encoder`` and a ``decoder``, and that is all.

    ``encoder(x, noise)`` takes sparse rows (B, I) to μ and log σ², (B, 2Z): an
    :class:`~vaebench.models.layers.ItemsEncoder` or a module of one's own; ``decoder`` takes z
    (B, Z) to the logits of a multinomial, (B, I), an
    :class:`~vaebench.models.layers.Output` at its end. docs/models.md shows one.
    """

    data_kind = "interactions"

    def __init__(self, latents: int, initial: Initial = "glorot") -> None:
        """Z and how weights start; the networks are made by who calls this."""
        super().__init__()
        self.latents, self.initial = latents, initial

    def encode(self, x: SparseRows, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        """q(z|x) of x normalised to length 1, (B, Z)."""
        return gaussian(self.encoder(x, noise))

    def decode(self, z: Tensor) -> Multinomial:
        """p(x|z) = multinomial with logits f(z), (B, I)."""
        return Multinomial(self.decoder(z))
