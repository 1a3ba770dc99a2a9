r"""What studies of other data sets lead to expect of a new one: a curve over β, and gains.

**Curve of a data set.** β of a trial is compared with the β* that its replicate chose in the latest
rung that both are in: loss ℓ_r(β) = S(β*) − S(β) in validation NDCG. ℓ_k is the mean over the
replicates of data set k, linear in log β between trials and level beyond the ends; of a unit with
several data sets the mean.

**Axis.** log β, or log(β / n̄) with n̄ the mean interactions of a user. The one is taken on which the
point of the least mean loss over the other units loses less, on average over the units left out.

**Expected curve.** On the grid of a new data set's trials, c_k = −ℓ_k less its mean over the grid.
Expected is the mean c̄ over K units, and a new unit's curve lies in c̄ ± t_{K−1}·s·√(1 + 1/K).

**Own trials.** With C the new data set's curve less its mean over the grid, v its variance from the
users, and w = s²(1 + 1/K) of the studies (never below the median over the grid), the two are
combined as a normal prior and a normal observation: (C/v + c̄/w)/(1/v + 1/w). The trial with the
highest value goes on. With fewer than five units C alone decides.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vaebench.advice.studies import CONSTANT, Study
from vaebench.advice.trials import ANNEALED
from vaebench.statistics.across import FEWEST_TESTED
from vaebench.statistics.prediction import by_units, predicted_half, predictions

CONFIDENCE = 0.95
AXES = ("β", "β / mean n_u")
STEPS = 121
"""Points of an axis on which the least loss is looked for."""

FLOOR = 1e-12
"""Of a variance, so that it can be divided by."""


def curve(
    study: Study, log_beta: np.ndarray, replicates: Sequence[int] | None = None
) -> np.ndarray:
    """ℓ_k at ``log_beta``, the mean over the given replicates, by default all."""
    each = [
        np.interp(log_beta, points, loss)
        for replicate, (points, loss) in study.losses.items()
        if replicates is None or replicate in replicates
    ]
    return np.asarray(np.mean(each, axis=0))


def shift(study: Study | Mapping[str, float], axis: int) -> float:
    """What is taken from log₁₀ β on an axis: 0, or log₁₀ of the mean n_u."""
    shape = study.shape if isinstance(study, Study) else study
    return math.log10(shape["mean_n"]) if axis else 0.0


def unit_curves(studies: Sequence[Study], axis: int, points: np.ndarray) -> pd.DataFrame:
    """Units × points of the axis: ℓ, the mean over a unit's data sets."""
    table = pd.DataFrame([curve(study, points + shift(study, axis)) for study in studies])
    return table.groupby(np.array([study.unit for study in studies]), sort=False).mean()


@dataclass(frozen=True)
class Expected:
    """What studies lead to expect of a data set; see the module.

    Attributes:
        units: K; 0 where there is no study.
        axis: the place in :data:`AXES`.
        log_beta: log₁₀ of the β of the least mean loss, on the new data set.
        low: log₁₀ of the bounds in which the best β of a new unit lies; NaN with few units.
        high: likewise.
        studies: those that count.
        shape: of the new data set.
    """

    units: int
    axis: int
    log_beta: float
    low: float
    high: float
    studies: list[Study]
    shape: dict[str, float]

    @property
    def enough(self) -> bool:
        """Whether there are enough units for an interval."""
        return self.units >= FEWEST_TESTED

    @property
    def beta(self) -> float:
        """The β of the least mean loss."""
        return float(10**self.log_beta)

    def centred(self, betas: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """c̄ and w at the β of trials: the expected curve less its mean, and its variance."""
        points = np.log10(betas) - shift(self.shape, self.axis)
        table = -unit_curves(self.studies, self.axis, points).to_numpy()
        table = table - table.mean(1, keepdims=True)
        variance = table.var(0, ddof=1) * (1 + 1 / self.units)
        return table.mean(0), np.maximum(variance, max(float(np.median(variance)), FLOOR))

    def band(self, betas: Sequence[float], level: float) -> pd.DataFrame:
        """``beta, middle, low, high``: the expected curve and its interval around ``level``."""
        middle, variance = self.centred(betas)
        spread = np.sqrt(variance / (1 + 1 / self.units))
        half = predicted_half(spread, self.units, CONFIDENCE)
        found = {"beta": list(betas), "middle": level + middle}
        return pd.DataFrame(found | {"low": level + middle - half, "high": level + middle + half})


def expected(studies: Sequence[Study], shape: Mapping[str, float]) -> Expected:
    """What the studies of other data sets lead to expect of one of this shape.

    Args:
        studies: drawn data (without a unit) do not count.
        shape: ``mean_n`` and others of the new data set.
    """
    known = [study for study in studies if study.unit]
    units = len({study.unit for study in known})
    if not known:
        return Expected(0, 0, math.nan, math.nan, math.nan, [], dict(shape))
    axis = _axis(known)
    points = _grid(known, axis)
    table = unit_curves(known, axis, points)
    log_beta = float(points[int(table.mean(axis=0).argmin())]) + shift(shape, axis)
    low = high = math.nan
    if units >= FEWEST_TESTED:
        best = pd.Series(
            [_best(study) - shift(study, axis) for study in known],
            [study.unit for study in known],
        )
        each = best.groupby(level=0).mean().to_numpy()
        half = float(predicted_half(each.std(ddof=1), units, CONFIDENCE))
        low, high = (float(each.mean()) + sign * half + shift(shape, axis) for sign in (-1, 1))
    return Expected(units, axis, log_beta, low, high, known, dict(shape))


def _best(study: Study) -> float:
    """log₁₀ of the chosen β, the mean over replicates."""
    return float(np.mean(np.log10(study.betas)))


def _grid(studies: Sequence[Study], axis: int) -> np.ndarray:
    ends = [
        np.log10([study.curves["beta"].min(), study.curves["beta"].max()]) - shift(study, axis)
        for study in studies
    ]
    return np.linspace(float(np.min(ends)), float(np.max(ends)), STEPS)


def _axis(studies: Sequence[Study]) -> int:
    """The axis on which one point for all loses less, each unit left out of the choice in turn."""
    found = []
    for axis in range(len(AXES)):
        table = unit_curves(studies, axis, _grid(studies, axis)).to_numpy()
        if len(table) == 1:
            return 0
        out = [table[k, int(np.delete(table, k, 0).mean(0).argmin())] for k in range(len(table))]
        found.append(float(np.mean(out)))
    return int(np.argmin(found))


def combined(own: np.ndarray, other: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
    """The centred curve over trials, with that of studies as a normal prior; see the module.

    Args:
        own: (P, U) NDCG of the same users under each trial; columns with NaN do not count.
        other: c̄ and w of the studies at the same trials; None: the own curve alone.
    """
    users = own[:, np.isfinite(own).all(0)]
    each = users - users.mean(0)
    mean = each.mean(1)
    if other is None or users.shape[1] < 2 or len(users) < 2:  # noqa: PLR2004 (a variance)
        return np.asarray(mean)
    variance = np.maximum(each.var(1, ddof=1) / users.shape[1], FLOOR)
    centre, width = other
    return np.asarray((mean / variance + centre / width) / (1 / variance + 1 / width))


def gains(studies: Sequence[Study]) -> pd.DataFrame:
    """Over units: each strategy and baseline minus the tuned constant β, with intervals.

    The columns are those of :func:`vaebench.statistics.prediction.predictions`; the differences
    are paired in replicates.
    """
    rows = []
    for study in studies:
        base = np.array(study.scores[CONSTANT], float)
        for name, scores in study.scores.items():
            d = np.array(scores, float) - base
            d = d[np.isfinite(d)]
            if name != CONSTANT and len(d):
                error = float(d.std(ddof=1) / math.sqrt(len(d))) if len(d) > 1 else math.nan
                rows.append([study.name, name, float(d.mean()), error])
    table = pd.DataFrame(rows, columns=["dataset", "strategy", "difference", "error"])
    if table.empty:
        return table
    each = by_units(table, {study.name: study.unit for study in studies})
    names = list(dict.fromkeys(each["strategy"]))
    strategies = [name for name in names if any(name in study.chosen for study in studies)]
    return predictions(each, names, CONFIDENCE, registered=strategies)


def said(found: Expected) -> list[str]:
    """What studies lead to expect, in words."""
    if not found.enough:
        few = (
            f"studies: {found.units} published data sets of interactions are too few to expect "
            f"anything of yours ({FEWEST_TESTED} are needed): your trials alone decide"
        )
        return [few]
    n = found.shape["mean_n"]
    low, high = 10**found.low, 10**found.high
    first = (
        f"studies ({found.units} unrelated data sets): on data of this shape a constant β of about "
        f"{found.beta:.2g} ({found.beta / n:.2g} per interaction) loses least; the best one of a "
        f"new data set is expected in [{low:.2g}, {high:.2g}]"
    )
    words = [first]
    table = gains(found.studies).set_index("strategy")
    for name, what in (("one", "β = 1"), ("published", "the published annealing")):
        if name in table.index and table.loc[name, "headline"]:
            row = table.loc[name]
            mean, least, most = (-row[key] for key in ("mean", "predicted_high", "predicted_low"))
            words.append(
                f"  a tuned constant β against {what}: {mean:+.3f} expected, between {least:+.3f} "
                f"and {most:+.3f} on new data"
            )
    if "ease" in table.index and table.loc["ease", "headline"]:
        row = table.loc["ease"]
        words.append(
            f"  EASE^R, a closed form, against it: {row['mean']:+.3f} expected, between "
            f"{row['predicted_low']:+.3f} and {row['predicted_high']:+.3f} on new data"
        )
    better = ahead(found.studies)
    words.append(
        f"  better than a tuned constant β: {', '.join(better)}"
        if better
        else "  no strategy is shown to be better than a tuned constant β"
    )
    return words


SCALES: dict[str, tuple[dict[str, Any], str, bool]] = {
    "constant-cyclical-lr": ({"class": "constant.Constant"}, "beta", False),
    "annealed": (ANNEALED, "cap", False),
    "cosine": ({"class": "cosine.Cosine"}, "cap", False),
    "cyclical": ({"class": "cyclical.Cyclical", "ramp": 0.5}, "cap", False),
    "decreasing": (
        {"class": "decreasing.Decreasing", "ratio": 0.1, "horizon": 0.5},
        "start",
        False,
    ),
    "step": ({"class": "step.Step", "before": 0}, "after", False),
    "user-scaled": ({"class": "user_scaled.UserScaled"}, "gamma", True),
    "per-interaction": ({"class": "per_interaction.PerInteraction"}, "beta", True),
}
"""Strategies of the published studies that one number scales: class, its option, and whether it
multiplies a user's interactions."""


def transferred(
    name: str, beta: float, shape: Mapping[str, float], studies: Sequence[Study] = ()
) -> dict[str, Any]:
    """A strategy of :data:`SCALES` for new data whose best constant is ``beta``.

    Its option is κ·β, or κ·β / n̄ where it multiplies interactions. κ is the median over the units'
    data sets of what was chosen for it (times n̄) divided by the constant β chosen in the same
    replicate; 1 without studies.
    """
    spec, option, per_n = SCALES[name]
    ratios = [
        np.median(
            np.array(study.chosen[name][option])
            * (study.mean_n if per_n else 1)
            / np.array(study.betas)
        )
        for study in studies
        if name in study.chosen and option in study.chosen[name]
    ]
    ratio = float(np.median(ratios)) if ratios else 1.0
    value = ratio * beta / (shape["mean_n"] if per_n else 1)
    return {**spec, option: float(f"{value:.3g}")}


def ahead(studies: Sequence[Study]) -> list[str]:
    """Strategies of :data:`SCALES` that studies show to be better than a tuned constant β.

    Those whose interval of the mean difference, at level 1 − α/m for all m strategies together, is
    above 0 with at least five units; the best mean first.
    """
    table = gains(studies)
    if table.empty:
        return []
    good = table[table["headline"] & (table["joint_low"] > 0) & table["strategy"].isin(SCALES)]
    return [str(name) for name in good.sort_values("mean", ascending=False)["strategy"]]
