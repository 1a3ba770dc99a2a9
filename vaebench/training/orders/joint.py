"""Encoder and decoder together."""

from collections.abc import Iterator

from vaebench.models import VAE
from vaebench.training.orders import Draw, Update, UpdateOrder


class Joint(UpdateOrder):
    """Every batch once, all parameters: Kingma & Welling 2013 (arXiv:1312.6114), algorithm 1.

    References:
        kingma2013

    Example:
        >>> from vaebench.models.mult_vae import MultVAE
        >>> from vaebench.training.orders.joint import Joint
        >>> model = MultVAE(10, hidden=4, latents=2)
        >>> updates = Joint().epoch(model, lambda: iter(["batch"]))
        >>> [(update.parts, update.counts) for update in updates]
        [(('encoder', 'decoder'), True)]
    """

    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        """One pass."""
        model.train()
        for x in draw():
            yield Update(x)
