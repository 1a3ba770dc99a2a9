"""The metrics of a study by name, and what they say of one part of the data."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaebench.components import create
from vaebench.errors import Diverged
from vaebench.metrics import (
    Bound,
    Catalogue,
    Likelihood,
    Lists,
    Metric,
    Ranking,
    Representation,
    Values,
    joined,
    lists,
)
from vaebench.models import VAE
from vaebench.sparse import SparseRows
from vaebench.training.data import HeldOut

HOME = "vaebench.metrics"

CHUNK = 500
"""Users that are ranked at a time."""

DEPTH = 100
"""Lists are made so long, or longer where a metric asks for it: which of equal scores comes first
may depend on the length, and a further metric must not change the others."""

Scores = Callable[[SparseRows], Tensor]
"""Scores (B, I) of all items for users whose fold-in items are given (B, I)."""


def created(components: Mapping[str, Mapping[str, Any]]) -> dict[str, Metric]:
    """Name → metric, of name → ``{class: …, **options}``.

    Raises:
        ConfigError: an unknown class or an impossible option.
    """
    return {name: create(HOME, dict(component)) for name, component in components.items()}


@dataclass(frozen=True)
class Found:
    """What was measured: name → one value an example, (U,) float64; name → one value a cell."""

    examples: dict[str, np.ndarray]
    cells: dict[str, float]


def finite(found: Found, metrics: Mapping[str, Metric], where: str) -> Found:
    """``found``, if it is made of finite numbers; NaN of a ranking is a user without a target.

    A mean over the other examples would be one of survivors.

    Args:
        found: values by name, also of what is no metric.
        metrics: by name.
        where: the part of the data, for the message.

    Raises:
        Diverged: a value is not finite.
    """
    said = []
    for name, values in found.examples.items():
        broken = ~np.isfinite(values)
        if isinstance(metrics.get(name), Ranking):
            broken &= ~np.isnan(values)
        if broken.any():
            count = f"{broken.sum()} of {len(values)} examples"
            said.append(f"{name} is {values[broken][0]} for {count}")
    said += [f"{name} is {v}" for name, v in found.cells.items() if not math.isfinite(v)]
    if said:
        raise Diverged(f"{where} is not finite: {', '.join(said)}; allowed: finite numbers")
    return found


def ranked(
    metrics: Mapping[str, Metric],
    scores: Scores,
    part: HeldOut,
    popularity: Callable[[], Tensor] | None = None,
) -> Found:
    """The metrics of ranking; others are passed over.

    Args:
        metrics: by name.
        scores: of the model or baseline; may be overwritten.
        part: users with fold-in and held-out items.
        popularity: gives the number of training interactions of each item; needed by a metric of
            the catalogue alone.

    Raises:
        Diverged: a score is NaN, which has no rank.
    """
    if part.fold_in is None or part.held_out is None:
        return Found({}, {})
    of_users = {name: m for name, m in metrics.items() if isinstance(m, Ranking)}
    of_cells = {name: m for name, m in metrics.items() if isinstance(m, Catalogue)}
    depths = {max(DEPTH, m.k) for m in metrics.values() if isinstance(m, Ranking | Catalogue)}
    columns: dict[str, list[Tensor]] = {name: [] for name in of_users}
    shown: dict[str, list[Lists]] = {name: [] for name in of_cells}
    for users in torch.arange(len(part.fold_in)).split(CHUNK) if depths else ():
        seen, hidden = part.fold_in[users], part.held_out[users]
        found = scores(seen)
        if torch.isnan(found).any():
            raise Diverged("a score of an item is nan, which has no rank; allowed: numbers")
        best = {depth: lists(found, seen, hidden, depth) for depth in depths}
        for name, metric in of_users.items():
            columns[name].append(metric.values(best[max(DEPTH, metric.k)]))
        for name, each in of_cells.items():
            shown[name].append(best[max(DEPTH, each.k)])
    counts = popularity() if popularity and of_cells else None
    return Found(
        {name: torch.cat(parts).cpu().numpy() for name, parts in columns.items()},
        {}
        if counts is None
        else {name: of_cells[name].value(joined(parts), counts) for name, parts in shown.items()},
    )


def bounded(metrics: Mapping[str, Metric], bound: Values) -> dict[str, np.ndarray]:
    """The metrics of the bound that the model has; others are passed over."""
    found = {}
    for name, metric in metrics.items():
        values = metric.values(bound) if isinstance(metric, Bound) else None
        if values is not None:
            found[name] = values.cpu().numpy()
    return found


def likely(
    metrics: Mapping[str, Metric], model: VAE, part: HeldOut, noise: Callable[[], torch.Generator]
) -> dict[str, np.ndarray]:
    """The metrics that look at the model itself, each with numbers from a stream of its own."""
    if not model.has_bound:
        return {}
    found = {
        name: metric.values(model, part.examples, noise())
        for name, metric in metrics.items()
        if isinstance(metric, Likelihood)
    }
    return {name: values.cpu().numpy() for name, values in found.items() if values is not None}


@torch.no_grad()
def represented(
    metrics: Mapping[str, Metric], model: VAE, part: HeldOut, noise: Callable[[], torch.Generator]
) -> dict[str, float]:
    """What the posterior means say of known factors; nothing where none are known."""
    wanted = {
        name: metric for name, metric in metrics.items() if isinstance(metric, Representation)
    }
    if not wanted or part.factors is None:
        return {}
    model.eval()
    rows = torch.arange(len(part.examples)).split(CHUNK)
    codes = torch.cat([model.encode(part.examples[some]).mean for some in rows]).double().cpu()
    return {name: metric.value(codes, part.factors, noise()) for name, metric in wanted.items()}


def logits(model: VAE) -> Scores:
    """Rank by the logits at z = μ(fold-in), in evaluation mode."""
    model.eval()

    def scores(fold_in: SparseRows) -> Tensor:
        with torch.no_grad():
            z = model.encode(fold_in).mean
            return model.likelihood_of(z, model.given(fold_in)).logits

    return scores
