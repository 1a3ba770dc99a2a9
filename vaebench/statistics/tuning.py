"""The tuning stage: the same number of trials for every strategy, judged on validation alone.

"Strategy A is better than strategy B" means nothing where A was tuned and B was not. So every
strategy of a data set (and every baseline) gets the same number of trials, of the same training
budget, at points of one fixed low-discrepancy design over the space that stands beside its formula;
the trial with the best validation metric gives the options of the final cells.

With rungs (successive halving; Jamieson & Talwalkar 2016, arXiv:1502.07943) all trials train for a
share of the epochs, the best of them go on, and the choice is made among those that got furthest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from vaebench.cells.folder import CellFolder
from vaebench.files import read_json
from vaebench.seal import check, sealed
from vaebench.study.design import Settings


@dataclass(frozen=True)
class Trial:
    """One point of a design and what became of it; ``score`` is None where a seed failed.

    In a later rung ``updates`` are those of all rungs so far, and ``seconds`` of this one.
    """

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


@dataclass(frozen=True)
class Tried:
    """A rung that was run.

    Attributes:
        cells: the folders of every place, one a seed.
        places: the file that says which trial has which place; None of the first rung, where the
            trials stand in the order of the design.
        until: the last epoch of the rung; None where there are no rungs.
    """

    cells: Sequence[Sequence[Path]]
    places: Path | None = None
    until: int | None = None

    def trials(self, designed: Sequence[Settings], metric: str) -> list[Trial]:
        """The trials of the rung, place by place; an empty place has none."""
        held: list[int | None] = list(range(len(self.cells)))
        if self.places is not None:
            found = read_json(self.places)["places"]
            held = [None if place is None else int(place["trial"]) for place in found]
        return [
            judged(number, designed[number], cells, metric)
            for number, cells in zip(held, self.cells, strict=True)
            if number is not None
        ]


def tried(
    cells: Sequence[Sequence[str]], places: str | None = None, until: int | None = None
) -> Tried:
    """A rung as a plan says it; see :meth:`vaebench.study.trials.Trials.run`."""
    folders = [[Path(cell) for cell in seeds] for seeds in cells]
    return Tried(folders, None if places is None else Path(places), until)


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Those that finished, the best first; of equal scores the earlier of the design."""
    finished = [trial for trial in trials if trial.score is not None]
    return sorted(finished, key=lambda trial: (-(trial.score or 0.0), trial.number))


def promote(designed: Sequence[Settings], rung: Tried, places: int, metric: str) -> dict[str, Any]:
    """The content of a file of places: which trials of a rung go on, the best first.

    ``before`` is a trial's place in the rung before. A place stays empty (None) where fewer trials
    finished than there are places: one that failed does not go on.

    Args:
        designed: the options of every trial.
        rung: the rung that was run.
        places: of the next rung.
        metric: the validation metric; higher is better.
    """
    trials = rung.trials(designed, metric)
    before = {trial.number: place for place, trial in enumerate(trials)}
    best: list[Trial | None] = [*ranked(trials)]
    return {
        "metric": metric,
        "places": [
            trial and {"trial": trial.number, "before": before[trial.number],
                       "settings": trial.settings}
            for trial in (best + [None] * places)[:places]
        ],
        "ranked": [{"trial": trial.number, "score": trial.score} for trial in ranked(trials)],
    }  # fmt: skip


def choose(
    designed: Sequence[Settings],
    rungs: Sequence[Tried],
    metric: str,
    replicate: int | None = None,
) -> dict[str, Any]:
    """The content of a choice file: the best trial's options, and all trials with their cost.

    The best is the one with the highest score of those that finished the last rung; if none did,
    of those that finished the rung before and failed in none. Of equal scores the first of the
    design counts. ``chosen`` is None if no trial finished.

    Args:
        designed: the options of every trial.
        rungs: what was run; without successive halving, one.
        metric: the validation metric; higher is better.
        replicate: whose choice it is, in a study of replicates.
    """
    run = [rung.trials(designed, metric) for rung in rungs]
    last = {trial.number: (number, trial) for number, rung in enumerate(run, 1) for trial in rung}
    scores: dict[int, list[float | None]] = {}
    for trial in chain.from_iterable(run):
        scores.setdefault(trial.number, []).append(trial.score)
    furthest = max(
        (number for number, trial in last.values() if trial.score is not None), default=0
    )
    best = next(iter(ranked([t for number, t in last.values() if number == furthest])), None)
    folders = [CellFolder.parse(folder) for folder in rungs[0].cells[0]]
    steps = [] if len(rungs) == 1 else rungs
    return {
        **{key: folders[0].names[key] for key in ("dataset", "model", "strategy")},
        **({} if replicate is None else {"replicate": replicate}),
        "metric": metric,
        "seeds": [folder.seed for folder in folders],
        "chosen": best.settings if best else None,
        "trial": best.number if best else None,
        "score": best.score if best else None,
        "budget": {
            "trials": len(designed),
            "failed": sum(trial.score is None for _, trial in last.values()),
            "updates": sum(trial.updates for _, trial in last.values()),
            "seconds": sum(trial.seconds for trial in chain.from_iterable(run)),
        },
        "trials": [
            vars(trial) | ({"rung": number, "scores": scores[trial.number]} if steps else {})
            for number, trial in last.values()
        ],
        **({"rungs": [{"trials": len(r.cells), "until": r.until} for r in steps]} if steps else {}),
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
