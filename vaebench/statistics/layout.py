"""The crossed two-way layout: y_us = μ + a_u + b_s + e_us, examples × seeds, both random."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

TWO = 2
"""Seeds or examples whose degrees of freedom cannot be told from the data."""

NO_SPREAD = 1e-12
"""A standard deviation below this share of the values is rounding, not variation."""


@dataclass(frozen=True)
class Layout:
    """What inference about μ needs of y: its mean and mean squares.

    Var(ȳ) = (MS_u + MS_s − MS_e)/(U·S), with Satterthwaite's degrees of freedom (Searle, Casella &
    McCulloch 1992, Variance Components, §4.3; Satterthwaite 1946). It covers new seeds and new
    examples alike.

    Attributes:
        mean: the mean over all examples and seeds.
        examples: U.
        seeds: S.
        ms_example: S · Σ_u (ȳ_u − ȳ)²/(U − 1); expectation S·σ_a² + σ_e².
        ms_seed: U · Σ_s (ȳ_s − ȳ)²/(S − 1); expectation U·σ_b² + σ_e².
        ms_error: the residual mean square; expectation σ_e².
        scale: the largest absolute value, to tell variation from rounding.
    """

    mean: float
    examples: int
    seeds: int
    ms_example: float
    ms_seed: float
    ms_error: float
    scale: float

    @classmethod
    def of(cls, y: np.ndarray, scale: float | None = None, *, fixed: bool = False) -> "Layout":
        """The layout of y (U, S), all finite; mean squares are NaN without two of each.

        Args:
            y: the values.
            scale: the largest absolute value behind y, where y is itself a difference.
            fixed: nothing was drawn: every seed would give the same, so that MS_s = MS_e = 0.
        """
        examples, seeds = y.shape
        if not y.size:
            return cls(math.nan, examples, seeds, math.nan, math.nan, math.nan, 0.0)
        scale = float(np.abs(y).max()) if scale is None else scale
        mean = float(y.mean())
        if fixed and examples > 1:
            return cls(mean, examples, seeds, seeds * float(y.mean(1).var(ddof=1)), 0.0, 0.0, scale)
        if min(examples, seeds) < 2:  # noqa: PLR2004 (no variance of one)
            return cls(mean, examples, seeds, math.nan, math.nan, math.nan, scale)
        by_example, by_seed = y.mean(1), y.mean(0)
        residual = y - by_example[:, None] - by_seed[None, :] + mean
        return cls(
            mean,
            examples,
            seeds,
            float(seeds * by_example.var(ddof=1)),
            float(examples * by_seed.var(ddof=1)),
            float(np.einsum("us,us->", residual, residual)) / ((examples - 1) * (seeds - 1)),
            scale,
        )

    @property
    def combined(self) -> float:
        """MS_u + MS_s − MS_e, but never less than what either factor alone accounts for."""
        return max(self.ms_example + self.ms_seed - self.ms_error, self.ms_example, self.ms_seed)

    @property
    def error(self) -> float:
        """The standard error of the mean; NaN without two seeds and two examples."""
        if math.isnan(self.ms_error):
            return math.nan
        return math.sqrt(self.combined / (self.examples * self.seeds))

    @property
    def freedom(self) -> float:
        """Satterthwaite's degrees of freedom of ``error``; NaN where nothing varies."""
        if not self.varies:
            return math.nan
        of_examples, of_seeds = self.examples - 1, max(1, self.seeds - 1)
        parts = self.ms_example**2 / of_examples + self.ms_seed**2 / of_seeds
        parts += self.ms_error**2 / (of_examples * of_seeds)
        freedom = self.combined**2 / parts
        # with two seeds MS_s is at times next to nothing and ν then the examples' own: a true null
        # is rejected in up to 8 % of all studies (python -m vaebench.statistics.calibration)
        return min(freedom, 1.0) if min(self.examples, self.seeds) == TWO else freedom

    @property
    def varies(self) -> bool:
        """False where there is no variance (one seed, one example) or only rounding."""
        return self.error > NO_SPREAD * self.scale

    def interval(self, confidence: float) -> tuple[float, float]:
        """Bounds of the mean; NaN without a variance, the mean itself where nothing varies."""
        if not self.varies:
            bound = math.nan if math.isnan(self.error) else self.mean
            return bound, bound
        half = float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.error
        return self.mean - half, self.mean + half

    def below(self, value: float) -> float:
        """One-sided p of μ ≥ ``value``: small where the mean is far below it."""
        if not self.varies:
            return math.nan
        return float(stdtr(self.freedom, (self.mean - value) / self.error))

    def above(self, value: float) -> float:
        """One-sided p of μ ≤ ``value``: small where the mean is far above it."""
        if not self.varies:
            return math.nan
        return float(stdtr(self.freedom, (value - self.mean) / self.error))

    def two_sided(self) -> float:
        """The p of μ = 0; NaN without a variance."""
        if not self.varies:
            return math.nan
        return float(2 * stdtr(self.freedom, -abs(self.mean) / self.error))

    @property
    def components(self) -> tuple[float, float, float]:
        """(σ_a², σ_b², σ_e²) by the method of moments, never below 0."""
        return (
            max(0.0, (self.ms_example - self.ms_error) / self.seeds),
            max(0.0, (self.ms_seed - self.ms_error) / self.examples),
            self.ms_error,
        )
