"""Early stopping: a training ends when further epochs have brought nothing for a while."""

import math
from collections.abc import Sequence


def still_from(share: float, epochs: int) -> int:
    """The first epoch at whose end nothing moves by schedule any more, 0 … ``epochs``.

    Args:
        share: of training, in [0, 1], until which β or the learning rate moves.
        epochs: of the whole training.
    """
    return min(epochs, math.ceil(share * epochs - 1e-9))  # .07 · 100 is a little more than 7


def spent(validation: Sequence[float], patience: int | None, still: int) -> bool:
    """Whether training ends after these epochs: e − max(best epoch, ``still``) ≥ ``patience``.

    While a schedule moves, an epoch that is no better says nothing about those to come: annealing
    often passes a valley. So patience counts epochs without a better one (Prechelt 1998, Early
    Stopping – But When?) from the end of all schedules. It reads past values alone, so that
    a training that goes on from a checkpoint ends at the same epoch.

    Args:
        validation: the metric that selects, higher is better, of the epochs 1 … e.
        patience: epochs without a better one; None: training never ends early.
        still: see :func:`still_from`.
    """
    if patience is None or not validation:
        return False
    return len(validation) - max(best(validation), still) >= patience


def best(validation: Sequence[float]) -> int:
    """The epoch of the highest value, the first of ties, 1 … e."""
    return max(range(len(validation)), key=validation.__getitem__) + 1
