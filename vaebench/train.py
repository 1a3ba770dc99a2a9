"""The algorithm: stochastic gradient variational Bayes with a weight on the rate.

Kingma & Welling 2013 (arXiv:1312.6114), algorithm 1 with estimator B and one sample, where the
rate of each example and latent is weighed by a strategy.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vaebench.errors import Diverged
from vaebench.models import VAE
from vaebench.sparse import Batch, counts
from vaebench.strategies import Stats, Strategy

BETA_QUANTILES = {"min": 0.0, "q05": 0.05, "q50": 0.5, "q95": 0.95, "max": 1.0}
"""Quantiles of β logged per epoch, over the epoch's updates, examples and latents."""

BETA_VALUES_PER_UPDATE = 512
"""At most so many of an update's β values, evenly spaced, enter the quantiles (the mean: all)."""


@dataclass
class Epoch:
    """What happened in one epoch, summed on the device and read once at its end."""

    number: int
    updates: int = 0
    examples: int = 0
    sums: Tensor | float = 0.0
    betas: list[Tensor] = field(default_factory=list)
    first: Tensor | None = None
    started: float = field(default_factory=time.perf_counter)

    def add(self, distortion: Tensor, rate: Tensor, beta: Tensor) -> None:
        """Count one update: distortion (B,), rate (B, Z), β broadcastable to (B, Z)."""
        size = len(distortion)
        batch = torch.stack([distortion.sum(), rate.sum(), beta.mean() * size]).double()
        if self.first is None:
            self.first = batch / size
        self.sums = self.sums + batch
        values = beta.flatten()
        self.betas.append(values[:: math.ceil(len(values) / BETA_VALUES_PER_UPDATE)].float())
        self.updates += 1
        self.examples += size

    def record(self, updates_before: int) -> dict[str, float]:
        """The epoch as one row of the trace; nats per example.

        Raises:
            Diverged: distortion or rate is not finite.
        """
        assert isinstance(self.sums, Tensor)  # noqa: S101 (there is no epoch without an update)
        distortion, rate, beta = (self.sums / self.examples).tolist()
        updates = updates_before + self.updates
        if not math.isfinite(distortion + rate):
            raise Diverged(
                f"training diverged in epoch {self.number} (updates {updates_before + 1} to "
                f"{updates}): distortion {distortion}, rate {rate}; allowed: finite numbers"
            )
        values = torch.cat(self.betas).cpu()
        levels = torch.tensor(list(BETA_QUANTILES.values()))
        # sorted values at the nearest rank: torch.quantile refuses more than 2^24 values
        ranks = torch.round(levels * (len(values) - 1)).long()
        quantiles = values.sort().values[ranks].tolist()
        return {
            "epoch": self.number,
            "updates": updates,
            "distortion": distortion,
            "rate": rate,
            "elbo": -(distortion + rate),
            "beta": beta,
            **{f"beta_{name}": q for name, q in zip(BETA_QUANTILES, quantiles, strict=True)},
            "seconds": time.perf_counter() - self.started,
        }


def batches(examples: Batch, size: int, order: torch.Generator) -> Iterator[Batch]:
    """All examples once, in random order, ``size`` at a time; the last batch may be smaller."""
    permutation = torch.randperm(len(examples), generator=order)
    device = examples.device if isinstance(examples, Tensor) else examples.offsets.device
    for chosen in permutation.to(device).split(size):
        yield examples[chosen]


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
    after_epoch: Callable[[dict[str, float]], None],
) -> dict[str, float]:
    """Train in place; ``after_epoch`` gets each epoch's row of the trace.

    Args:
        model: the VAE; its device is the device of training.
        strategy: β, on the same device.
        optimizer: over the model's parameters.
        examples: the training examples, on the device.
        epochs: passes over ``examples``.
        batch_size: B; T = epochs · ⌈examples / B⌉ updates in all.
        order: CPU stream of the batch order.
        noise: stream of dropout and of ε, on the device.
        after_epoch: validation, logging, checkpoints.

    Returns:
        Distortion and rate of the very first batch before any update, nats per example: the same
        for all strategies of a seed.

    Raises:
        Diverged: an epoch's distortion or rate is not finite.
    """
    total = epochs * math.ceil(len(examples) / batch_size)
    step = torch.zeros((), dtype=torch.int64, device=next(model.parameters()).device)
    updates = 0
    start: dict[str, float] = {}
    for number in range(1, epochs + 1):
        model.train()
        epoch = Epoch(number)
        for x in batches(examples, batch_size, order):
            posterior = model.encode(x, noise)
            z = posterior.rsample(noise)
            distortion = -model.decode(z).log_prob(x)
            rate = posterior.rate(model.prior())
            stats = Stats(step, total, distortion.detach(), rate.detach(), counts(x))
            beta = strategy(stats)
            loss = (distortion + (beta * rate).sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            strategy.update(stats)
            epoch.add(stats.distortion, stats.rate, beta.detach())
            step += 1
        if epoch.first is not None and not start:
            start = dict(zip(("distortion", "rate"), epoch.first.tolist()[:2], strict=True))
        row = epoch.record(updates)
        updates += epoch.updates
        after_epoch(row)
    return start
