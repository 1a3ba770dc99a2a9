"""The contract of a training rule: which batches come in an epoch, and which part learns from each.

Most VAEs have one rule: every batch once, all parameters. RecVAE alternates between encoder and
decoder, and lagging inference trains the encoder ahead of the decoder: both are orders of updates,
not other losses. Rules live one per file.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from vaebench.models import VAE
from vaebench.sparse import Batch

PARTS = ("encoder", "decoder")
"""The parts of a model that a rule can train apart."""

Draw = Callable[[], Iterator[Batch]]
"""All examples once in a new random order, batch by batch."""


@dataclass(frozen=True)
class Update:
    """One update to do.

    Attributes:
        x: the batch.
        parts: what learns from it.
        counts: whether schedules move on, t ← t + 1.
    """

    x: Batch
    parts: tuple[str, ...] = PARTS
    counts: bool = True


class Rule(nn.Module, ABC):
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
