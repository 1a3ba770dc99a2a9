"""Across data sets: ranks, and scores relative to the control. Unrelated data sets are the unit.

Seeds, users and metrics are not data sets, and neither are splits of one data set or releases of
one collection: they are one unit (:attr:`vaebench.datasets.Dataset.unit`), whose mean counts once.
Every figure and table here prints how many units there are. With 5 of them and 10 strategies the
critical difference is 6.06 ranks, so ranks alone rarely say anything, and with fewer than 5 nothing
is tested; the scores of Agarwal et al. 2021 (arXiv:2108.13264) stand beside them.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scikit_posthocs
import scipy.stats

from vaebench.statistics.bootstrap import expanded, stratified
from vaebench.statistics.measures import MEASURES, Measures
from vaebench.statistics.superiority import MEANINGFUL, exact

FEWEST_STRATEGIES = 3
"""Friedman's test is one of three or more."""

FEWEST_DATASETS = 2
"""From here on there is something to look at."""

FEWEST_TESTED = 5
"""From here on ranks are tested. With 3 data sets Friedman's test finds a winner by 1.5 standard
deviations in .04 to .08 of all studies (``python -m vaebench.statistics.calibration``)."""


@dataclass(frozen=True)
class Ranks:
    """Mean ranks over data sets, 1 is best, with Friedman's test and Nemenyi's critical difference.

    Attributes:
        ranks: strategy → mean rank, best first.
        datasets: the units by name; their number N is printed everywhere.
        p_friedman: of equal ranks (Friedman 1937, χ² approximation); NaN with a reason.
        p_iman: likewise by F = (N − 1)χ²/(N(k − 1) − χ²) with k − 1 and (k − 1)(N − 1) degrees of
            freedom (Iman & Davenport 1980), which is less conservative with few data sets.
        critical: Nemenyi's critical difference q_{α,k,∞}/√2 · √(k(k + 1)/(6N)) (Demšar 2006).
        nemenyi: p of every pair, strategies × strategies.
        left_out: strategies without a result on every data set.
        note: why there is no test, or empty.
    """

    ranks: pd.Series
    datasets: list[str]
    p_friedman: float
    p_iman: float
    critical: float
    nemenyi: pd.DataFrame
    left_out: list[str]
    note: str


def ranks(scores: pd.DataFrame, alpha: float) -> Ranks:
    """Rank strategies on each data set; more is better, ties share the mean rank.

    Args:
        scores: data sets × strategies, means over seeds and examples; NaN where there is none.
        alpha: level of the critical difference.
    """
    complete = scores.dropna(axis=1)
    left_out = [name for name in scores if name not in complete]
    count, strategies = complete.shape
    if complete.empty:
        note = "no strategy has a result on every data set"
        none, empty = math.nan, pd.DataFrame()
        bare = pd.Series(dtype=float)
        return Ranks(bare, list(scores.index), none, none, none, empty, left_out, note)
    mean = complete.rank(axis=1, ascending=False).mean().sort_values(kind="stable")
    note = ""
    if count < FEWEST_DATASETS:
        note = "a single data set: ranks are descriptive, no test"
    elif count < FEWEST_TESTED:
        note = f"{count} data sets are too few to decide, {FEWEST_TESTED} are needed"
    elif strategies < FEWEST_STRATEGIES:
        note = "fewer than 3 strategies on all data sets: no test of ranks"
    elif (complete.min(axis=1) == complete.max(axis=1)).all():
        note = "all strategies tie on every data set: no test"
    p, iman, critical, nemenyi = math.nan, math.nan, math.nan, pd.DataFrame()
    if not note:
        friedman = scipy.stats.friedmanchisquare(*complete.to_numpy().T)
        p = float(friedman.pvalue)
        iman = iman_davenport(float(friedman.statistic), strategies, count)
        critical = critical_difference(strategies, count, alpha)
        nemenyi = scikit_posthocs.posthoc_nemenyi_friedman(complete)
    return Ranks(mean, list(scores.index), p, iman, critical, nemenyi, left_out, note)


def iman_davenport(statistic: float, strategies: int, datasets: int) -> float:
    """The p of Friedman's ``statistic`` by Iman & Davenport's F; 0 where all ranks agree."""
    freedom = strategies - 1
    rest = datasets * freedom - statistic
    if rest <= 0:
        return 0.0
    f = (datasets - 1) * statistic / rest
    return float(scipy.stats.f.sf(f, freedom, freedom * (datasets - 1)))


def critical_difference(strategies: int, datasets: int, alpha: float) -> float:
    """Nemenyi's CD = q_{α,k,∞}/√2 · √(k(k + 1)/(6N)) (Demšar 2006, JMLR 7, §3.2.2)."""
    q = scipy.stats.studentized_range.isf(alpha, strategies, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(strategies * (strategies + 1) / (6 * datasets)))


def relative(runs: pd.DataFrame, control: str) -> pd.DataFrame:
    """Scores that data sets share: 1 + (y − c)/|c| with c the control's mean on the data set.

    So 1 is the control, 1.02 is two per cent better, in ratios of NDCG as in nats of the ELBO.

    Args:
        runs: ``dataset, strategy, seed, value``.
        control: data sets without it are left out.
    """
    level = runs[runs["strategy"] == control].groupby("dataset")["value"].mean()
    level = level[level != 0]
    known = runs[runs["dataset"].isin(level.index)]
    c = known["dataset"].map(level).astype(float)
    return known.assign(score=1 + (known["value"] - c) / c.abs())


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """Mean of the middle half of the last axis, as scipy.stats.trim_mean(·, .25)."""
    return np.asarray(scipy.stats.trim_mean(scores, 0.25, axis=-1))


def aggregate(scores: pd.DataFrame, order: list[str], confidence: float) -> pd.DataFrame:
    """IQM of each strategy over all its runs, with a bootstrap interval stratified by data set.

    The interval speaks of new seeds on these data sets, not of new data sets. Its percentiles are
    expanded (:func:`vaebench.statistics.bootstrap.expanded`): those of plain resampling over five
    seeds cover .84 to .91 where they say .95.

    Args:
        scores: see :func:`relative`.
        order: strategies in the order wanted.
        confidence: level.

    Returns:
        ``strategy, iqm, low, high, runs, datasets``; bounds NaN where a data set has one seed.
    """
    rows = []
    for strategy in order:
        mine = scores[scores["strategy"] == strategy]
        if len(mine):
            strata = [part.to_numpy() for _, part in mine.groupby("dataset", sort=False)["score"]]
            low, high = bounds(strata, interquartile_mean, confidence)
            point = float(interquartile_mean(np.concatenate(strata)))
            rows.append([strategy, point, low, high, len(mine), len(strata)])
    return pd.DataFrame(rows, columns=["strategy", "iqm", "low", "high", "runs", "datasets"])


def bounds(
    strata: list[np.ndarray], statistic: Callable[[np.ndarray], np.ndarray], confidence: float
) -> tuple[float, float]:
    """Expanded bounds of a statistic of the runs, resampled within each data set."""
    if min(map(len, strata)) < 2:  # noqa: PLR2004 (one run says nothing of the next)
        return math.nan, math.nan
    values = statistic(np.concatenate(stratified(strata), axis=1))
    runs = sum(map(len, strata))
    return expanded(values, confidence, runs - len(strata), runs / len(strata))


def improvement(
    scores: pd.DataFrame, order: list[str], control: str, confidence: float
) -> pd.DataFrame:
    """Probability that a run of a strategy beats a run of the control, averaged over data sets.

    Agarwal et al. 2021, §4.3: per data set the Mann-Whitney U over all pairs of runs, divided by
    their number; ties count one half. Data sets that lack either strategy are left out.

    The bounds are Clopper and Pearson's for N·n independent pairs, N data sets with n the fewest
    runs of either side: of U over n × m pairs no variance exceeds that of min(n, m) independent
    ones, and shares that differ between data sets vary less than their mean would (Hoeffding
    1956). So 3 wins of 3 on 3 data sets are [.66, 1], not [1, 1].

    Returns:
        ``strategy, probability, low, high, datasets, meaningful`` (low > .5 and the probability at
        least .75).
    """
    rows = []
    for strategy in (name for name in order if name != control):
        pairs = []
        for _, part in scores.groupby("dataset", sort=False):
            by = {name: rows["score"].to_numpy() for name, rows in part.groupby("strategy")}
            if strategy in by and control in by:
                pairs.append((by[strategy], by[control]))
        if not pairs:
            continue
        point = float(np.mean([beats(a[None], b[None])[0] for a, b in pairs]))
        trials = len(pairs) * min(len(side) for side in itertools.chain(*pairs))
        low, high = exact(point * trials, trials, confidence)
        meaningful = low > 0.5 and point >= MEANINGFUL  # noqa: PLR2004 (chance)
        rows.append([strategy, point, low, high, len(pairs), meaningful])
    columns = ["strategy", "probability", "low", "high", "datasets", "meaningful"]
    return pd.DataFrame(rows, columns=columns)


def beats(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(R, n) and (R, m) → (R,): the share of pairs with a > b, ties one half."""
    left, right = a[:, :, None], b[:, None, :]
    return np.asarray(((left > right) + 0.5 * (left == right)).mean((1, 2)))


def profiles(scores: pd.DataFrame, order: list[str], points: int = 101) -> pd.DataFrame:
    """Performance profiles: the share of a strategy's runs with a score above τ.

    Agarwal et al. 2021, §4.2; the mean over data sets, each of the same weight.

    Returns:
        ``strategy, threshold, share, datasets``.
    """
    if scores.empty:
        return pd.DataFrame(columns=["strategy", "threshold", "share", "datasets"])
    low, high = scores["score"].min(), scores["score"].max()
    thresholds = np.linspace(low - 0.02 * (high - low), high, points)
    frames = []
    for strategy in order:
        parts = [
            (part.to_numpy()[:, None] > thresholds).mean(0)
            for _, part in scores[scores["strategy"] == strategy].groupby("dataset")["score"]
        ]
        if parts:
            share = np.mean(parts, axis=0)
            frame = pd.DataFrame({"threshold": thresholds, "share": share})
            frames.append(frame.assign(strategy=strategy, datasets=len(parts)))
    return pd.concat(frames, ignore_index=True)


@dataclass(frozen=True)
class Across:
    """One question over several data sets: a metric, for all models or for one of them."""

    metric: str
    model: str
    ranks: Ranks
    iqm: pd.DataFrame
    improvement: pd.DataFrame
    profiles: pd.DataFrame

    def frames(self) -> dict[str, pd.DataFrame]:
        """``ranks``, ``nemenyi``, ``across`` (IQM and improvement) and ``profiles``, tidy."""
        found = self.ranks
        ranks = found.ranks.rename("rank").rename_axis("strategy").reset_index()
        ranks = ranks.assign(
            datasets=len(found.datasets),
            names=", ".join(found.datasets),
            p_friedman=found.p_friedman,
            p_iman=found.p_iman,
            critical=found.critical,
            left_out=", ".join(found.left_out),
            note=found.note,
        )
        nemenyi = pd.DataFrame(
            [
                (a, b, found.nemenyi.loc[a, b])
                for a, b in itertools.combinations(found.nemenyi.index, 2)
            ],
            columns=["a", "b", "p"],
        )
        chances = self.improvement.rename(columns={"low": "p_low", "high": "p_high"})
        both = self.iqm.merge(chances.drop(columns="datasets"), on="strategy", how="left")
        tidy = {"ranks": ranks, "nemenyi": nemenyi, "across": both, "profiles": self.profiles}
        return {name: self._named(frame) for name, frame in tidy.items()}

    def _named(self, frame: pd.DataFrame) -> pd.DataFrame:
        columns = ["metric", "model", *frame.columns]
        return frame.assign(metric=self.metric, model=self.model)[columns]


def across(
    summary: pd.DataFrame,
    runs: pd.DataFrame,
    order: list[str],
    control: str,
    confidence: float,
    units: Mapping[str, str] | None = None,
    measures: Measures = MEASURES,
) -> list[Across]:
    """Every metric with a better side that more than one unit has.

    Each unit counts once: its mean over its data sets, seed by seed. Where every data set has one
    model they stand together (``model`` is “all”); otherwise models are taken one by one.

    Args:
        summary: see :class:`vaebench.statistics.study.Findings`.
        runs: likewise.
        order: strategies in the order of the study.
        control: see :func:`relative`.
        confidence: level of intervals; 1 − confidence that of the critical difference.
        units: data set → what it is a sample of; by default itself. Drawn data have none, an empty
            text, and are left out.
        measures: the metrics.
    """
    found = []
    for metric, measure in measures.items():
        if not measure.sign or summary.empty or metric not in set(summary["metric"]):
            continue
        mine, its_runs = (
            of_units(frame[frame["metric"] == metric], units or {}) for frame in (summary, runs)
        )
        mine["mean"] *= measure.sign
        its_runs["value"] *= measure.sign
        alone = mine.groupby("dataset")["model"].nunique().max() == 1
        for model in ["all"] if alone else mine["model"].unique():
            rows, values = mine, its_runs
            if model != "all":
                rows, values = (frame[frame["model"] == model] for frame in (mine, its_runs))
            if rows["unit"].nunique() < FEWEST_DATASETS:
                continue
            scores = by_unit(rows)
            scores = scores[[name for name in order if name in scores]]
            over = ranks(scores, 1 - confidence)
            # scores over different data sets are no comparison
            shared = relative(values[values["strategy"].isin(over.ranks.index)], control)
            keys = ["unit", "strategy", "seed"]
            each = shared.groupby(keys, sort=False)["score"].mean().reset_index()
            each = each.rename(columns={"unit": "dataset"})
            found.append(
                Across(
                    metric,
                    str(model),
                    over,
                    aggregate(each, order, confidence),
                    improvement(each, order, control, confidence),
                    profiles(each, order),
                )
            )
    return found


def of_units(frame: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """The rows of data sets that are a sample of something, which is their ``unit``."""
    unit = frame["dataset"].map(lambda name: units.get(name, name))
    return frame.assign(unit=unit)[unit != ""]


def by_unit(rows: pd.DataFrame) -> pd.DataFrame:
    """Units × strategies, the mean over a unit's data sets; NaN where one of them has no result.

    A unit of several data sets is called by its name and theirs.
    """
    each = rows.pivot_table(index="dataset", columns="strategy", values="mean", sort=False)
    unit = rows.drop_duplicates("dataset").set_index("dataset")["unit"].loc[each.index]
    members = {name: list(part.index) for name, part in unit.groupby(unit, sort=False)}
    frames = {
        (f"{name} ({', '.join(parts)})" if parts != [name] else name): each.loc[parts].mean(
            skipna=False
        )
        for name, parts in members.items()
    }
    return pd.DataFrame(frames).T
