"""Encoder and decoder in turn."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from vaebench.models import VAE
from vaebench.training.orders import Draw, Update, UpdateOrder

Passes = Annotated[int, Field(ge=1)]


class Alternating(UpdateOrder):
    """An epoch is some passes for the encoder, then some for the decoder on undisturbed input.

    RecVAE (Shenbin et al. 2020, arXiv:1912.11160, §3.4 and algorithm 1): 3 encoder passes with
    dropout, the encoder is copied into the prior (:meth:`VAE.remember`), 1 decoder pass without
    dropout. Its two Adam optimisers are one here: a parameter that does not learn has no gradient
    and Adam leaves it and its moments alone.

    References:
        shenbin2020

    Example:
        >>> from vaebench.models.mult_vae import MultVAE
        >>> from vaebench.training.orders.alternating import Alternating
        >>> model = MultVAE(10, hidden=4, latents=2)
        >>> updates = Alternating(encoder_passes=2).epoch(model, lambda: iter(["batch"]))
        >>> [(update.parts, update.counts) for update in updates]
        [(('encoder',), True), (('encoder',), True), (('decoder',), True)]
    """

    def __init__(self, *, encoder_passes: Passes = 3, decoder_passes: Passes = 1) -> None:
        super().__init__()
        self.encoder_passes, self.decoder_passes = encoder_passes, decoder_passes
        self.passes = encoder_passes + decoder_passes

    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        """Encoder passes, the copy, decoder passes."""
        model.train()
        for _ in range(self.encoder_passes):
            for x in draw():
                yield Update(x, ("encoder",))
        model.remember()
        model.eval()
        for _ in range(self.decoder_passes):
            for x in draw():
                yield Update(x, ("decoder",))
