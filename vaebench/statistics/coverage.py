"""Do the intervals over data sets hold? ``python -m vaebench.statistics.coverage [STUDIES]``.

Studies are drawn from known worlds: K units whose true differences have the standard deviation τ
(in units of the noise s), are normal, t3 or skewed (χ²_3), and are measured with noise whose
standard error is estimated from ν degrees of freedom and is the same for all or differs by a factor
of 4. A new unit is drawn alike. The true mean difference is 0. Every number below has a Monte-Carlo
error of at most .011 at 2,000 studies.
"""

import itertools
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr

from vaebench.statistics.multiplicity import holm
from vaebench.statistics.prediction import mean_half, predicted_half, true_half

CONFIDENCE = 0.95
UNITS = (3, 4, 5, 6, 8)
BETWEEN = (0.0, 0.5, 1.0, 2.0, 5.0)
SHAPES = ("normal", "t3", "skewed")
FACTOR = 4.0
STUDIES = 2_000
STRATEGIES = 13
"""Contrasts of a study, for family-wise error and for the best of them."""


@dataclass(frozen=True)
class World:
    """How studies are drawn."""

    units: int
    between: float
    shape: str = "normal"
    unequal: bool = False
    freedom: int = 3

    def true(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """True differences: mean 0, standard deviation τ."""
        if self.shape == "t3":
            z = rng.standard_t(3, size) / math.sqrt(3)
        elif self.shape == "skewed":
            z = (rng.chisquare(3, size) - 3) / math.sqrt(6)
        else:
            z = rng.standard_normal(size)
        return self.between * z

    def errors(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Standard errors: 1, or log-uniform from ½ to 2."""
        if not self.unequal:
            return np.ones(size)
        return np.asarray(FACTOR ** rng.uniform(-0.5, 0.5, size))

    def draw(
        self, rng: np.random.Generator, studies: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Measured differences (N, K) and their estimated variances; a new unit, true and shown."""
        true, s = (f(rng, (studies, self.units + 1)) for f in (self.true, self.errors))
        shown = true + s * rng.standard_normal(s.shape)
        variances = s**2 * rng.chisquare(self.freedom, s.shape) / self.freedom
        return shown[:, :-1], variances[:, :-1], true[:, -1], shown[:, -1]


def worlds() -> Iterator[World]:
    """All that are tried."""
    for units, between, shape in itertools.product(UNITS, BETWEEN, SHAPES):
        yield World(units, between, shape, unequal=shape != "normal")


def coverage(world: World, studies: int, seed: int = 0) -> dict[str, float]:
    """How often each interval holds what it is of: ``mean, predicted, true, range``."""
    rng = np.random.default_rng([seed, world.units, int(10 * world.between), len(world.shape)])
    d, v, true, shown = world.draw(rng, studies)
    mean, spread = d.mean(1), d.std(1, ddof=1)
    halves = {
        "mean": (np.abs(mean), mean_half(spread, world.units, CONFIDENCE)),
        "predicted": (np.abs(shown - mean), predicted_half(spread, world.units, CONFIDENCE)),
        "true": (
            np.abs(true - mean),
            true_half(spread, v.mean(1), world.units, CONFIDENCE, quantiles=100),
        ),
    }
    found = {name: float((far <= half).mean()) for name, (far, half) in halves.items()}
    found["range"] = float(((d.min(1) <= shown) & (shown <= d.max(1))).mean())
    return found


def family(between: float, studies: int, *, counted_once: bool, seed: int = 1) -> float:
    """Coverage of what a new unit shows, where three of six data sets are one family.

    Their true differences are correlated at .8. ``counted_once``: by their mean, as one unit.
    """
    rng = np.random.default_rng([seed, int(10 * between)])
    common, own = rng.standard_normal((studies, 1)), rng.standard_normal((studies, 6))
    true = between * own
    true[:, :3] = between * (math.sqrt(0.8) * common + math.sqrt(0.2) * own[:, :3])
    d = true + rng.standard_normal(true.shape)
    if counted_once:
        d = np.column_stack([d[:, :3].mean(1), d[:, 3:]])
    new = between * rng.standard_normal(studies) + rng.standard_normal(studies)
    half = predicted_half(d.std(1, ddof=1), d.shape[1], CONFIDENCE)
    return float((np.abs(new - d.mean(1)) <= half).mean())


def chosen(
    world: World, studies: int, strategies: int = STRATEGIES, seed: int = 2
) -> dict[str, float]:
    """Of strategies that do not differ from the control: errors, and what holds of the best one.

    ``familywise``: some p of Holm's is below .05; ``bias``: of the best mean, in standard errors;
    ``best``: its 95 % interval holds 0; ``best_joint``: the interval of level 1 − .05/m does;
    ``best_predicted``: the prediction interval holds what a new unit shows of the same strategy.
    """
    rng = np.random.default_rng([seed, world.units, int(10 * world.between), len(world.shape)])
    flat = studies * strategies
    d, _, _, shown = world.draw(rng, flat)
    mean, spread = d.mean(1), d.std(1, ddof=1)
    p = 2 * stdtr(world.units - 1, -np.abs(mean) * math.sqrt(world.units) / spread)
    grid = (studies, strategies)
    errors = [bool((holm(pd.Series(row)) < 1 - CONFIDENCE).any()) for row in p.reshape(grid)]
    best = np.arange(studies) * strategies + mean.reshape(grid).argmax(1)
    top, width = mean[best], spread[best]
    level = 1 - (1 - CONFIDENCE) / strategies
    return {
        "familywise": float(np.mean(errors)),
        "bias": float((top / (math.hypot(world.between, 1) / math.sqrt(world.units))).mean()),
        "best": float((np.abs(top) <= mean_half(width, world.units, CONFIDENCE)).mean()),
        "best_joint": float((np.abs(top) <= mean_half(width, world.units, level)).mean()),
        "best_predicted": float(
            (np.abs(shown[best] - top) <= predicted_half(width, world.units, CONFIDENCE)).mean()
        ),
    }


def main(arguments: Sequence[str]) -> None:
    """Print all tables."""
    studies = int(arguments[0]) if arguments else STUDIES
    rows = [{**vars(world), **coverage(world, studies)} for world in worlds()]
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))  # noqa: T201
    least = table.groupby(["shape", "units"], sort=False)[["mean", "predicted", "true", "range"]]
    print(least.agg(["min", "max"]).round(3).to_string())  # noqa: T201
    for between in BETWEEN:
        found = [family(between, 10 * studies, counted_once=once) for once in (False, True)]
        print(f"family, tau {between}: three units {found[0]:.3f}, one {found[1]:.3f}")  # noqa: T201
    for world in (World(u, b, s) for u in (5, 8) for b in (1.0, 5.0) for s in ("normal", "skewed")):
        said = {name: round(value, 3) for name, value in chosen(world, studies).items()}
        print(f"{STRATEGIES} strategies, {world}: {said}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
