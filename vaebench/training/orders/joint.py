"""Encoder and decoder together."""

from collections.abc import Iterator

from vaebench.models import VAE
from vaebench.training.orders import Draw, Update, UpdateOrder


class Joint(UpdateOrder):
    """Every batch once, all parameters: Kingma & Welling 2013 (arXiv:1312.6114), algorithm 1."""

    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        """One pass."""
        model.train()
        for x in draw():
            yield Update(x)
