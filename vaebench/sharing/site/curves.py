"""β(t) of a strategy, drawn from the strategy itself in a small world whose answers are known.

A closed loop moves β by what it measures, so a picture of it needs something to measure. The world
is a Gaussian source: latent j of example i has the signal s_ij, and at a weight β the best code has

    R*_ij(β) = max(0, ½ log(s_ij/β)),    D*_ij(β) = ½ min(s_ij, β)

(reverse water-filling: the minimum of D + βR). A model learns slowly: each update moves R a tenth
of the way to R*(β). Its scale is no data set's; the shape of β(t) is what the picture shows.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaebench.components import create
from vaebench.strategies import Stats, Strategy

UPDATES, EPOCH = 400, 10
LATENTS, COUNTS = 16, (10.0, 30.0, 100.0, 300.0)
MOST_NATS, SPEED = 6.0, 0.1
OFFSET = 95.0
"""What is added to the distortion, nats: what no code of this world takes away."""

PEAK = 0.2
"""The β at which the validation metric of this world is highest."""

OPTIONS: dict[str, dict[str, Any]] = {
    "cap_search.CapSearch": {"updates_per_unit": 500, "patience": 5},
    "linear.Linear": {"cap": 0.2, "warmup": 0.855},
}
"""Options for the picture where the defaults belong to longer trainings."""


@dataclass(frozen=True)
class Curve:
    """β over the share of training: the mean, and the least and largest over examples, latents."""

    times: list[float]
    low: list[float]
    mean: list[float]
    high: list[float]
    options: dict[str, Any]


def curve(path: str) -> Curve:
    """β(t) of the class ``path`` of this package.

    Raises:
        ConfigError: there is no such class.
    """
    options = OPTIONS.get(path, {})
    strategy: Strategy = create("vaebench.strategies", {"class": path, **options})
    signal = _signal()
    rate = _best_rate(signal, torch.ones(()))
    rows = []
    for step in range(UPDATES):
        stats = Stats(
            step=torch.tensor(step),
            total=UPDATES,
            distortion=OFFSET + (0.5 * signal * torch.exp(-2 * rate)).sum(1),
            rate=rate,
            counts=torch.tensor(COUNTS),
        )
        beta = strategy(stats).double()
        rows.append((beta.min().item(), beta.mean().item(), beta.max().item()))
        strategy.update(stats)
        rate = rate + SPEED * (_best_rate(signal, beta) - rate)
        if (step + 1) % EPOCH == 0:
            strategy.observe(-abs(math.log(max(rows[-1][1], 1e-6) / PEAK)))
    low, mean, high = ([row[place] for row in rows] for place in range(3))
    return Curve([step / UPDATES for step in range(UPDATES)], low, mean, high, options)


def _signal() -> Tensor:
    """s_ij: latents an octave apart, examples with more interactions a little stronger."""
    octaves = 2.0 ** torch.arange(-4, LATENTS - 4, dtype=torch.float32)
    return octaves * torch.tensor([[0.5], [0.8], [1.25], [2.0]])


def _best_rate(signal: Tensor, beta: Tensor) -> Tensor:
    """R*(β), at most :data:`MOST_NATS`, which β ≤ 0 asks for."""
    weight = beta.float().clamp_min(1e-12)
    return (0.5 * torch.log(signal / weight)).clamp(0.0, MOST_NATS)
