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


def title(choice: Choice) -> str:
    """The label, with the replicate where there are some."""
    replicate = choice.get("replicate")
    return label(choice) + ("" if replicate is None else f", replicate {replicate}")


def trials(choices: Sequence[Choice]) -> pd.DataFrame:
    """One row a (trial, option): names, ``trial, role, option, value, score, chosen``, cost.

    With rungs ``score`` is that of the first one, where all trials trained alike; ``rung`` is the
    last one that the trial was in, and ``last_score`` its score there.
    """
    rows = [
        {
            **{key: choice[key] for key in ("dataset", "model", "strategy", "metric")},
            "label": label(choice),
            **({"replicate": choice["replicate"]} if "replicate" in choice else {}),
            "trial": trial["number"],
            "option": option if role in ("strategy", "model") else f"{role} {option}",
            "value": value,
            "score": first_score(trial),
            **({"rung": trial["rung"], "last_score": trial["score"]} if "rung" in trial else {}),
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


def first_score(trial: Mapping[str, Any]) -> float | None:
    """The score of a trial where all trials trained alike."""
    score: float | None = trial["scores"][0] if "scores" in trial else trial["score"]
    return score


def curves(choices: Sequence[Choice]) -> pd.DataFrame:
    """``expected``, the expected best validation score of ``trials`` = 1 … n trials.

    A trial that failed counts as the strategy's worst that finished. With rungs the scores are
    those of the first one. In a study of replicates it is the mean over them.
    """
    frames = []
    for choice in choices:
        found = [first_score(trial) for trial in choice["trials"]]
        finished = [score for score in found if score is not None]
        if finished:
            worst = min(finished)
            scores = [worst if score is None else score for score in found]
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
    if not frames:
        return pd.DataFrame(columns=columns)
    found = pd.concat(frames, ignore_index=True)
    return found.groupby(columns[:-1], sort=False, as_index=False)["expected"].mean()


HEAD = ["strategy", "chosen", "validation", "expected of 1", "trials", "failed", "updates", "hours"]

CAPTION = (
    "Every row had the same number of trials{each} and, but for baselines, the same training "
    "budget, with seeds that no final run uses. Validation: the score of the chosen trial, the "
    "best of all and so optimistic; the test part was closed. Expected of 1: the mean over all "
    "trials, what a single try finds. Hours: of all trials."
)

RUNGS = (
    " Trials ran in rungs: all of them trained for a share of the epochs, only the best went on, "
    "with the same shares for every strategy; a baseline is fitted once, whole. What "
    "a single whole try finds is not known then."
)


def caption(choices: Sequence[Choice]) -> str:
    """What the tables say, and which chosen values lie at an end of what was tried."""
    numbers = {choice["budget"]["trials"] for choice in choices}
    said = CAPTION.format(each=" for each of its tuned options" if len(numbers) > 1 else "")
    said += RUNGS if any("rungs" in choice for choice in choices) else ""
    at_end = [
        f"{choice['dataset']}, {title(choice)} ({', '.join(found)})"
        for choice in choices
        if (found := ends(choice))
    ]
    if at_end:
        said += (
            " Chosen at an end of what was tried, so that a better value may lie beyond it: "
            f"{'; '.join(at_end)}."
        )
    return said


def ends(choice: Choice) -> list[str]:
    """The chosen values beyond which nothing was tried, as ``option = value, the lowest``."""
    found = []
    for role, options in (choice["chosen"] or {}).items():
        for option, value in options.items():
            tried = {trial["settings"][role][option] for trial in choice["trials"]}
            for outermost, word in ((min(tried), "lowest"), (max(tried), "highest")):
                if value == outermost and len(tried) > 1:
                    found.append(f"{option} = {short(value)}, the {word}")
    return found


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
        found.append(Grid(SECTION, title, HEAD, lines, caption(here)))
    return found


def markdown(choices: Sequence[Choice]) -> str:
    """The tables, one caption."""
    parts = []
    for grid in grids(choices):
        parts += [f"## {grid.title}\n", markdown_table(grid.head, grid.lines)]
    return "\n".join([*parts, f"{caption(choices)}\n"])


def line(choice: Choice) -> list[str]:
    """One strategy."""
    metric, budget = choice["metric"], choice["budget"]
    finished = [t["score"] for t in choice["trials"] if t["score"] is not None]
    name = title(choice)
    return [
        name if choice["strategy"] == NONE else f"{choice['model']}, {name}",
        ", ".join(f"{key} = {short(value)}" for key, value in settings(choice["chosen"])) or "–",
        number(choice["score"], metric) if finished else "–",
        number(sum(finished) / len(finished), metric)
        if finished and "rungs" not in choice
        else "–",
        " → ".join(str(rung["trials"]) for rung in choice.get("rungs", [budget])),
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
