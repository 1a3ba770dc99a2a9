"""The contract of a β strategy: a weight on the rate.

Training minimises, in nats, the mean over the examples i of a batch of

    loss_i = w_i (D_i + Σ_j β_ij R_ij)

with distortion D_i = −log p(x_i | z_i) and rate R_ij = KL of latent j of example i, or, where a
model has one, a penalty of its own in the place of the rate. A strategy maps what is known at an
update (:class:`Stats`) to β; the weights w_i of the examples are 1 unless it says otherwise.
Everything else of the project serves to compare such weights fairly. Strategies live one per file;
a new one is a new file and one line of config.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from vaebench.components import Checked
from vaebench.errors import ArgumentError
from vaebench.search import Range

Weight = Annotated[float, Field(ge=0)]
"""A value of β, or a factor of it: finite and ≥ 0."""

Share = Annotated[float, Field(gt=0, le=1)]
"""A share of training or of a cycle, in (0, 1]."""


@dataclass(frozen=True)
class Stats:
    """What a strategy may look at; all tensors are detached and on the device of training.

    Attributes:
        step: 0-dimensional; the number t of updates done before this one, 0 ≤ t < total.
        total: T, the number of updates of the whole training.
        distortion: (B,) D_i in nats per example.
        rate: (B, Z) R_ij in nats per example and latent; never clamped. Where the model has a
            penalty of its own, that penalty, (B, P), in its unit.
        counts: (B,) n_i, the number of interactions of user i; None where data have no counts.
        layers: the latents of each stochastic layer of the model, the one next to x first, together
            Z; None where there is one layer.
        dial: (B,) the β that the model was told; None where it was told none.

    Raises:
        ArgumentError: a value that is no tensor of its shape, T < 1, or layers that are not Z.
    """

    step: Tensor
    total: int
    distortion: Tensor
    rate: Tensor
    counts: Tensor | None = None
    layers: tuple[int, ...] | None = None
    dial: Tensor | None = None

    def __post_init__(self) -> None:
        examples = tuple(getattr(self.distortion, "shape", ()))
        for name, shape in (("step", ()), ("distortion", ("B",)), ("rate", ("B", "Z"))):
            value = getattr(self, name)
            if not isinstance(value, Tensor) or value.dim() != len(shape):
                raise ArgumentError(_refused(name, value, shape))
            if shape and value.shape[:1] != examples:
                raise ArgumentError(_refused(name, value, (*examples, *shape[1:])))
        for name in ("counts", "dial"):
            value = getattr(self, name)
            if value is not None and tuple(getattr(value, "shape", ())) != examples:
                raise ArgumentError(_refused(name, value, examples))
        if self.total < 1:
            raise ArgumentError(f"Stats.total: {self.total} is not allowed; it should be ≥ 1")
        if self.layers is not None and sum(self.layers) != self.rate.shape[1]:
            raise ArgumentError(
                f"Stats.layers: {self.layers} is not allowed; together it should be "
                f"{self.rate.shape[1]} latents"
            )

    @property
    def layer_of(self) -> Tensor:
        """(Z,) int64: the layer of each latent, 0 next to x."""
        latents = torch.arange(self.rate.shape[1], device=self.rate.device)
        found = torch.zeros_like(latents)
        for edge in accumulate((self.layers or ())[:-1]):
            found = found + (latents >= edge)
        return found


def _refused(name: str, value: object, shape: tuple[object, ...]) -> str:
    given = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
    wanted = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
    return f"Stats.{name}: {given} is not allowed; it should be a tensor of shape {wanted}"


@dataclass(frozen=True)
class Target:
    """What a closed loop or a shaped objective drives to a value.

    Attributes:
        of: ``rate``, R̄ = mean_i Σ_j R_ij, or ``distortion``, D̄ = mean_i D_i.
        nats: the value, in nats per example; of a target that grows, its value at the end.
        per_interaction: the distortion is the mean of D_i/n_i, in nats per interaction.
    """

    of: Literal["rate", "distortion"]
    nats: float
    per_interaction: bool = False

    def measure(self, stats: Stats) -> Tensor:
        """What is driven, over the batch: shape (), float64, in the target's unit."""
        if self.of == "rate":
            return stats.rate.sum(1).mean().double()
        distortion = stats.distortion.double()
        if self.per_interaction:
            assert stats.counts is not None  # noqa: S101 (the config refuses data without counts)
            distortion = distortion / stats.counts.clamp_min(1)  # without interactions D_i is 0
        return distortion.mean()


class Strategy(Checked, nn.Module, ABC):
    """A weight on the rate.

    ``forward`` is pure: it reads ``stats`` and the strategy's buffers, writes nothing, and returns
    β, broadcastable to (B, Z). A closed-loop strategy keeps its state in buffers and writes them,
    in place, in ``update`` and ``observe`` alone, so that ``.to(device)``, checkpoints, exact
    resume and recorded updates come for free. Constructor arguments are keyword-only and annotated:
    the options of the config. They are checked whoever calls the constructor, which raises an
    :class:`vaebench.errors.ArgumentError` for a value that its annotation does not allow.
    """

    needs_counts: bool = False
    """True if β depends on n_i; such a strategy is refused on data without counts (images)."""

    signed: ClassVar[bool] = False
    """True if β may be negative, as the derivative of an objective that can ask for more rate."""

    in_nats: ClassVar[bool] = False
    """True if an option is an amount of rate in nats; refused where β weighs something else."""

    search_space: ClassVar[Mapping[str, Range]] = {}
    """The options that a tuning stage may choose, and from where."""

    @abstractmethod
    def forward(self, stats: Stats) -> Tensor:
        """β for this update: shape (), (B, 1), (Z,) or (B, Z)."""

    def dial(self, size: int, noise: torch.Generator) -> Tensor | None:  # noqa: ARG002
        """β to tell the model before an update, (B,), drawn from ``noise``; by default none.

        A strategy with one trains models that are told β (:mod:`vaebench.models.dial`), and no
        others. What it drew comes back in ``stats.dial``.

        Args:
            size: B.
            noise: the stream of training, on its device.
        """
        return None

    def update(self, stats: Stats) -> None:
        """Advance closed-loop state after an update of the encoder; by default nothing.

        It is not called where the decoder learns alone: there β moves nothing, and the input may be
        another one (RecVAE's decoder passes drop nothing), so a loop would integrate what it does
        not steer.
        """

    def observe(self, validation: float) -> None:
        """Advance on the validation metric of an epoch (higher is better); by default nothing."""

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        """The share of training, in [0, 1], until which β moves by schedule; by default 0.

        From the update t ≥ share · ``total`` on, β depends on the statistics and on closed-loop
        state alone, but for 1 % of its range. A closed loop moves on: what counts is the schedule
        of its set-point, and of when it begins. Patience counts from there
        (:mod:`vaebench.training.patience`). A strategy that goes by :meth:`observe` never knows
        and says 1.

        Args:
            total: T, the number of updates of the whole training.
        """
        return 0.0

    def aim(self) -> Target | None:
        """What the strategy drives to a value set beforehand; by default nothing.

        The trace then has what was reached, and the tables print it beside the target.
        """
        return None

    def example_weights(self, stats: Stats) -> Tensor:
        """The weights w_i of the examples in the loss, shape () or (B,); by default 1."""
        return torch.ones((), device=stats.rate.device)
