"""Equivalence: “no difference” as a claim of its own, not as a test that failed."""

import math

from vaebench.statistics.layout import Layout


def equivalence(layout: Layout, margin: float) -> float:
    """The p of two one-sided tests: |μ| ≥ margin is rejected where p is small.

    TOST (Schuirmann 1987): the larger of p(μ ≤ −margin) and p(μ ≥ margin), each the larger of the
    crossed t's and the seeds' (:class:`Layout`). At level α it agrees with: the (1 − 2α) interval
    lies within ±margin.

    Args:
        layout: of the differences.
        margin: > 0 in the unit of the metric, fixed before the study; NaN: not asked.
    """
    if math.isnan(margin) or not layout.varies:
        return math.nan
    return max(layout.below(margin), layout.above(-margin))


def margin_of(margin: float | dict[str, float], metric: str, control: float) -> float:
    """The margin of a metric, in its unit.

    Args:
        margin: of the study: a number is a share of the control's absolute mean, a mapping gives
            margins by metric; a metric not in it has none (NaN).
        metric: the metric.
        control: the control's mean.
    """
    if isinstance(margin, dict):
        return margin.get(metric, math.nan)
    return margin * abs(control)
