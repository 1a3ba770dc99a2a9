"""Captions of a study's figures: what is seen, of how much, at what level."""

from collections.abc import Mapping

import pandas as pd

from vaebench.captions import FIGURES
from vaebench.cells.folder import NONE
from vaebench.plots.across import decided
from vaebench.tables import counted

NEEDS = {"models": "models", "activity": "activity", "profiles": "profiles"}
"""Figures that some studies have nothing for → the frame that must not be empty."""


def shown(figure: str, frames: Mapping[str, pd.DataFrame]) -> bool:
    """Whether a figure has anything to show."""
    results = frames["results"]
    if figure == "ranking":
        return bool(len(results) and results["ranking"].any())
    if figure == "ranks":
        ranks = frames["ranks"]
        tested = ranks[ranks["critical"].notna()] if len(ranks) else ranks
        families = tested.groupby(["metric", "model"]) if len(tested) else ()
        return any(decided(rows) for _, rows in families)
    return figure not in NEEDS or len(frames[NEEDS[figure]]) > 0


def captions(frames: Mapping[str, pd.DataFrame], confidence: float) -> dict[str, str]:
    """Figure → its caption, with n, the level and the correction; those with something to show.

    Args:
        frames: the study's tables by name.
        confidence: level of the intervals.
    """
    return {
        name: f"{text} {number}".strip()
        for name, text in FIGURES.items()
        if shown(name, frames)
        for number in [_numbers(name, frames, confidence)]
    }


def _numbers(figure: str, frames: Mapping[str, pd.DataFrame], confidence: float) -> str:
    """A sentence: n, level, correction."""
    if figure in ("curves", "beta", "rate_distortion"):
        return _of_cells(frames["cells"])
    if figure in ("ranks", "profiles"):
        return _of_datasets(figure, frames[figure], f"{confidence:.0%}")
    rows = frames[figure] if figure in ("activity", "models") else frames["results"]
    column = "ranking" if figure in ("ranking", "activity") else "primary"
    if len(rows):
        rows = rows[rows["metric"] == "elbo" if figure == "elbo" else rows[column]]
    return _of_examples(figure, rows, f"{confidence:.0%}") if len(rows) else ""


def _of_cells(cells: pd.DataFrame) -> str:
    done = cells[cells["status"] == "done"]
    sizes = done.groupby(["dataset", "model", "strategy"])["seed"].nunique()
    return f"n: {counted(sizes, 'seed')} a strategy; no test." if len(sizes) else ""


def _of_datasets(figure: str, rows: pd.DataFrame, level: str) -> str:
    if rows.empty:
        return ""
    each = f"n: {counted(rows['datasets'], 'data set')}"
    if figure == "profiles":
        return f"{each}; no test."
    return f"{each}; level {level}, corrected for all pairs of strategies by Nemenyi."


def _of_examples(figure: str, rows: pd.DataFrame, level: str) -> str:
    if figure == "activity":
        families = rows[rows["difference"].notna()].groupby(["dataset", "model"]).size()
        return _corrected("Bonferroni and Holm", families, level)
    rows = rows[(rows["seeds"] > 0) & (rows["strategy"] != NONE)]
    if rows.empty:
        return ""
    n = f"n: {counted(rows['seeds'], 'seed')}, {counted(rows['examples'], 'test example')}"
    if figure != "differences":
        return f"{n}; {level} intervals, each for itself, no test."
    families = rows[rows["p"].notna()].groupby(["dataset", "model"]).size()
    return f"{n}; {_corrected('Bonferroni', families, level)}"


def _corrected(how: str, families: pd.Series, level: str) -> str:
    """The correction over the comparisons of a panel."""
    if families.empty:
        return "no test."
    return f"level {level} by {how} over the {counted(families, 'comparison')} of a panel."
