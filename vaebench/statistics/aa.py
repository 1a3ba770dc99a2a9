"""A/A on real runs: one strategy's seeds dealt to pseudo-strategies, again and again.

    vaebench aa results/aa-ml-100k [--seeds 5] [--splits 2000]

Nothing differs between pseudo-strategies, so every rejection is a false one, on the real
distribution of a real metric. What it cannot show: strategies that differ user by user but not on
average; for these see :mod:`vaebench.statistics.calibration`.
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.stats

from vaebench.cells.reading import Cells
from vaebench.errors import DataError
from vaebench.statistics.bootstrap import expanded, two_way
from vaebench.statistics.calibration import TESTS
from vaebench.statistics.contrasts import contrast
from vaebench.statistics.layout import Layout
from vaebench.statistics.multiplicity import holm
from vaebench.statistics.study import families

ALPHA = 0.05
RESAMPLES = 500


def rejections(
    values: pd.DataFrame, seeds: int, splits: int, seed: int = 0, alpha: float = ALPHA
) -> pd.Series:
    """Rejection rates over random splits of the columns.

    Args:
        values: examples × runs of one strategy, at least 2·``seeds`` runs.
        seeds: runs of a pseudo-strategy.
        splits: how often the runs are dealt.
        seed: of the dealing.
        alpha: level.

    Returns:
        ``verdict, crossed, seeds, users, bootstrap``: two pseudo-strategies, verdicts by the larger
        of the crossed and the seeds' p. ``Holm, any``: any rejection
        among as many pseudo-strategies as there are runs for, against the first.

    Raises:
        DataError: too few runs.
    """
    runs = values.shape[1]
    if runs < 2 * seeds:
        raise DataError(
            f"{runs} runs are too few for two pseudo-strategies of {seeds} seeds; allowed: at "
            f"least {2 * seeds} runs"
        )
    random = np.random.default_rng(seed)
    rejected: dict[str, int] = defaultdict(int)
    y = values.to_numpy()
    for split in range(splits):
        dealt = random.permutation(runs)
        groups = [
            pd.DataFrame(y[:, dealt[first : first + seeds]])
            for first in range(0, runs - seeds + 1, seeds)
        ]
        found = contrast(groups[0], groups[1], 1 - alpha)
        for name, key in TESTS.items():
            rejected[name] += found[key] < alpha  # type: ignore[operator]
        d = (groups[0] - groups[1]).to_numpy()
        means = two_way([d], RESAMPLES, split)[0]
        low, high = expanded(means, 1 - alpha, Layout.of(d).freedom)
        rejected["bootstrap"] += not low <= 0 <= high
        p = pd.Series([contrast(group, groups[0], 1 - alpha)["p"] for group in groups[1:]])
        rejected["Holm, any"] += (holm(p) < alpha).any()
    return pd.Series(rejected, dtype=float) / splits


def spread(
    runs: int, seeds: int, pools: int = 300, splits: int = 400, alpha: float = ALPHA
) -> float:
    """How much the rate varies from one pool of runs to another, as a standard deviation.

    Splits of one pool are not independent studies: a pool of ``runs`` normal runs, of which a true
    level-α test is made, has its own rate. Simulated with the paired t.
    """
    random = np.random.default_rng(0)
    critical = scipy.stats.t.isf(alpha / 2, seeds - 1)
    rates = []
    for _ in range(pools):
        pool = random.normal(size=runs)
        dealt = random.permuted(np.tile(pool, (splits, 1)), axis=1)
        d = dealt[:, :seeds] - dealt[:, seeds : 2 * seeds]
        t = d.mean(1) / (d.std(1, ddof=1) / math.sqrt(seeds))
        rates.append((np.abs(t) > critical).mean())
    return float(np.std(rates, ddof=1))


def report(study: Path, seeds: int, splits: int) -> str:
    """The rates of every metric of every strategy of a study, as Markdown."""
    folders = sorted(path.parent for path in study.glob("cells/*/*/*/*/status.json"))
    if not folders:
        raise DataError(f"{study}: no cells; allowed: the folder of a study that was run")
    cells, lines, runs = Cells(folders), [], 0
    for (dataset, model, metric), values in families(cells):
        for strategy, frame in values.items():
            rates = rejections(frame, seeds, splits)
            runs = frame.shape[1]
            shown = " | ".join(f"{rate:.3f}".removeprefix("0") for rate in rates)
            lines.append(f"| {dataset}, {model}, {strategy}: {metric} | {shown} |")
    error = spread(runs, seeds)
    head = (
        "| A/A | verdict | crossed | seeds | users | bootstrap | Holm, any |\n|---|" + "---:|" * 6
    )
    note = (
        f"{runs} runs dealt {splits} times to pseudo-strategies of {seeds}; α = {ALPHA:g}. A true "
        f"rate of .05 is seen as .05 ± {2 * error:.3f} (two standard deviations over pools of "
        f"{runs} runs)."
    )
    return "\n".join([note, "", head, *lines])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="vaebench aa",
        description=__doc__.partition("\n")[0],
        epilog="example: vaebench aa results/aa-ml-100k --splits 1000",
    )
    parser.add_argument("study", type=Path, help="the folder of an A/A study that was run")
    parser.add_argument("--seeds", type=int, default=5, help="runs of a pseudo-strategy")
    parser.add_argument("--splits", type=int, default=2_000)
    given = parser.parse_args(arguments)
    try:
        print(report(given.study, given.seeds, given.splits))  # noqa: T201 (a command)
    except DataError as error:
        parser.exit(1, f"vaebench: {error}\n")


if __name__ == "__main__":
    main()
