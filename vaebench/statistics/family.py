"""All strategies of one data set, model and metric: means, contrasts, the best, all pairs."""

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from vaebench.statistics.bootstrap import RESAMPLES, expanded, two_way
from vaebench.statistics.contrasts import COLUMNS, contrast, paired
from vaebench.statistics.equivalence import margin_of
from vaebench.statistics.layout import Layout
from vaebench.statistics.multiplicity import benjamini_hochberg, holm

Values = Mapping[str, pd.DataFrame]
"""Strategy → examples × seeds, finite."""

PAIR = ["difference", "difference_low", "difference_high", "effect", "p"]
PAIR += ["superior", "superior_low", "superior_high", "pairs", "paired_examples", "note"]
"""What is kept of the contrast of any two strategies; exploratory."""


def compare(
    values: Values,
    order: list[str],
    control: str,
    confidence: float,
    margin: float | dict[str, float] = math.nan,
    metric: str = "",
    resamples: int = RESAMPLES,
    *,
    fixed: bool = False,
) -> pd.DataFrame:
    """One row a strategy: ``mean, low, high, seeds, examples`` and the contrast to the control.

    Beside the columns of :func:`contrast`: ``boot_low, boot_high``, the difference's interval by
    the two-way bootstrap; ``p_holm`` and ``p_equivalence_holm``, adjusted over the strategies of
    this family; ``verdict`` (:func:`verdict`).

    Args:
        values: see :data:`Values`.
        order: strategies in the order wanted; those without values are skipped.
        control: not tested against itself; without it there are no contrasts.
        confidence: level of the intervals; 1 − confidence is the level of the verdicts.
        margin: see :func:`margin_of`.
        metric: the metric's name, for its margin.
        resamples: of the bootstrap; 0: none.
        fixed: the model draws nothing, see :meth:`Layout.of`.
    """
    rows: list[dict[str, object]] = []
    present = [name for name in order if name in values]
    level = float(values[control].to_numpy().mean()) if control in values else math.nan
    for strategy in present:
        layout = Layout.of(values[strategy].to_numpy(), fixed=fixed)
        low, high = layout.interval(confidence)
        row = {"strategy": strategy, "mean": layout.mean, "low": low, "high": high}
        row |= {"seeds": layout.seeds, "examples": layout.examples}
        if strategy == control:
            row["note"] = "control"
        elif control in values:
            limit = margin_of(margin, metric, level)
            row |= contrast(values[strategy], values[control], confidence, limit)
        else:
            row["note"] = f"{control} has no results: no test"
        rows.append(row)
    head = ["strategy", "mean", "low", "high", "seeds", "examples"]
    table = pd.DataFrame(rows).reindex(columns=[*head, *COLUMNS])
    table["note"] = table["note"].astype(object)
    bounds = bootstrap_bounds(values, control, confidence, resamples)
    for place, name in enumerate(("boot_low", "boot_high")):
        table[name] = [
            bounds[strategy][place] if strategy in bounds and math.isfinite(p) else math.nan
            for strategy, p in zip(table["strategy"], table["p"], strict=True)
        ]
    table["p_holm"] = holm(table["p"])
    table["p_equivalence_holm"] = holm(table["p_equivalence"])
    table["verdict"] = [verdict(row, 1 - confidence) for _, row in table.iterrows()]
    return table


def bootstrap_bounds(
    values: Values, control: str, confidence: float, resamples: int
) -> dict[str, tuple[float, float]]:
    """Strategy → bootstrap bounds of its difference to the control, where there are any.

    Strategies that share their examples are resampled together: one draw serves them all.
    """
    groups: dict[int, dict[str, np.ndarray]] = {}
    for strategy in values if control in values and resamples else ():
        a, b = paired(values[strategy], values[control])
        if strategy != control and min(a.shape) > 1:
            groups.setdefault(len(a), {})[strategy] = a - b
    bounds = {}
    for blocks in groups.values():
        resampled = two_way(list(blocks.values()), resamples)
        for (strategy, block), means in zip(blocks.items(), resampled, strict=True):
            bounds[strategy] = expanded(means, confidence, Layout.of(block).freedom)
    return bounds


def verdict(row: pd.Series, alpha: float) -> str:
    """What may be said of a strategy against the control, after Holm's correction.

    ``higher`` or ``lower`` (a difference), ``equivalent`` (within the margin), both (``higher,
    within margin``), ``undecided`` (neither: more seeds or users are needed), or ``no test``.
    """
    if row["note"] == "control":
        return "control"
    if pd.isna(row["p_holm"]):
        return "no test"
    differs = row["p_holm"] < alpha
    within = row["p_equivalence_holm"] < alpha
    side = "higher" if row["difference"] > 0 else "lower"
    if differs:
        return f"{side}, within margin" if within else side
    return "equivalent" if within else "undecided"


def all_pairs(values: Values, order: list[str], confidence: float) -> pd.DataFrame:
    """Every pair of strategies by the crossed test, with Benjamini & Hochberg's ``p_bh``.

    Exploratory: no pair was planned. Columns ``a, b`` (the difference is a − b), those of
    :data:`PAIR`, ``p_bh``.
    """
    present = [name for name in order if name in values]
    rows = []
    for a, b in itertools.combinations(present, 2):
        found = contrast(values[a], values[b], confidence)
        rows.append({"a": a, "b": b, **{key: found[key] for key in PAIR}})
    table = pd.DataFrame(rows, columns=["a", "b", *PAIR])
    return table.assign(p_bh=benjamini_hochberg(table["p"]))


def best(means: pd.Series, pairs: pd.DataFrame) -> pd.DataFrame:
    """Who is best, and whom the data cannot tell from it.

    Args:
        means: strategy → mean of a metric of which more is better.
        pairs: see :func:`all_pairs`.

    Returns:
        ``best`` (True for all of the highest mean) and ``p_best``, the p-value against the best,
        adjusted by Holm over the other strategies; index as ``means``. The best was chosen by the
        same data, so this marks a table and is no planned test.
    """
    winner = means.idxmax()
    raw = pd.Series(math.nan, index=means.index)
    for pair in pairs.itertuples():
        for one, other in ((pair.a, pair.b), (pair.b, pair.a)):
            if other == winner:
                raw[one] = pair.p
    return pd.DataFrame({"best": means == means[winner], "p_best": holm(raw)})
