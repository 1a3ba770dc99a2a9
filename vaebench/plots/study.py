"""All figures of a study."""

from collections.abc import Callable, Mapping

import pandas as pd
from matplotlib.figure import Figure

from vaebench.plots.across import profiles, ranks
from vaebench.plots.comparisons import activity, differences, intervals, models
from vaebench.plots.palette import Look
from vaebench.plots.training import beta, curves, rate_distortion


def figures(
    frames: Mapping[str, pd.DataFrame],
    truths: Mapping[str, Mapping[str, float]],
    order: list[str],
    control: str,
    confidence: float,
) -> dict[str, Callable[[], Figure]]:
    """Name → what draws it, for every name of :data:`vaebench.words.FIGURES`.

    Args:
        frames: the study's tables by name, and ``traces``.
        truths: data set → metric → the best possible value.
        order: strategies in the order of the study.
        control: the control.
        confidence: level of the intervals.
    """
    look, results = Look(order), frames["results"]
    return {
        "differences": lambda: differences(results, control, look),
        "ranking": lambda: intervals(results, "ndcg@100", look, truths),
        "models": lambda: models(frames["models"], look),
        "elbo": lambda: intervals(results, "elbo", look, truths),
        "activity": lambda: activity(frames["activity"], control, look),
        "ranks": lambda: ranks(frames["ranks"], frames["nemenyi"], confidence, look),
        "profiles": lambda: profiles(frames["profiles"], look),
        "curves": lambda: curves(frames["traces"], look),
        "beta": lambda: beta(frames["traces"], look),
        "rate_distortion": lambda: rate_distortion(frames["cells"], look),
    }
