"""How many seeds? From the measured variance of differences to the seeds that detect one.

    python -m vaebench power results/NAME [--difference .002 …] [--seeds 10] [--power .8]

The mean of a difference δ over U examples and S seeds has the standard error

    SE² = σ_a²/U + σ_b²/S + σ_e²/(U·S),

so seeds shrink the last two parts only: where the users' part alone is too large, no number of
seeds is enough and the table says so.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
import scipy.optimize
from scipy.special import chdtri, ndtr, stdtrit

from vaebench.statistics.contrasts import paired
from vaebench.statistics.family import Values
from vaebench.statistics.layout import Layout, common_of, overall, satterthwaite

MOST_SEEDS = 1_000
"""More seeds than anybody runs."""

POWER = 0.8
SHARES = (0.0025, 0.005, 0.01, 0.02, 0.05)
"""Differences asked for by default, as shares of the control's absolute mean."""


@dataclass(frozen=True)
class Components:
    """Variance components of the differences to the control, averaged over the strategies.

    Attributes:
        level: the control's mean.
        example: σ_a², of an example's true difference.
        seed: σ_b², of a seed's true difference.
        error: σ_e², of what is left.
        examples: U, the smallest of the contrasts.
        seeds: S, likewise.
        contrasts: strategies that entered.
    """

    level: float
    example: float
    seed: float
    error: float
    examples: int
    seeds: int
    contrasts: int

    @classmethod
    def of(cls, values: Values, control: str) -> "Components | None":
        """The components of a family; None where no contrast has two seeds."""
        if control not in values:
            return None
        layouts, common = [], common_of(values[control])
        for strategy in values:
            if strategy != control:
                a, b = paired(values[strategy], values[control])
                if a.size and a.shape[1] > 1:
                    layouts.append(Layout.of(a - b, common=common))
        if not layouts:
            return None
        example, seed, error = np.mean([layout.components for layout in layouts], axis=0).tolist()
        level = overall(values[control].to_numpy(), common)
        examples = round(min(layout.examples for layout in layouts))
        seeds = min(layout.seeds for layout in layouts)
        return cls(level, example, seed, error, examples, seeds, len(layouts))

    def row(self) -> dict[str, float]:
        """As one row of a table."""
        return asdict(self)


NODES, WEIGHTS = (array / 2 for array in np.polynomial.legendre.leggauss(96))
"""Of the integral over what MS_s may be, on [−½, ½]."""


def half_widths(
    found: Components, seeds: np.ndarray, alpha: float, examples: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Half the length of the (1 − α) interval that so many seeds would give, and the true s.e.

    The interval is the wider of the crossed t's and the seeds' (:class:`Layout`). With few seeds
    its length varies from study to study as MS_s does, a multiple of χ²_{S−1}; MS_u and MS_e, of
    many degrees of freedom, stand at their expectation.

    Returns:
        (n, 96) at the quantiles of χ²_{S−1} that belong to :data:`NODES`; (n,).
    """
    users, runs = found.examples if examples is None else examples, seeds[:, None].astype(float)
    draws = chdtri(runs - 1, 0.5 - NODES) / (runs - 1)
    ms_example = runs * found.example + found.error
    ms_seed = (users * found.seed + found.error) * draws
    by_seed = stdtrit(runs - 1, 1 - alpha / 2) * np.sqrt(ms_seed / (users * runs))
    error = np.sqrt(found.example / users + found.seed / seeds + found.error / (users * seeds))
    if users == 1:  # a metric with one value a cell
        return by_seed, error
    variance, freedom = satterthwaite(ms_example, ms_seed, found.error, users, runs)
    crossed = stdtrit(freedom, 1 - alpha / 2) * np.sqrt(variance)
    return np.fmax(crossed, by_seed), error


def power(
    difference: float,
    seeds: np.ndarray,
    found: Components,
    alpha: float,
    examples: int | None = None,
) -> np.ndarray:
    """The chance that the test at level α finds ``difference``, for each number of seeds.

    The mean is normal around δ and independent of the mean squares, so the chance is that of its
    lying outside the interval's half-length, averaged over what that may be; with σ_a = σ_e = 0 it
    is the power of the paired t on seed means.

    Args:
        difference: δ in the unit of the metric.
        seeds: (n,) numbers of seeds ≥ 2.
        found: the variance components.
        alpha: level, two-sided.
        examples: U; by default as measured.
    """
    halves, error = half_widths(found, seeds, alpha, examples)
    return chance(difference, halves, error)


def chance(difference: float, halves: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Of a mean outside ± ``halves``: see :func:`power`; 1 where nothing varies."""
    still, scale = error == 0, np.where(error == 0, 1, error)[:, None]
    right = ndtr((abs(difference) - halves) / scale) + ndtr((-abs(difference) - halves) / scale)
    return np.where(still, 1.0, right @ WEIGHTS)


def seeds_needed(
    difference: float,
    found: Components,
    alpha: float,
    wanted: float = POWER,
    examples: int | None = None,
) -> int | None:
    """The smallest number of seeds with at least the ``wanted`` power; None: not with 1,000."""
    seeds = np.arange(2, MOST_SEEDS + 1)
    return fewest(difference, seeds, half_widths(found, seeds, alpha, examples), wanted)


def fewest(
    difference: float,
    seeds: np.ndarray,
    widths: tuple[np.ndarray, np.ndarray],
    wanted: float,
) -> int | None:
    """The first of ``seeds`` with at least the ``wanted`` power, from :func:`half_widths`."""
    enough = chance(difference, *widths) >= wanted
    return int(seeds[enough.argmax()]) if enough.any() else None


def detectable(found: Components, alpha: float, wanted: float = POWER) -> float:
    """The smallest difference that these seeds and examples find with the ``wanted`` power."""
    widths = half_widths(found, np.array([found.seeds]), alpha)

    def short(difference: float) -> float:
        return float(chance(difference, *widths)[0]) - wanted

    if short(0.0) >= 0:  # nothing varies
        return 0.0
    high = math.sqrt(found.example + found.seed + found.error)
    while short(high) < 0:
        high *= 2
    return float(scipy.optimize.brentq(short, 0.0, high, xtol=1e-6 * high))


def margins(found: Components, alpha: float, wanted: float = POWER) -> tuple[float, float]:
    """Which margins of equivalence can these seeds and examples decide?

    Two one-sided tests find equivalence where |ȳ| < margin − h, with h half the length of the
    (1 − 2α/m) interval, m the contrasts: Holm's first step.

    Returns:
        The reachable margin, h of a typical study: no smaller margin can be decided, whatever is
        measured; and the margin that is decided with the ``wanted`` power if nothing differs.
    """
    halves, error = half_widths(found, np.array([found.seeds]), 2 * alpha / found.contrasts)
    typical = float((halves @ WEIGHTS)[0])
    if error[0] == 0:
        return 0.0, 0.0

    def short(margin: float) -> float:
        room = np.maximum(0, margin - halves) / error[:, None]
        return float(((2 * ndtr(room) - 1) @ WEIGHTS)[0]) - wanted

    high = typical + 2 * float(error[0])
    while short(high) < 0:
        high *= 2
    return typical, float(scipy.optimize.brentq(short, 0.0, high, xtol=1e-6 * high))


COLUMNS = ["dataset", "model", "metric", "difference", "seeds_needed", "seeds", "detectable"]
COLUMNS += ["contrasts", "margin_reachable", "margin_decided"]


def table(
    components: pd.DataFrame,
    alpha: float,
    wanted: float = POWER,
    differences: Sequence[float] = (),
    seeds: int | None = None,
) -> pd.DataFrame:
    """How many seeds: a row a family and difference.

    Args:
        components: a row a family, see :class:`Components`.
        alpha: level of the test, without correction for several contrasts.
        wanted: the power.
        differences: in the unit of the metric; by default :data:`SHARES` of the control's mean.
        seeds: of the study that is planned; by default as run.

    Returns:
        ``dataset, model, metric``; ``difference``; ``seeds_needed`` (NaN: no number up to 1,000
        does, the test examples are too few); ``seeds`` as run or planned, ``detectable`` with
        these; ``contrasts`` m, and the margins of equivalence of :func:`margins`.
    """
    rows = []
    names = list(Components.__dataclass_fields__)
    several = np.arange(2, MOST_SEEDS + 1)
    for _, row in components.iterrows():
        found = Components(**{name: row[name] for name in names})
        found = replace(found, seeds=int(found.seeds) if seeds is None else seeds)
        smallest, (least, decided) = detectable(found, alpha, wanted), margins(found, alpha, wanted)
        widths = half_widths(found, several, alpha)
        rows += [
            {
                **row[["dataset", "model", "metric"]],
                "difference": difference,
                "seeds_needed": fewest(difference, several, widths, wanted),
                "seeds": found.seeds,
                "detectable": smallest,
                "contrasts": int(found.contrasts),
                "margin_reachable": least,
                "margin_decided": decided,
            }
            for difference in differences or [share * abs(found.level) for share in SHARES]
        ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seeds_needed": "Float64"})
