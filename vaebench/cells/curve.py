"""A model that is told β, measured at several: values by β and example."""

from collections.abc import Sequence

import numpy as np
import torch

from vaebench.cells.test import measured
from vaebench.cells.tested import Components, built
from vaebench.errors import ArgumentError, ConfigError
from vaebench.models import VAE
from vaebench.models.dial import Dialled
from vaebench.training.data import HeldOut

POINTS = 13
"""β of a curve, evenly spaced in their logarithm, unless somebody names others."""

ALLOWED = "a model that is told β (gated_mult_vae.GatedMultVAE), trained by log_uniform.LogUniform"


def dialled(model: VAE) -> Dialled:
    """``model``, which can be told β.

    Raises:
        ConfigError: it cannot, or it was trained at no range of β.
    """
    if not isinstance(model, Dialled):
        raise ConfigError(f"{type(model).__name__} is not told β; allowed: {ALLOWED}")
    if not model.low <= model.high:
        raise ConfigError(f"{type(model).__name__} was told no β in training; allowed: {ALLOWED}")
    return model


def trained(model: VAE, betas: Sequence[float] | None = None) -> list[float]:
    """``betas``, or :data:`POINTS` of them over the whole range of training.

    Raises:
        ConfigError: the model has no dial.
        ArgumentError: a β outside of the range.
    """
    told = dialled(model)
    low, high = told.low.item(), told.high.item()
    for beta in betas or ():
        if not low * (1 - TOLERANCE) <= beta <= high * (1 + TOLERANCE):
            raise ArgumentError(
                f"beta: {beta:g} is not allowed; this model was trained with β from {low:.3g} to "
                f"{high:.3g}"
            )
    return list(np.geomspace(low, high, POINTS)) if betas is None else [float(b) for b in betas]


TOLERANCE = 0.02
"""How far beyond the drawn range a β may be, relative to it: the ends themselves are not drawn."""


def curve(
    model: VAE,
    part: HeldOut,
    betas: Sequence[float],
    metrics: Components,
    names: tuple[object, ...],
    samples: int,
) -> dict[str, np.ndarray]:
    """Metric → its values at each of ``betas``, (K, U); the same ε at every β.

    Args:
        model: told β.
        part: the examples.
        betas: (K,).
        metrics: what to measure; those of the whole catalogue are passed over.
        names: of the random stream.
        samples: of z per example, for the bound.

    Raises:
        ConfigError: the model has no dial.
    """
    told, components = dialled(model), built(metrics)
    found = []
    for beta in betas:
        with told.turned(torch.tensor(float(beta))):
            found.append(measured(model, part, components, names, samples, None).examples)
    return {name: np.stack([each[name] for each in found]) for name in found[0]}
