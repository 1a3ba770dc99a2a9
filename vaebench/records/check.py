"""Does a record agree with itself? What a seal cannot know, as ``vaebench verify`` asks it.

Whoever forges a number can seal it again. So what stands twice in a record has to agree: the mean
and variance of the kept examples with those of all, every covariance with the variances, the
control's covariance with its own variance, the rows of each table with each other, the registration
with its digest, and the times of trainings and tests with the opening.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaebench.cells.folder import KEYS, NONE
from vaebench.cells.opening import seconds
from vaebench.errors import DataError
from vaebench.records.schema import FILES, MOST_EXAMPLES, RECORD, Record, read

CLOSE = 1e-5
"""Relative: what float32 leaves of a mean."""

FAR = 6.0
"""Standard errors by which the mean of a sample may miss that of all."""

CLOCKS = 60.0
"""Seconds by which the clocks of a cluster's machines may differ."""


def differences(folder: Path) -> list[str]:
    """What does not agree, a sentence each, up to the first kind of thing that does not.

    Raises:
        DataError: it is no record, or a file is not the one of its seal.
    """
    record = read(folder)
    known = {RECORD, *FILES.values()}
    found = [
        f"{path.name}: is no file of a record"
        for path in folder.iterdir()
        if path.name not in known
    ]
    try:
        for part in (_rows, _sums, _covariances, _registration, _times):
            found += part(record)
            if found:
                break
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        words = " ".join(str(error).split())[:200]
        raise DataError(f"{folder}: is damaged ({type(error).__name__}: {words})") from error
    return found


def _key(row: Any) -> str:  # noqa: ANN401 (a row of a frame)
    return f"{row.dataset}/{row.model}/{row.strategy}/seed-{row.seed}"


def _rows(record: Record) -> Iterator[str]:
    """Whether the tables speak of the same cells."""
    cells, metrics, examples = (record.tables[name] for name in ("cells", "metrics", "examples"))
    for name, keys in (("cells", KEYS), ("metrics", [*KEYS, "metric"]), ("examples", KEYS)):
        for row in record.tables[name][record.tables[name].duplicated(keys)].itertuples():
            yield f"{FILES[name]}: {_key(row)} is there twice"
    done = {_key(row) for row in cells[cells["status"] == "done"].itertuples()}
    state = record.about["state"]
    if state["finished"] != len(done):
        yield f"{RECORD}: says {state['finished']} cells finished, {FILES['cells']} {len(done)}"
    if state["planned"] != len(cells) + len(state["missing"]):
        yield f"{RECORD}: planned cells are not those of {FILES['cells']} and the missing ones"
    for name, table in (("metrics", metrics), ("examples", examples)):
        for key in sorted({_key(row) for row in table.itertuples()} - done):
            yield f"{FILES[name]}: {key} is no finished cell"
    for key in sorted(done - {_key(row) for row in metrics.itertuples()}):
        yield f"{FILES['metrics']}: {key} has no metric"
    for dataset in sorted(set(cells["dataset"]) - set(record.about["datasets"])):
        yield f"{RECORD}: {dataset} is not described"


def _sums(record: Record) -> Iterator[str]:
    """Whether mean and variance are those of the examples."""
    metrics = record.tables["metrics"].set_index([*KEYS, "metric"])
    sample = {(row.dataset, row.seed): row for row in record.tables["sample"].itertuples()}
    for row in record.tables["examples"].itertuples():
        drawn, values = sample[row.dataset, row.seed], np.asarray(row.values, float)
        if len(values) != min(drawn.of, MOST_EXAMPLES) or len(drawn.example) != len(values):
            yield f"{FILES['examples']}: {_key(row)} has {len(values)} values"
            continue
        all_of = metrics.loc[(row.dataset, row.model, row.strategy, row.seed, row.metric)]
        known = values[np.isfinite(values)]
        if not len(known):
            continue
        spread = math.sqrt(all_of["variance"]) if all_of["variance"] > 0 else 0.0
        limit = CLOSE * max(abs(all_of["mean"]), spread)
        whole = drawn.of == len(values)
        if not whole:
            limit += FAR * spread / math.sqrt(len(known))
        if abs(known.mean() - all_of["mean"]) > limit:
            yield f"{FILES['metrics']}: the mean of {_key(row)} is not that of its examples"
        if (
            whole
            and len(known) > 1
            and not math.isclose(known.var(ddof=1), all_of["variance"], rel_tol=1e-3, abs_tol=1e-12)
        ):
            yield f"{FILES['metrics']}: the variance of {_key(row)} is not that of its examples"


def _covariances(record: Record) -> Iterator[str]:
    """Whether covariances are such that two columns can have."""
    metrics = record.tables["metrics"].set_index([*KEYS, "metric"])
    control = record.about["question"]["control"]
    for (dataset, model, strategy, seed, metric), row in metrics.iterrows():
        name = f"{FILES['metrics']}: {metric} of {dataset}/{model}/{strategy}/seed-{seed}"
        if pd.isna(row["covariance"]) or row["reference"] is None:
            continue
        other = _control(metrics, (dataset, row["reference"], control, seed, metric), strategy)
        if other is None:
            yield f"{name} is compared with a control that is not there"
            continue
        if row["covariance"] ** 2 > row["variance"] * other["variance"] * (1 + CLOSE) + 1e-30:
            yield f"{name} has a covariance that no two columns can have"
        same = strategy == control and row["reference"] == model
        if same and not math.isclose(row["covariance"], row["variance"], rel_tol=CLOSE):
            yield f"{name} is the control and does not agree with itself"


def _control(metrics: pd.DataFrame, key: tuple[Any, ...], strategy: str) -> Any:  # noqa: ANN401
    """The control's row; a baseline's one seed may stand beside any of the control's."""
    if key in metrics.index:
        return metrics.loc[key]
    if strategy != NONE:
        return None
    dataset, model, control, _, metric = key
    seeds = metrics.index[
        (metrics.index.get_level_values(0) == dataset)
        & (metrics.index.get_level_values(1) == model)
        & (metrics.index.get_level_values(2) == control)
        & (metrics.index.get_level_values(4) == metric)
    ]
    return metrics.loc[seeds[0]] if len(seeds) else None


def _registration(record: Record) -> Iterator[str]:
    """Whether what was registered is what the opening and the configuration say."""
    section, opening = record.about["config"].get("registration"), record.about["opening"]
    if section is None:
        if opening is not None:
            yield f"{RECORD}: there is an opening, but nothing is registered"
        return
    if opening is None:
        yield f"{RECORD}: something is registered, but there is no opening"
        return
    text = json.dumps(opening["registered"], sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    if opening["registration"] != digest:
        yield f"{RECORD}: the registration's digest is not that of what is registered"
    if section["digest"] != opening["registration"]:
        yield f"{RECORD}: the configuration has another registration than the opening"
    for key in ("field", "exploratory", "hypotheses"):
        said = {"exploratory": {}, "hypotheses": {}} | opening["registered"]
        if _plain(section[key]) != _plain(said[key]):
            yield f"{RECORD}: the configuration has another registration.{key} than was registered"


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Without keys that say nothing."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    return value


def _times(record: Record) -> Iterator[str]:
    """Whether training came before the opening, and tests after it."""
    opening, cells = record.about["opening"], record.tables["cells"]
    if opening is None:
        return
    when = seconds(opening["opened_at"])
    for row in cells.itertuples():
        baseline = row.strategy == NONE
        tested = row.started_at if baseline else row.tested_at
        if pd.notna(tested) and when - tested > CLOCKS:
            yield f"{FILES['cells']}: {_key(row)} was tested before the test part was opened"
        trained = row.started_at + row.seconds
        if not baseline and pd.notna(trained) and trained - when > CLOCKS:
            yield f"{FILES['cells']}: {_key(row)} was trained after the test part was opened"
