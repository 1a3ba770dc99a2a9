"""The contract of an update order: which batches come in an epoch, and what learns from each.

Most VAEs have one order: every batch once, all parameters. RecVAE alternates between encoder and
decoder, and lagging inference trains the encoder ahead of the decoder: both are orders of updates,
not other losses. Update orders live one per file.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from vaebench.components import Checked
from vaebench.models import VAE
from vaebench.sparse import Batch

PARTS = ("encoder", "decoder")
"""The parts of a model that an update order can train apart."""


class Draw(Protocol):
    """The training examples, and their batches."""

    @property
    def examples(self) -> Batch:
        """All of them, on the device of training."""

    def __call__(self) -> Iterator[Batch]:
        """All of them once, in a new random order, batch by batch."""


@dataclass(frozen=True)
class Update:
    """One update to do.

    Attributes:
        x: the batch.
        parts: what learns from it.
        counts: whether schedules move on, t ← t + 1. Closed loops move on wherever the encoder
            learns: their state is driven by what β has done to the rate.
    """

    x: Batch
    parts: tuple[str, ...] = PARTS
    counts: bool = True


class UpdateOrder(Checked, nn.Module, ABC):
    """An order of updates.

    State that outlives an epoch is kept in buffers, for checkpoints. Constructor arguments are
    keyword-only and annotated: they are the options of the config.
    """

    passes: int = 1
    """Passes over the examples per epoch in updates that count: T = epochs · passes · ⌈N/B⌉."""

    @abstractmethod
    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        """The updates of one epoch; puts the model into training mode where input is dropped."""

    def observe(self, loss: Tensor) -> None:
        """Look at the loss of the update just done, shape (), detached; by default nothing."""
