"""An order of updates: say here which part learns when."""

from collections.abc import Iterator

from vaebench.models import VAE
from vaebench.training.orders import Draw, Update, UpdateOrder


class Mine(UpdateOrder):
    """Each batch teaches the encoder, then the decoder; write your own order here."""

    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        """Two updates a batch, one of which counts."""
        model.train()
        for x in draw():
            yield Update(x, ("encoder",), counts=False)
            yield Update(x, ("decoder",))
