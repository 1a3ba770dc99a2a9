"""All figures of a study."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from vaebench.cells.reading import read_frames, truths
from vaebench.plots import save, use_style
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
        "ranking": lambda: intervals(results[results["ranking"]], look, truths),
        "models": lambda: models(frames["models"], look),
        "elbo": lambda: intervals(results[results["metric"] == "elbo"], look, truths),
        "activity": lambda: activity(frames["activity"], control, look),
        "ranks": lambda: ranks(frames["ranks"], confidence, look),
        "profiles": lambda: profiles(frames["profiles"], look),
        "curves": lambda: curves(frames["traces"], look),
        "beta": lambda: beta(frames["traces"], look),
        "rate_distortion": lambda: rate_distortion(frames["cells"], look),
    }


def draw(
    frames: Sequence[str], traces: str, cards: Sequence[str], asked: Mapping[str, Any], out: Path
) -> None:
    """Draw every figure of a study into the folder ``out``.

    Args:
        frames: the study's tables, as files.
        traces: ``traces.parquet``.
        cards: the ``card.json`` of every data set.
        asked: ``order``, ``control`` and ``confidence``.
        out: the folder of figures.
    """
    use_style()
    tables = read_frames(frames) | {"traces": pd.read_parquet(traces)}
    names = ("order", "control", "confidence")
    drawn = figures(tables, truths(cards), *(asked[name] for name in names))
    for name, figure in drawn.items():
        save(figure(), out / name)
