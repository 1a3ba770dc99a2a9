"""The crossed two-way layout: y_us = μ + a_u + b_s + e_us, examples × seeds, both random.

Replicates have test parts of their own: there examples are nested, y_ur = μ + b_r + w_ur
(:meth:`Layout.nested`), and the same formulas hold with other mean squares.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

TWO = 2
"""Seeds or examples whose degrees of freedom cannot be told from the data."""

NO_SPREAD = 1e-12
"""A standard deviation below this share of the values is rounding, not variation."""


def mean_squares(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The mean and the three mean squares of layouts y (…, U, S) with U, S ≥ 2.

    Returns:
        (…) each: ȳ; MS_u = S·Σ_u (ȳ_u − ȳ)²/(U − 1), expectation S·σ_a² + σ_e²; MS_s =
        U·Σ_s (ȳ_s − ȳ)²/(S − 1), expectation U·σ_b² + σ_e²; MS_e, the residual, expectation σ_e².
    """
    examples, seeds = y.shape[-2:]
    mean, by_example, by_seed = y.mean((-2, -1)), y.mean(-1), y.mean(-2)
    residual = y - by_example[..., :, None] - by_seed[..., None, :] + mean[..., None, None]
    return (
        mean,
        seeds * by_example.var(-1, ddof=1),
        examples * by_seed.var(-1, ddof=1),
        np.einsum("...us,...us->...", residual, residual) / ((examples - 1) * (seeds - 1)),
    )


def satterthwaite(
    ms_example: ArrayLike,
    ms_seed: ArrayLike,
    ms_error: ArrayLike,
    examples: ArrayLike,
    seeds: ArrayLike,
) -> tuple[np.ndarray, np.ndarray]:
    """The variance of the mean of a crossed layout and its degrees of freedom; any shapes.

    Var(ȳ) = (MS_u + MS_s − MS_e)/(U·S) with ν = Var²/Σ parts² (Satterthwaite 1946; Searle, Casella
    & McCulloch 1992, Variance Components, §4.3), but never less variance than what either factor
    alone accounts for.

    With two seeds MS_s is at times next to nothing and ν then the examples' own: a true null is
    rejected in up to 8 % of all studies. ν is 1 there.
    """
    a, b, e = (np.asarray(square, float) for square in (ms_example, ms_seed, ms_error))
    users, runs = np.asarray(examples, float), np.asarray(seeds, float)
    of_users, of_runs = users - 1, np.maximum(1, runs - 1)
    combined = np.maximum(a + b - e, np.maximum(a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = a**2 / of_users + b**2 / of_runs + e**2 / (of_users * of_runs)
        freedom = combined**2 / parts
    few = np.minimum(users, runs) == TWO
    return combined / (users * runs), np.where(few, np.minimum(freedom, 1.0), freedom)


def two_sided(mean: ArrayLike, error: ArrayLike, freedom: ArrayLike) -> np.ndarray:
    """Student's p of μ = 0; any shapes."""
    return np.asarray(2 * stdtr(freedom, -np.abs(mean) / error))


COMMON = "common"
"""In the ``attrs`` of a frame examples × replicates: the share of test examples that two replicates
have in common by chance, where each has its own. Its rows then mean nothing across columns, and NaN
stands where a replicate has no such row."""


def common_of(frame: pd.DataFrame) -> float | None:
    """The share of :data:`COMMON`; None where all columns are of the same examples."""
    share: float | None = frame.attrs.get(COMMON)
    return share


def means(y: np.ndarray, common: float | None = None) -> np.ndarray:
    """(S,) column means; of nested values those of the rows that a column has."""
    if common is None:
        return y.mean(0)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # an empty column
        return np.nanmean(y, axis=0)


def overall(y: np.ndarray, common: float | None = None) -> float:
    """The mean; of nested values the mean of column means, each replicate counting alike."""
    return float(y.mean() if common is None else means(y, common).mean())


@dataclass(frozen=True)
class Student:
    """A mean, its standard error and degrees of freedom: all that a t statement needs."""

    mean: float
    error: float
    freedom: float

    @classmethod
    def of(cls, values: np.ndarray) -> "Student":
        """Of independent values (n,): the one-sample t; the error is NaN with a single one."""
        count = len(values)
        spread = float(values.std(ddof=1)) if count > 1 else math.nan
        return cls(float(values.mean()), spread / math.sqrt(count), count - 1)

    def half(self, confidence: float) -> float:
        """Half the length of the interval."""
        return float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.error

    def two_sided(self) -> float:
        """The p of μ = 0."""
        return float(two_sided(self.mean, self.error, self.freedom))

    def below(self, value: float) -> float:
        """One-sided p of μ ≥ ``value``: small where the mean is far below it."""
        return float(stdtr(self.freedom, (self.mean - value) / self.error))

    def above(self, value: float) -> float:
        """One-sided p of μ ≤ ``value``: small where the mean is far above it."""
        return float(stdtr(self.freedom, (value - self.mean) / self.error))


@dataclass(frozen=True)
class Layout:
    """What inference about μ needs of y: its mean and mean squares.

    **Every claim must hold twice**: by the crossed t, which covers new seeds and new examples
    (:func:`satterthwaite`), and by the paired t on seed means. The p-values here are the larger of
    the two, the intervals the wider. With 3 or 5 seeds the crossed test alone is nearly right at
    5 % and wrong in the tail, where a correction for many strategies reads it: of 24 contrasts of
    3 seeds and 10,000 users, with Holm, it declares some true null false in every third study
    (``python -m vaebench.statistics.familywise``).

    With one example (a metric that has one value a cell) the seeds' t stands alone.

    Attributes:
        mean: the mean over all examples and seeds.
        examples: U; of replicates the harmonic mean of theirs.
        seeds: S.
        ms_example: see :func:`mean_squares`.
        ms_seed: likewise.
        ms_error: likewise.
        scale: the largest absolute value, to tell variation from rounding.
    """

    mean: float
    examples: float
    seeds: int
    ms_example: float
    ms_seed: float
    ms_error: float
    scale: float

    @classmethod
    def of(
        cls,
        y: np.ndarray,
        scale: float | None = None,
        *,
        fixed: bool = False,
        common: float | None = None,
    ) -> "Layout":
        """The layout of y (U, S), all finite; NaN where two seeds or two examples are wanting.

        Args:
            y: the values.
            scale: the largest absolute value behind y, where y is itself a difference.
            fixed: nothing was drawn: every seed would give the same, so that MS_s = MS_e = 0.
            common: y is nested, see :meth:`nested`.
        """
        if common is not None and len(y) > 1:
            return cls.nested(y, common, scale)
        examples, seeds = y.shape
        if not y.size:
            return cls(math.nan, examples, seeds, math.nan, math.nan, math.nan, 0.0)
        scale = float(np.abs(y).max()) if scale is None else scale
        mean = float(y.mean())
        if fixed and examples > 1:
            return cls(mean, examples, seeds, seeds * float(y.mean(1).var(ddof=1)), 0.0, 0.0, scale)
        if seeds < TWO:
            return cls(mean, examples, seeds, math.nan, math.nan, math.nan, scale)
        if examples < TWO:
            return cls(mean, 1, seeds, math.nan, float(y[0].var(ddof=1)), math.nan, scale)
        mean, of_examples, of_seeds, residual = map(float, mean_squares(y))
        return cls(mean, examples, seeds, of_examples, of_seeds, residual, scale)

    @classmethod
    def nested(cls, y: np.ndarray, common: float, scale: float | None = None) -> "Layout":
        """The layout of R replicates with test parts of their own, y (U, R), NaN where none is.

        y_ur = μ + b_r + w_ur. With m_r the mean of replicate r, s_m² the variance of the m_r, s_w²
        that of the values within replicates (pooled) and U their (harmonic mean) number,

            E s_m² = σ_b² + (1 − c)·σ_w²/U,   Var(m̄) = σ_b²/R + σ_w²/(U·R)·(1 + (R − 1)·c)

        for a share c of examples in common, each of which has the same value in both; less where
        it has not. So Var(m̄) is estimated by s_m²/R + c·s_w²/U, and never by less than what
        sampling examples alone accounts for. With c = U/N, of N examples in the data, the second
        part is s_w²/N: what N examples say of others like them (as in the correction for
        overlapping splits of Nadeau & Bengio 2003, Machine Learning 52, there for all of s_m²).

        These are :func:`satterthwaite`'s formulas with MS_e = s_w², MS_u = (1 + R·c)·s_w² and
        MS_s = U·s_m², so all that is made of a crossed layout holds: :attr:`by_seed` is the t on
        replicate means, :attr:`components` are (c·σ_w², σ_b², σ_w²).

        Args:
            y: the values; rows mean nothing across columns.
            common: c.
            scale: see :meth:`of`.
        """
        counts = np.isfinite(y).sum(0)
        y = y[:, counts > 0]
        counts = counts[counts > 0]
        replicates = len(counts)
        if not replicates:
            return cls(math.nan, 0, 0, math.nan, math.nan, math.nan, 0.0)
        scale = float(np.nanmax(np.abs(y))) if scale is None else scale
        by_replicate = means(y, common)
        mean, examples = float(by_replicate.mean()), replicates / float((1 / counts).sum())
        if replicates < TWO or counts.sum() == replicates:
            return cls(mean, round(examples), replicates, math.nan, math.nan, math.nan, scale)
        within = float(np.nansum((y - by_replicate) ** 2) / (counts.sum() - replicates))
        of_means = examples * float(by_replicate.var(ddof=1))
        of_examples = (1 + replicates * common) * within
        return cls(mean, examples, replicates, of_examples, of_means, within, scale)

    @property
    def crossed(self) -> Student:
        """Of new seeds and new examples; NaN without two of each."""
        squares = (self.ms_example, self.ms_seed, self.ms_error)
        variance, freedom = satterthwaite(*squares, self.examples, self.seeds)
        return Student(self.mean, math.sqrt(variance), float(freedom))

    @property
    def by_seed(self) -> Student:
        """Of new seeds on these examples: the t on seed means."""
        error = math.sqrt(self.ms_seed / (self.examples * self.seeds))
        return Student(self.mean, error, self.seeds - 1)

    @property
    def by_example(self) -> Student:
        """Of new examples under these trained models: the t on example means."""
        error = math.sqrt(self.ms_example / (self.examples * self.seeds))
        return Student(self.mean, error, self.examples - 1)

    @property
    def claims(self) -> list[Student]:
        """What a statement about μ must satisfy, all of it; empty where nothing varies."""
        found = (self.crossed, self.by_seed) if self.size else ()
        return [claim for claim in found if claim.error > NO_SPREAD * self.scale]

    @property
    def size(self) -> float:
        """U·S."""
        return self.examples * self.seeds

    @property
    def varies(self) -> bool:
        """False where there is no variance (one seed) or only rounding."""
        return bool(self.claims)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the crossed t, with one example of the seeds'; NaN without any."""
        if not self.varies:
            return math.nan
        return self.seeds - 1 if self.examples < TWO else self.crossed.freedom

    def interval(self, confidence: float) -> tuple[float, float]:
        """Bounds of the mean; NaN without a variance, the mean itself where nothing varies."""
        if not self.varies:
            bound = math.nan if math.isnan(self.ms_seed) else self.mean
            return bound, bound
        half = max(claim.half(confidence) for claim in self.claims)
        return self.mean - half, self.mean + half

    def below(self, value: float) -> float:
        """One-sided p of μ ≥ ``value``: small where the mean is far below it."""
        return max((claim.below(value) for claim in self.claims), default=math.nan)

    def above(self, value: float) -> float:
        """One-sided p of μ ≤ ``value``: small where the mean is far above it."""
        return max((claim.above(value) for claim in self.claims), default=math.nan)

    def two_sided(self) -> float:
        """The p of μ = 0; NaN without a variance."""
        return max((claim.two_sided() for claim in self.claims), default=math.nan)

    @property
    def components(self) -> tuple[float, float, float]:
        """(σ_a², σ_b², σ_e²) by the method of moments, never below 0; one example has no users."""
        if self.examples < TWO:
            return 0.0, self.ms_seed, 0.0
        return (
            max(0.0, (self.ms_example - self.ms_error) / self.seeds),
            max(0.0, (self.ms_seed - self.ms_error) / self.examples),
            self.ms_error,
        )
