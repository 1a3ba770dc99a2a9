"""When the training of a cell ends, and why."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from vaebench.training.patience import best, spent

ALL, RUNG, PATIENCE = ENDS = ("all epochs", "rung", "patience")
"""The training is at its end; this job is to go no further; early stopping."""

log = logging.getLogger(__name__)


@dataclass
class Ending:
    """Asked after each epoch, and before the first: a training that ended stays ended.

    Attributes:
        trace: the rows of the epochs so far; it grows.
        metric: the column that selects.
        epochs: of the whole training.
        until: the last epoch of a rung.
        patience: see :func:`vaebench.training.patience.spent`.
        still: the first epoch at whose end nothing moves by schedule any more.
        why: a word of :data:`ENDS`, once training has ended.
    """

    trace: Sequence[dict[str, float]]
    metric: str
    epochs: int
    until: int | None
    patience: int | None
    still: int
    why: str | None = None

    def __call__(self, epoch: int) -> bool:
        """Whether ``epoch`` is the last one; patience comes before the end of a rung."""
        values = [row[self.metric] for row in self.trace]
        if epoch == self.epochs:
            self.why = ALL
        elif spent(values, self.patience, self.still):
            self.why = PATIENCE
            log.info(
                "ends by patience: no better %s in the %d epochs since %d; schedules moved until "
                "the end of %d",
                *(self.metric, self.patience, max(best(values), self.still), self.still),
            )
        elif epoch == self.until:
            self.why = RUNG
        return self.why is not None
