"""The description of an experiment in MLflow: what the study asks, and what it found so far."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaebench.cells.reading import failures, read_frames
from vaebench.report.findings import findings
from vaebench.statistics.measures import measures_of

NAMES = ("results", "models", "measures", "cells")
"""The tables that a verdict is made of."""

MOST = 20
"""Failed cells that are named."""


def description(
    config: Mapping[str, Any], tables: Path, strategies: Sequence[str], dataset: str | None = None
) -> str:
    """Question, registered hypotheses, verdict and failed cells, as Markdown.

    Args:
        config: of the study.
        tables: the folder of its tables, which need not be there.
        strategies: that are compared there, the control among them.
        dataset: that of the experiment; None: all of them.
    """
    others = [name for name in strategies if name != config["control"]]
    places = [dataset] if dataset else list(config["datasets"])
    shown = ", ".join(f"`{name}`" for name in others) or "nothing"
    question = "**Question.** How should the weight β of the KL term be set? "
    parts = [f"{question}Against `{config['control']}`: {shown}; on {', '.join(places)}."]
    registered = config.get("registration") or {}
    parts += [f"**Registered.** {each['text']}" for each in registered.get("hypotheses", ())]
    parts += _found(config, tables, dataset)
    return "\n\n".join(parts)


def _found(config: Mapping[str, Any], tables: Path, dataset: str | None) -> list[str]:
    files = [tables / f"{name}.csv" for name in NAMES]
    if not all(file.exists() for file in files):
        return ["**Verdict.** There are no tables yet."]
    frames = read_frames(files)
    measures = measures_of(frames["measures"])
    given = frames["results"], frames["models"], config["control"], config["confidence"], measures
    said = [each for each in findings(*given) if _is_of(each, dataset, config)]
    failed = failures(frames["cells"])
    if dataset:
        failed = failed[failed["dataset"] == dataset]
    return [f"**Verdict.** {' '.join(said)}", *_failed(failed.itertuples())]


def _is_of(sentence: str, dataset: str | None, config: Mapping[str, Any]) -> bool:
    """Whether a finding is not one of another data set."""
    others = [name for name in config["datasets"] if name != dataset]
    return dataset is None or not sentence.startswith(tuple(f"{name}, " for name in others))


def _failed(rows: Any) -> list[str]:  # noqa: ANN401 (of a frame)
    lines = [
        f"- {row.dataset}/{row.model}/{row.strategy}/seed-{row.seed}: {row.status}: {row.reason}"
        for row in rows
    ]
    if not lines:
        return []
    more = [f"- and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return [_list(f"**{len(lines)} cells have no result.**", [*lines[:MOST], *more])]


def _list(head: str, lines: Sequence[str]) -> str:
    return "\n".join([head, "", *lines])
