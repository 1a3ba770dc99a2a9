"""Aggressive training of the encoder while it lags behind."""

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from vaebench.metrics.latents import INFORMATION_EXAMPLES, mutual_information
from vaebench.models import VAE
from vaebench.seeds import torch_stream
from vaebench.training.orders import Draw, Update, UpdateOrder


class Lagging(UpdateOrder):
    """Before each decoder update, encoder updates on further batches until the loss stops falling.

    He et al. 2019 (arXiv:1901.05534, algorithm 1): at most ``inner`` (100) encoder updates, ended
    when the mean loss of the last ``window`` (10) is not below that of the ``window`` before. The
    aggressive phase ends for good with the first epoch after which the mutual information I_q has
    not risen; from then on updates are joint.

    I_q is estimated on ``examples`` (2,000) training examples, the same ones with the same ε after
    every epoch, so that it moves with the model alone. He et al. take the validation data; here
    these are left to the choice of the epoch, so that this update order sees training data only.
    The estimate cannot exceed log ``examples`` (7.6 nats): near it no further rise can be seen, and
    the phase ends, the encoder telling these examples apart already.

    The encoder's extra updates do not move the schedules of β. Cost: up to ``inner`` times an
    ordinary update while aggressive.

    References:
        he2019

    Example:
        >>> from vaebench.training.orders.lagging import Lagging
        >>> Lagging(inner=10).passes
        1
    """

    def __init__(
        self,
        *,
        inner: Annotated[int, Field(ge=1)] = 100,
        window: Annotated[int, Field(ge=1)] = 10,
        examples: Annotated[int, Field(ge=2, le=INFORMATION_EXAMPLES)] = INFORMATION_EXAMPLES,
    ) -> None:
        super().__init__()
        self.inner, self.window, self.examples = inner, window, examples
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
        for x in draw():
            self.losses = []
            while len(self.losses) < self.inner and self.falling():
                yield Update(next(further), ("encoder",), counts=False)
            yield Update(x, ("decoder",))
        self.losses = []
        order = torch.randperm(len(draw.examples), generator=torch_stream("lagging", "examples"))
        watched = draw.examples[order[: self.examples]]
        noise = torch_stream("lagging", device=self.information.device)
        found = mutual_information(model.eval(), watched, noise)["mutual_information"]
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
