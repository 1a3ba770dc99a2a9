"""Aggressive training of the encoder while it lags behind."""

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from vaebench.metrics.latents import mutual_information
from vaebench.models import VAE
from vaebench.seeds import torch_stream
from vaebench.training.orders import Draw, Rule, Update


class Lagging(Rule):
    """Before each decoder update, encoder updates on further batches until the loss stops falling.

    He et al. 2019 (arXiv:1901.05534, algorithm 1): at most ``inner`` (100) encoder updates, ended
    when the mean loss of the last ``window`` (10) is not below that of the ``window`` before. The
    aggressive phase ends for good with the first epoch after which the mutual information I_q has
    not risen; from then on updates are joint. He et al. take I_q of the validation data; here it is
    that of the epoch's first batch, so that the rule sees training data only.

    The encoder's extra updates do not move the schedules of β. Cost: up to ``inner`` times an
    ordinary update while aggressive.
    """

    def __init__(
        self,
        *,
        inner: Annotated[int, Field(ge=1)] = 100,
        window: Annotated[int, Field(ge=1)] = 10,
    ) -> None:
        super().__init__()
        self.inner, self.window = inner, window
        self.losses: list[Tensor] = []
        self.aggressive: Tensor
        self.information: Tensor
        self.register_buffer("aggressive", torch.ones((), dtype=torch.bool))
        self.register_buffer("information", torch.tensor(-torch.inf, dtype=torch.float64))

    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        """One pass of decoder updates, each after its encoder updates; joint once calm."""
        model.train()
        if not self.aggressive:
            for x in draw():
                yield Update(x)
            return
        further = chain.from_iterable(draw() for _ in repeat(None))
        first = None
        for x in draw():
            first = x if first is None else first
            self.losses = []
            while len(self.losses) < self.inner and self.falling():
                yield Update(next(further), ("encoder",), counts=False)
            yield Update(x, ("decoder",))
        assert first is not None  # noqa: S101 (there is no epoch without a batch)
        model.eval()
        noise = torch_stream("lagging", device=self.information.device)
        found = mutual_information(model, first, noise)["mutual_information"]
        self.aggressive.fill_(found > self.information.item())
        self.information.fill_(found)

    def falling(self) -> bool:
        """Whether the latest window's mean loss is below the one's before; true at the start."""
        done = len(self.losses)
        if done < 2 * self.window or done % self.window:
            return True
        before, latest = torch.stack(self.losses[-2 * self.window :]).split(self.window)
        return bool(latest.mean() < before.mean())

    def observe(self, loss: Tensor) -> None:
        """Keep the loss."""
        if self.aggressive:
            self.losses.append(loss)
