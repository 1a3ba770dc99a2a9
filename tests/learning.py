"""The loop, called with its parts one by one."""

from collections.abc import Callable
from typing import Any

import torch

from vaebench.models import VAE
from vaebench.sparse import Batch
from vaebench.strategies import Strategy
from vaebench.training.cuda_graphs import Recorded
from vaebench.training.loop import Budget, Learner, Streams
from vaebench.training.loop import train as loop


def train(
    model: VAE,
    strategy: Strategy,
    optimizer: torch.optim.Optimizer,
    examples: Batch,
    *,
    epochs: int,
    batch_size: int,
    order: torch.Generator,
    noise: torch.Generator,
    after_epoch: Callable[[dict[str, float]], float | None],
    learning_rate_cycles: int | None = None,
    **more: Any,
) -> dict[str, float]:
    """See :func:`vaebench.training.loop.train`; the learner's parts by name."""
    given = {name: more.pop(name, None) for name in ("update_order", "estimator")}
    parts = {name: part for name, part in given.items() if part is not None}
    learner = Learner(model, strategy, optimizer, **parts)
    recorder = more.pop("recorder", None)
    if recorder is not None:
        more["recorded"] = lambda learn: Recorded(learn, learner, noise, recorder)
    budget = Budget(epochs, batch_size, learning_rate_cycles)
    return loop(learner, examples, budget, Streams(order, noise), after_epoch, **more)
