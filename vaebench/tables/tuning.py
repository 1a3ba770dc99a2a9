"""What was tried: choices in, frames and Markdown out."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vaebench.cells.folder import NONE
from vaebench.statistics.tuning import expected_best
from vaebench.tables import Grid, number
from vaebench.tables.markdown import table as markdown_table
from vaebench.words import METRICS

Choice = Mapping[str, Any]
"""The content of a choice file; see :func:`vaebench.statistics.tuning`."""


def label(choice: Choice) -> str:
    """A strategy, or the name of a baseline."""
    return str(choice["model"] if choice["strategy"] == NONE else choice["strategy"])


def trials(choices: Sequence[Choice]) -> pd.DataFrame:
    """One row a (trial, option): names, ``trial, role, option, value, score, chosen``, cost."""
    rows = [
        {
            **{key: choice[key] for key in ("dataset", "model", "strategy", "metric")},
            "label": label(choice),
            "trial": trial["number"],
            "option": option if role in ("strategy", "model") else f"{role} {option}",
            "value": value,
            "score": trial["score"],
            "chosen": trial["number"] == choice["trial"],
            "updates": trial["updates"],
            "seconds": trial["seconds"],
            "reason": trial["reason"],
        }
        for choice in choices
        for trial in choice["trials"]
        for role, options in trial["settings"].items()
        for option, value in options.items()
    ]
    return pd.DataFrame(rows)


def curves(choices: Sequence[Choice]) -> pd.DataFrame:
    """``expected``, the expected best validation score of ``trials`` = 1 … n trials.

    A trial that failed counts as the strategy's worst that finished.
    """
    frames = []
    for choice in choices:
        finished = [t["score"] for t in choice["trials"] if t["score"] is not None]
        if finished:
            worst = min(finished)
            scores = [worst if t["score"] is None else t["score"] for t in choice["trials"]]
            frames.append(
                pd.DataFrame(
                    {
                        **{k: choice[k] for k in ("dataset", "model", "strategy", "metric")},
                        "label": label(choice),
                        "trials": range(1, len(scores) + 1),
                        "expected": expected_best(scores),
                    }
                )
            )
    columns = ["dataset", "model", "strategy", "metric", "label", "trials", "expected"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


HEAD = ["strategy", "chosen", "validation", "expected of 1", "trials", "failed", "updates", "hours"]

CAPTION = (
    "Every row had the same number of trials and, but for baselines, the same training budget, "
    "with seeds that no final run uses. Validation: the score of the chosen trial, the best of "
    "all and so optimistic; the test part was closed. Expected of 1: the mean over all trials, "
    "what a single try finds. Hours: of all trials."
)


SECTION = "Tuning"

FIGURES = {
    "tuning_sensitivity": "Validation metric against each option, all trials of the tuning stage; "
    "the chosen one is ringed.",
    "tuning_budget": "Expected best validation score after k trials: a strategy that wins only "
    "with many trials shows here (Dodge et al. 2019).",
}
"""The figures of the tuning stage, with their captions."""


def grids(choices: Sequence[Choice]) -> list[Grid]:
    """One table a data set: the chosen values, and what they cost."""
    found = []
    for dataset in dict.fromkeys(choice["dataset"] for choice in choices):
        here = [choice for choice in choices if choice["dataset"] == dataset]
        metric = here[0]["metric"]
        title = f"{dataset}: what tuning chose (validation {METRICS.get(metric, metric)})"
        lines = [line(choice) for choice in here]
        found.append(Grid(SECTION, title, HEAD, lines, CAPTION))
    return found


def markdown(choices: Sequence[Choice]) -> str:
    """The tables, one caption."""
    parts = []
    for grid in grids(choices):
        parts += [f"## {grid.title}\n", markdown_table(grid.head, grid.lines)]
    return "\n".join([*parts, f"{CAPTION}\n"])


def line(choice: Choice) -> list[str]:
    """One strategy."""
    metric, budget = choice["metric"], choice["budget"]
    finished = [t["score"] for t in choice["trials"] if t["score"] is not None]
    name = label(choice)
    return [
        name if choice["strategy"] == NONE else f"{choice['model']}, {name}",
        ", ".join(f"{key} = {short(value)}" for key, value in settings(choice["chosen"])) or "–",
        number(choice["score"], metric) if finished else "–",
        number(sum(finished) / len(finished), metric) if finished else "–",
        str(budget["trials"]),
        str(budget["failed"]),
        f"{budget['updates']:,}",
        f"{budget['seconds'] / 3600:.2f}",
    ]


def settings(chosen: Mapping[str, Mapping[str, Any]] | None) -> list[tuple[str, Any]]:
    """Role → option → value as a flat list."""
    return [pair for options in (chosen or {}).values() for pair in options.items()]


def short(value: object) -> str:
    """Three significant digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
