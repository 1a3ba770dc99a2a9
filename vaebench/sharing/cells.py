"""Do the files of a cell agree with each other, and with what the study asked for?"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaebench.cells import baseline, vae
from vaebench.cells.folder import NONE
from vaebench.cells.found import found_elsewhere
from vaebench.cells.selection import selecting
from vaebench.cells.tested import OF_SEALS
from vaebench.errors import Diverged
from vaebench.files import digest, read_json
from vaebench.machine.provenance import config_hash
from vaebench.sharing.trust import refuse_foreign
from vaebench.study.keys import HOMES
from vaebench.study.plan import Cell

NOTHING = "(nothing)"
TOLERANCE = 1e-9
"""Relative; other processors add in another order."""


def specification(cell: Cell, choice: Path | None, *, trusted: bool = False) -> dict[str, Any]:
    """What the study asks of a cell, as the cell's ``config.json`` has to say it.

    Args:
        cell: of the plan.
        choice: the choice of the tuning stage that the cell depends on.
        trusted: classes may be others than this package's.

    Raises:
        ConfigError: it asks for something impossible or not trusted.
        DataError: the choice or the cell of a first stage cannot be read.
    """
    stages = {name: folder.path for name, folder in cell.stages.items()}
    try:
        found = found_elsewhere(cell.spec, stages, choice, cell.folder.place)
    except Diverged:  # a blocked cell
        resolved = cell.spec | ({"strategy": {"name": NONE}} if cell.is_baseline else {})
    else:
        if not trusted:
            model = HOMES["baselines" if cell.is_baseline else "models"]
            homes = {"strategy": HOMES["strategies"], "select": HOMES["metrics"]}
            refuse_foreign(found, homes | {"model": model})
        resolved = (baseline if cell.is_baseline else vae).resolve(found)
    return dict(json.loads(json.dumps(resolved)))


def trained(folder: Path, asked: Mapping[str, Any], card: Path) -> Iterator[str]:
    """What does not agree within the training of a cell or trial, one sentence each.

    Args:
        folder: the cell.
        asked: its :func:`specification`.
        card: of its data set.
    """
    config, training = read_json(folder / "config.json"), read_json(folder / "training.json")
    for difference in differing(asked, config):
        yield f"config.json: {difference}"
    if config_hash(config) != training["config_sha256"]:
        yield "config.json is not the one that was trained"
    if training["status"] != "done":
        return
    if digest(card) != training["data"]["card_sha256"]:
        yield f"was trained on other data than data/{card.parent.name}/card.json"
    metric = f"validation_{selecting(asked, read_json(card)['kind'])[0]}"
    yield from selection(training, pd.read_parquet(folder / "trace.parquet"), metric)


def tested(folder: Path, metrics: Mapping[str, Any]) -> Iterator[str]:
    """What does not agree within the test of a cell, one sentence each.

    Args:
        folder: the cell.
        metrics: what the study says of each (:func:`vaebench.cells.tested.described`).
    """
    summary, training = read_json(folder / "summary.json"), read_json(folder / "training.json")
    for key in set(training) - {*OF_SEALS, "adopted"}:
        if summary.get(key) != training[key]:
            yield f"summary.json and training.json say another {key}"
    if any(metrics.get(name) != about for name, about in summary["metrics"].items()):
        yield "summary.json describes other metrics than the study"
    yield from means(summary, pd.read_parquet(folder / "test.parquet"))


def means(summary: Mapping[str, Any], test: pd.DataFrame) -> Iterator[str]:
    """Whether the means are those of the test examples."""
    about = summary["metrics"]
    of_examples = [name for name in summary["test"] if about.get(name, {}).get("per") != "cell"]
    if set(of_examples) != set(test.columns) or summary["test_examples"] != len(test):
        yield "summary.json is not of test.parquet"
        return
    for metric in of_examples:
        value = summary["test"][metric]
        mean = np.nanmean(test[metric]) if np.isfinite(test[metric]).any() else None
        if not close(value, mean):
            yield f"summary.json says {metric} {value}, test.parquet {mean}"
    absent = int(test.isna().sum().max()) if len(test) else 0
    if summary["test_without_target"] != absent:
        yield f"summary.json says {summary['test_without_target']} without target, not {absent}"


def selection(training: Mapping[str, Any], trace: pd.DataFrame, metric: str) -> Iterator[str]:
    """Whether selected and last epoch and the mean β are those of the trace.

    A baseline is fitted and has no epochs.
    """
    if not len(trace):
        return
    if training.get("until", len(trace)) != len(trace):
        yield f"training.json says {training['until']} epochs, trace.parquet has {len(trace)}"
    best, last = trace.loc[trace[metric].idxmax()], trace.iloc[-1]
    for key, row, what in (("selected", best, f"best by {metric}"), ("last", last, "last")):
        written = training[key] or {}
        if set(written) != set(trace.columns) or not all(
            close(written[column], row[column]) for column in trace.columns
        ):
            yield f"epoch {written.get('epoch')} is not the {what} of trace.parquet"
    beta = {"selected": best["beta"], "last": last["beta"], "mean": trace["beta"].mean()}
    if not all(close(training["beta"][key], value) for key, value in beta.items()):
        yield "the β of training.json are not those of trace.parquet"


def differing(asked: object, found: object, key: str = "") -> Iterator[str]:
    """Each key at which two JSON values differ."""
    if isinstance(asked, Mapping) and isinstance(found, Mapping):
        for name in [*asked, *(name for name in found if name not in asked)]:
            where = f"{key}.{name}" if key else str(name)
            yield from differing(asked.get(name, NOTHING), found.get(name, NOTHING), where)
    elif asked != found or type(asked) is not type(found):
        yield f"{key} is {json.dumps(found)[:80]}, the study asks for {json.dumps(asked)[:80]}"


def close(one: float | None, two: float | None) -> bool:
    """Whether two numbers are one, but for the order of a sum."""
    if one is None or two is None:
        return one is two
    return bool(np.isclose(one, two, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))
