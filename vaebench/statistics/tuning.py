"""The tuning stage: the same number of trials for every strategy, judged on validation alone.

"Strategy A is better than strategy B" means nothing where A was tuned and B was not. So every
strategy of a data set (and every baseline) gets the same number of trials, of the same training
budget, at points of one fixed low-discrepancy design over the space that stands beside its formula;
the trial with the best validation metric gives the options of the final cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaebench.cells.folder import CellFolder
from vaebench.files import read_json
from vaebench.seal import check, sealed
from vaebench.study.design import Settings


@dataclass(frozen=True)
class Trial:
    """One point of a design and what became of it; ``score`` is None where a seed failed."""

    number: int
    settings: Settings
    score: float | None
    updates: int
    seconds: float
    reason: str | None


def judged(number: int, settings: Settings, cells: Sequence[Path], metric: str) -> Trial:
    """A trial's score: the mean over its seeds of the selected epoch's validation metric."""
    for cell in cells:
        check(cell, sealed(cell / "training.json"), ("config.json",))
    summaries = [read_json(cell / "training.json") for cell in cells]
    reasons = [summary["reason"] for summary in summaries]
    failed = next((reason for reason in reasons if reason is not None), None)
    selected = [summary["selected"] or {} for summary in summaries]
    scores = [row.get(f"validation_{metric}") for row in selected]
    known = [float(score) for score in scores if score is not None]
    return Trial(
        number,
        settings,
        float(np.mean(known)) if failed is None and len(known) == len(scores) else None,
        sum(int((s["last"] or {}).get("updates", 0)) for s in summaries),
        sum(float(s["seconds"]) for s in summaries),
        failed,
    )


def choose(
    designed: Sequence[Settings], cells: Sequence[Sequence[Path]], metric: str
) -> dict[str, Any]:
    """The content of a choice file: the best trial's options, and all trials with their cost.

    Of equal scores the first counts. ``chosen`` is None if no trial finished.

    Args:
        designed: the options of every trial.
        cells: the folders of every trial, one a seed.
        metric: the validation metric; higher is better.
    """
    trials = [
        judged(number, settings, folders, metric)
        for number, (settings, folders) in enumerate(zip(designed, cells, strict=True))
    ]
    finished = [trial for trial in trials if trial.score is not None]
    best = max(finished, key=lambda trial: trial.score or 0.0, default=None)
    folders = [CellFolder.parse(folder) for folder in cells[0]]
    return {
        **{key: folders[0].names[key] for key in ("dataset", "model", "strategy")},
        "metric": metric,
        "seeds": [folder.seed for folder in folders],
        "chosen": best.settings if best else None,
        "trial": best.number if best else None,
        "score": best.score if best else None,
        "budget": {
            "trials": len(trials),
            "failed": len(trials) - len(finished),
            "updates": sum(trial.updates for trial in trials),
            "seconds": sum(trial.seconds for trial in trials),
        },
        "trials": [vars(trial) for trial in trials],
    }


def expected_best(scores: Sequence[float]) -> np.ndarray:
    """The expected best of k trials for k = 1 … n, (n,).

    E[max of k] = Σ_i v_(i) ((i/n)^k − ((i − 1)/n)^k) with the scores in ascending order: k draws
    with replacement from the n trials (Dodge et al. 2019, arXiv:1909.03004, eqs. 5-7).
    """
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    n = len(ordered)
    k = np.arange(1, n + 1)[:, None]
    i = np.arange(1, n + 1)[None, :]
    return ((i / n) ** k - ((i - 1) / n) ** k) @ ordered
