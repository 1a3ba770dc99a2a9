"""The points that the tuning stage tries: spread evenly over a space, the same for every budget."""

from collections.abc import Mapping
from typing import Any

from vaebench.search import Range

Settings = dict[str, dict[str, Any]]
"""Role (strategy, model, training) → option → value."""


def design(space: Mapping[str, Range], trials: int, *name: object) -> list[Settings]:
    """The options of every trial: a Halton sequence, scrambled by ``name``, mapped to the ranges.

    Low discrepancy covers a space evenly at every length: the first n of more trials are the n
    trials of a smaller budget (Halton 1960; scrambling as in Owen 2017, arXiv:1706.02808).

    Args:
        space: ``role.option`` → range.
        trials: how many points.
        name: what the design is for; it seeds the scrambling.
    """
    # seconds of imports, with torch, for the workflow's start only; a report needs the names above
    from scipy.stats import qmc  # noqa: PLC0415

    from vaebench.seeds import numpy_stream  # noqa: PLC0415

    shares = qmc.Halton(len(space), scramble=True, rng=numpy_stream(*name)).random(trials)
    points = []
    for point in shares:
        settings: Settings = {}
        for (option, spread), share in zip(space.items(), point, strict=True):
            role, _, key = option.partition(".")
            settings.setdefault(role, {})[key] = spread.at(float(share))
        points.append(settings)
    return points
