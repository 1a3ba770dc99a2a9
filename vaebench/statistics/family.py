"""All strategies of one data set, model and metric: means, contrasts, the best, all pairs."""

import itertools
import math
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from vaebench.statistics.bootstrap import RESAMPLES, expanded, two_way
from vaebench.statistics.contrasts import COLUMNS, contrast, paired
from vaebench.statistics.effect import effect_interval
from vaebench.statistics.equivalence import margin_of
from vaebench.statistics.layout import Layout, common_of, overall
from vaebench.statistics.multiplicity import benjamini_hochberg, holm
from vaebench.statistics.simultaneous import joint, reachable, selected

Values = Mapping[str, pd.DataFrame]
"""Strategy → examples × seeds, finite."""

PAIR = ["difference", "difference_low", "difference_high", "effect", "p", "p_crossed", "p_seeds"]
PAIR += ["error", "freedom", "error_seeds"]
PAIR += ["superior", "superior_low", "superior_high", "pairs", "paired_examples", "test", "note"]
"""What is kept of the contrast of any two strategies; exploratory."""

MORE = ["joint_low", "joint_high", "reachable", "p_holm", "p_equivalence_holm"]
"""What :func:`corrected` adds beside verdict and mark."""

MEAN = ["strategy", "mean", "low", "high", "seeds", "failed", "examples"]
"""What is said of a strategy by itself."""


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
    planned: Mapping[str, int] | None = None,
    registered: Collection[str] | None = None,
) -> pd.DataFrame:
    """One row a strategy: ``mean, low, high, seeds, examples`` and the contrast to the control.

    Beside the columns of :func:`contrast`: ``failed``, planned seeds without a value, so that
    ``mean`` is one of survivors; ``p_holm`` and ``p_equivalence_holm``, adjusted over the
    strategies of this family; ``joint_low, joint_high``, intervals of the differences that hold
    together (:func:`joint`); ``reachable``, the smallest margin that could be decided;
    ``effect_low, effect_high``; ``boot_low, boot_high``, the difference's interval by the two-way
    bootstrap; ``verdict`` (:func:`verdict`).

    ``difference`` is over the common seeds (``pairs``) and examples, so where one side lacks a seed
    it is not the difference of the two means.

    Args:
        values: see :data:`Values`.
        order: strategies in the order wanted; those without values and not planned are skipped.
        control: not tested against itself; without it there are no contrasts.
        confidence: level of the intervals; 1 − confidence is the level of the verdicts.
        margin: see :func:`margin_of`.
        metric: the metric's name, for its margin.
        resamples: of the bootstrap; 0: none.
        fixed: the model draws nothing, see :meth:`Layout.of`.
        planned: strategy → its seeds, whatever became of them; by default those with values.
        registered: the strategies that were registered, see :func:`corrected`.
    """
    rows: list[dict[str, object]] = []
    alpha, planned = 1 - confidence, planned or {}
    common = next((common_of(frame) for frame in values.values()), None)
    level = overall(values[control].to_numpy(), common) if control in values else math.nan
    for strategy in (name for name in order if name in values or planned.get(name)):
        if strategy not in values:
            lost = planned[strategy]
            row: dict[str, object] = {"strategy": strategy, "seeds": 0, "failed": lost}
            rows.append(row | {"examples": 0, "note": "no seed has a result: no test"})
            continue
        layout = Layout.of(values[strategy].to_numpy(), fixed=fixed, common=common)
        low, high = layout.interval(confidence)
        row = {"strategy": strategy, "mean": layout.mean, "low": low, "high": high}
        row |= {"seeds": layout.seeds, "examples": round(layout.examples)}
        row["failed"] = max(0, planned.get(strategy, 0) - layout.seeds)
        if strategy == control:
            row["note"] = "control"
        elif control in values:
            limit = margin_of(margin, metric, level)
            row |= contrast(values[strategy], values[control], confidence, limit)
        else:
            row["note"] = f"{control} has no results: no test"
        rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=[*MEAN, *COLUMNS])
    table[["note", "test"]] = table[["note", "test"]].astype(object)
    sizes = [
        effect_interval(row.difference / row.error_seeds, row.pairs, confidence)
        if row.error_seeds > 0
        else (math.nan, math.nan)
        for row in table.itertuples()
    ]
    table[["effect_low", "effect_high"]] = np.array(sizes, float).reshape(len(table), 2)
    bounds = bootstrap_bounds(values, control, confidence, resamples)
    for place, name in enumerate(("boot_low", "boot_high")):
        table[name] = [
            bounds[strategy][place] if strategy in bounds and math.isfinite(p) else math.nan
            for strategy, p in zip(table["strategy"], table["p"], strict=True)
        ]
    known = None if registered is None else table["strategy"].isin(registered)
    return corrected(table, alpha, known)


def corrected(
    table: pd.DataFrame, alpha: float, registered: pd.Series | None = None
) -> pd.DataFrame:
    """With what is said of all rows at once: joint intervals, margins, Holm's p, verdicts.

    Args:
        table: of :func:`contrast`, a row a strategy.
        alpha: level.
        registered: which rows are; they are corrected for each other alone, so that no look at
            the rest changes what was registered, and so is the rest. None: nothing is registered.

    Returns:
        ``joint_low, joint_high, reachable, p_holm, p_equivalence_holm, verdict`` and
        ``registered`` (True, False; None where nothing is registered, and of the control) beside
        the columns of ``table``.
    """
    known = pd.Series(data=False, index=table.index) if registered is None else registered
    parts = []
    for rows in (table[known], table[~known]):
        found = rows.join(joint(rows, alpha)).assign(
            reachable=reachable(rows, alpha),
            p_holm=holm(rows["p"]),
            p_equivalence_holm=holm(rows["p_equivalence"]),
        )
        parts += [found] if len(found) else []
    whole = pd.concat(parts).loc[table.index] if parts else table.reindex(columns=[*table, *MORE])
    whole["verdict"] = [verdict(row, alpha) for _, row in whole.iterrows()]
    marks = known.astype(object).where(whole["note"] != "control", None)
    return whole.assign(registered=None if registered is None else marks)


def bootstrap_bounds(
    values: Values, control: str, confidence: float, resamples: int
) -> dict[str, tuple[float, float]]:
    """Strategy → bootstrap bounds of its difference to the control, where there are any.

    Strategies that share their examples are resampled together: one draw serves them all. There
    are none of replicates with test parts of their own: resampling three to ten means, with what
    lies below them, gives little more than the smallest and the largest.
    """
    if any(common_of(frame) is not None for frame in values.values()):
        return {}
    groups: dict[int, dict[str, np.ndarray]] = {}
    for strategy in values if control in values and resamples else ():
        a, b = paired(values[strategy], values[control])
        if strategy != control and a.size and a.shape[1] > 1:
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
    """Every pair of strategies by the same test, with Benjamini & Hochberg's ``p_bh``.

    Exploratory: no pair was planned. Columns ``a, b`` (the difference is a − b), those of
    :data:`PAIR`, ``p_bh``, and ``joint_low, joint_high`` that agree with it (:func:`selected`).
    """
    present = [name for name in order if name in values]
    rows = []
    for a, b in itertools.combinations(present, 2):
        found = contrast(values[a], values[b], confidence)
        rows.append({"a": a, "b": b, **{key: found[key] for key in PAIR}})
    table = pd.DataFrame(rows, columns=["a", "b", *PAIR])
    table = table.assign(p_bh=benjamini_hochberg(table["p"]))
    return table.join(selected(table, 1 - confidence))


def best(means: pd.Series, pairs: pd.DataFrame, sign: int = 1) -> pd.DataFrame:
    """Who is best, and whom the data cannot tell from it.

    Args:
        means: strategy → mean.
        pairs: see :func:`all_pairs`.
        sign: 1 where more is better, −1 where less is.

    Returns:
        ``best`` (True for all of the highest mean) and ``p_best``, the p-value against the best,
        adjusted by Holm over the other strategies; index as ``means``. Exploratory: the best was
        chosen by the same data, so where nothing differs at all this still tells some strategy from
        the best in more than α of all studies (``python -m vaebench.statistics.calibration``).
    """
    winner = (sign * means).idxmax()
    raw = pd.Series(math.nan, index=means.index)
    for pair in pairs.itertuples():
        for one, other in ((pair.a, pair.b), (pair.b, pair.a)):
            if other == winner:
                raw[one] = pair.p
    return pd.DataFrame({"best": means == means[winner], "p_best": holm(raw)})
