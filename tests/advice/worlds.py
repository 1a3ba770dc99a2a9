"""Studies of data sets whose truth is known."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vaebench.advice.studies import Study

BETAS = 0.005 * 1000 ** (np.arange(9) / 8)


def truth(beta: float | np.ndarray, best: float, depth: float = 0.01) -> np.ndarray:
    """NDCG of a constant β: a parabola in log₁₀ β with its top at ``best``."""
    return np.asarray(0.35 - depth * (np.log10(beta) - best) ** 2)


def study(
    name: str,
    best: float = 0.0,
    *,
    mean_n: float = 50.0,
    gains: Mapping[str, float] | None = None,
    noise: float = 0.0,
    replicates: int = 4,
    depth: float = 0.01,
    rng: np.random.Generator | None = None,
) -> Study:
    """A study with 9 → 6 → 2 trials of constant β, ``gains`` against the tuned one, and noise."""
    rng = rng or np.random.default_rng(0)
    rows, chosen, tuned = [], [], []
    for replicate in range(replicates):
        left = list(BETAS)
        for rung, places in ((1, 6), (2, 2), (3, 1)):
            scores = [
                float(truth(beta, best, depth)) - 0.02 * (3 - rung) + noise * rng.standard_normal()
                for beta in left
            ]
            rows += [(replicate, rung, b, s, 100.0) for b, s in zip(left, scores, strict=True)]
            left = [left[n] for n in np.argsort(scores)[::-1][:places]]
        chosen.append(float(left[0]))
        tuned.append(float(truth(left[0], best, depth)) + noise * rng.standard_normal())
    scores = {"constant": tuned}
    options = {"constant": {"beta": chosen, "used": chosen}}
    for other, gain in (gains or {}).items():
        scores[other] = [y + gain + noise * rng.standard_normal() for y in tuned]
        options[other] = {"cap": [2 * beta for beta in chosen], "used": chosen}
    shape = {"mean_n": mean_n, "spread_n": 1.0, "density": 0.01, "items": 500.0, "gini": 0.6}
    columns = ["replicate", "rung", "beta", "score", "rate"]
    curves = pd.DataFrame(rows, columns=columns)
    return Study(name, name, "ndcg@100", shape, list(range(replicates)), scores, options, curves)
