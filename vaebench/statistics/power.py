"""How many seeds? From the measured variance of differences to the seeds that detect one.

    python -m vaebench.statistics.power results/NAME [--difference .002 …] [--power .8]

The crossed test of a difference δ over U examples and S seeds has the error

    SE² = σ_a²/U + σ_b²/S + σ_e²/(U·S),

so seeds shrink the last two parts only: where the users' part alone is too large, no number of
seeds is enough and the table says so.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.optimize
import scipy.stats

from vaebench.statistics.contrasts import paired
from vaebench.statistics.family import Values
from vaebench.statistics.layout import TWO, Layout

MOST_SEEDS = 1_000
"""More seeds than anybody runs."""

CERTAIN = 40.0
"""Standard errors beyond which the noncentral t overflows, and power is 1."""

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
        """The components of a family; None where no contrast has two seeds and two examples."""
        if control not in values:
            return None
        layouts = []
        for strategy in values:
            if strategy != control:
                a, b = paired(values[strategy], values[control])
                if min(a.shape) > 1:
                    layouts.append(Layout.of(a - b))
        if not layouts:
            return None
        example, seed, error = np.mean([layout.components for layout in layouts], axis=0).tolist()
        level = float(values[control].to_numpy().mean())
        examples = min(layout.examples for layout in layouts)
        seeds = min(layout.seeds for layout in layouts)
        return cls(level, example, seed, error, examples, seeds, len(layouts))

    def row(self) -> dict[str, float]:
        """As one row of a table."""
        return asdict(self)


def power(
    difference: float,
    seeds: np.ndarray,
    found: Components,
    alpha: float,
    examples: int | None = None,
) -> np.ndarray:
    """The chance that the crossed test at level α finds ``difference``, for each number of seeds.

    Noncentral t with ncp = δ/SE and Satterthwaite's degrees of freedom at the expected mean
    squares; with σ_a = σ_e = 0 that is the power of the paired t on seed means.

    Args:
        difference: δ ≠ 0 in the unit of the metric.
        seeds: (n,) numbers of seeds ≥ 2.
        found: the variance components.
        alpha: level, two-sided.
        examples: U; by default as measured.
    """
    users = found.examples if examples is None else examples
    ms_example = seeds * found.example + found.error
    ms_seed = users * found.seed + found.error
    combined = ms_example + ms_seed - found.error
    if not combined.any():  # no variance at all
        return np.ones(len(seeds))
    parts = ms_example**2 / (users - 1) + ms_seed**2 / (seeds - 1)
    parts += found.error**2 / ((users - 1) * (seeds - 1))
    freedom = combined**2 / parts
    freedom = np.where((seeds == TWO) | (users == TWO), np.minimum(freedom, 1), freedom)
    shift = abs(difference) / np.sqrt(combined / (users * seeds))
    certain = shift > CERTAIN
    freedom, shift = np.where(certain, 1.0, freedom), np.where(certain, 1.0, shift)
    critical = scipy.stats.t.isf(alpha / 2, freedom)
    found_right = scipy.stats.nct.sf(critical, freedom, shift)
    # to find it with the wrong sign: below 1e-11 beyond six errors, where scipy has NaN at times
    found_wrong = scipy.stats.nct.cdf(-critical, freedom, np.minimum(shift, 6))
    return np.where(certain, 1.0, found_right + np.where(shift < 6, found_wrong, 0))  # noqa: PLR2004


def seeds_needed(
    difference: float,
    found: Components,
    alpha: float,
    wanted: float = POWER,
    examples: int | None = None,
) -> int | None:
    """The smallest number of seeds with at least the ``wanted`` power; None: not with 1,000."""
    seeds = np.arange(2, MOST_SEEDS + 1)
    enough = power(difference, seeds, found, alpha, examples) >= wanted
    return int(seeds[enough.argmax()]) if enough.any() else None


def detectable(found: Components, alpha: float, wanted: float = POWER) -> float:
    """The smallest difference that these seeds and examples find with the ``wanted`` power."""
    seeds = np.array([found.seeds])

    def short(difference: float) -> float:
        return float(power(difference, seeds, found, alpha)[0]) - wanted

    if short(0.0) >= 0:  # nothing varies
        return 0.0
    high = math.sqrt(found.example + found.seed + found.error)
    while short(high) < 0:
        high *= 2
    return float(scipy.optimize.brentq(short, 0.0, high, xtol=1e-6 * high))


def table(
    components: pd.DataFrame,
    alpha: float,
    wanted: float = POWER,
    differences: Sequence[float] = (),
) -> pd.DataFrame:
    """How many seeds: a row a family and difference.

    Args:
        components: a row a family, see :class:`Components`.
        alpha: level of the test, without correction for several contrasts.
        wanted: the power.
        differences: in the unit of the metric; by default :data:`SHARES` of the control's mean.

    Returns:
        ``dataset, model, metric``; ``difference``; ``seeds_needed`` (NaN: no number up to 1,000
        does, the test examples are too few); ``seeds`` as run, ``detectable`` with these.
    """
    rows = []
    names = list(Components.__dataclass_fields__)
    for _, row in components.iterrows():
        found = Components(**{name: row[name] for name in names})
        smallest = detectable(found, alpha, wanted)
        rows += [
            {
                **row[["dataset", "model", "metric"]],
                "difference": difference,
                "seeds_needed": seeds_needed(difference, found, alpha, wanted),
                "seeds": int(found.seeds),
                "detectable": smallest,
            }
            for difference in differences or [share * abs(found.level) for share in SHARES]
        ]
    columns = ["dataset", "model", "metric", "difference", "seeds_needed", "seeds", "detectable"]
    return pd.DataFrame(rows, columns=columns).astype({"seeds_needed": "Float64"})


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of a finished study as Markdown."""
    from vaebench.tables import content, markdown  # noqa: PLC0415 (tables import statistics)

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("study", type=Path, help="the folder of a finished study")
    parser.add_argument("--difference", type=float, nargs="*", default=[])
    parser.add_argument("--metric", help="one metric only, as in tables/components.csv")
    parser.add_argument("--power", type=float, default=POWER)
    parser.add_argument("--alpha", type=float, default=0.05)
    given = parser.parse_args(arguments)
    components = pd.read_csv(given.study / "tables/components.csv")
    if given.metric:
        components = components[components["metric"] == given.metric]
    found = table(components, given.alpha, given.power, given.difference)
    for grid in content.seeds(found, given.power, given.alpha):
        print(markdown.table(grid.head, grid.lines), grid.caption, sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
