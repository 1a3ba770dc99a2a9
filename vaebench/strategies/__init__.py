"""The contract of a β strategy: a weight on the rate.

Training minimises, in nats, the mean over the examples i of a batch of

    loss_i = w_i (D_i + Σ_j β_ij R_ij)

with distortion D_i = −log p(x_i | z_i) and rate R_ij = KL of latent j of example i. A strategy maps
what is known at an update (:class:`Stats`) to β; the weights w_i of the examples are 1 unless it
says otherwise. Everything else of the project serves to compare such weights fairly. Strategies
live one per file; a new one is a new file and one line of config.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

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
        rate: (B, Z) R_ij in nats per example and latent; never clamped.
        counts: (B,) n_i = |x_i|, the interactions of user i; None where data have no counts.
    """

    step: Tensor
    total: int
    distortion: Tensor
    rate: Tensor
    counts: Tensor | None = None


class Strategy(nn.Module, ABC):
    """A weight on the rate.

    ``forward`` is pure: it reads ``stats`` and the strategy's buffers, writes nothing, and returns
    β, broadcastable to (B, Z). A closed-loop strategy keeps its state in buffers and writes them,
    in place, in ``update`` and ``observe`` alone, so that ``.to(device)``, checkpoints, exact
    resume and recorded updates come for free. Constructor arguments are keyword-only and annotated:
    the options of the config.
    """

    needs_counts: bool = False
    """True if β depends on n_i; such a strategy is refused on data without counts (images)."""

    search_space: ClassVar[Mapping[str, Range]] = {}
    """The options that a tuning stage may choose, and from where."""

    @abstractmethod
    def forward(self, stats: Stats) -> Tensor:
        """β for this update: shape (), (B, 1), (Z,) or (B, Z)."""

    def update(self, stats: Stats) -> None:
        """Advance closed-loop state after an update of the model; by default nothing."""

    def observe(self, validation: float) -> None:
        """Advance on the validation metric of an epoch (higher is better); by default nothing."""

    def example_weights(self, stats: Stats) -> Tensor:
        """The weights w_i of the examples in the loss, shape () or (B,); by default 1."""
        return torch.ones((), device=stats.rate.device)
