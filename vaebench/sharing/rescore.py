"""The test values of a study, computed anew from its stored weights and one's own copy of the data.

Digests show accidents. A forger writes other digests; but test values that nobody's weights give
are found here: the split is made (or taken) from data that the checker has, the weights are read
into the model that the study asks for, and every test example is scored again. Baselines, which
store no weights, are fitted again.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from vaebench.baselines import Baseline
from vaebench.cells import baseline, test
from vaebench.cells.folder import SplitFolder
from vaebench.cells.tested import Components, built, interactions, popularity
from vaebench.components import create, unnamed
from vaebench.datasets import Dataset
from vaebench.datasets.fetch import fetch, local_file, lying_in
from vaebench.errors import DataError
from vaebench.files import read_json
from vaebench.metrics import Ranking
from vaebench.seal import check, sealed
from vaebench.seeds import numpy_stream
from vaebench.study.plan import Cell, Plan
from vaebench.training.data import Data

TOLERANCE = 1e-5
"""Of a test value: absolute, and relative to values beyond 1."""

SWAPPED = 0.01
"""The share of users whose ranking may differ: two items of all but equal scores can change places
on another processor. The mean has to keep the tolerance all the same."""


@contextmanager
def split(plan: Plan, theirs: SplitFolder, given: Path) -> Iterator[Path]:
    """A folder with a split of the study, from the checker's own data.

    Args:
        plan: of the study.
        theirs: the study's split; our card must say the same as its.
        given: a split, a folder of splits by name (``…/data``), or a folder of raw files.

    Raises:
        DataError: there is no such data, or it is other data.
    """
    with tempfile.TemporaryDirectory(prefix="vaebench-") as name:
        made = next(
            (folder for folder in (given / theirs.key, given) if (folder / "card.json").is_file()),
            None,
        )
        folder = made or Path(name)
        if made is None:
            _make(plan.split_of(theirs), given, Path(name))
        check(folder, sealed(folder / "card.json"))
        ours, wanted = read_json(folder / "card.json"), read_json(theirs.card)
        for key in ("kind", "protocol", "counts", "shape", "dynamic", "held_out_class"):
            if ours.get(key) != wanted.get(key):
                raise DataError(
                    f"{given}: is not the data of {theirs.key}: {key} is {ours.get(key)}, in the "
                    f"study {wanted.get(key)}; allowed: the same raw file, or its split"
                )
        yield folder


def _make(dataset: Dataset, given: Path, out: Path) -> None:
    """Split the raw files in ``given``; nothing is downloaded, nothing outside of it is read."""

    def lies(path: Path | None) -> bool:
        return path is not None and path.resolve().is_relative_to(given.resolve())

    forms, found = dataset.raw_files(), local_file(dataset, given)
    absent = [raw.name for raw in dataset.companions() if not lies(lying_in(given, dataset, raw))]
    if forms and not (found and lies(found[1])):
        absent.insert(0, " or ".join(raw.name for raw in forms))
    if absent:
        raise DataError(
            f"{given}: there is no {', no '.join(absent)} in it; allowed: a folder with the raw "
            "file, or a split with its card.json"
        )
    receipt = fetch(dataset, given, out / "downloads")
    raw = Path(receipt["path"]) if receipt["path"] else None
    dataset.write_split(raw, out, {key: receipt[key] for key in receipt if key != "path"})


def differences(
    cell: Cell, spec: Mapping[str, Any], data: Path, metrics: Components
) -> Iterator[str]:
    """The test values of a cell that its weights do not give.

    Args:
        cell: a finished one.
        spec: its specification, as the study asks for it.
        data: the split.
        metrics: of the study.

    Raises:
        DataError: weights or data cannot be read.
    """
    folder, what = cell.folder.path, "fit" if cell.is_baseline else "weights"
    ours = (
        _fitted(spec, data, metrics)
        if cell.is_baseline
        else test.values(folder, spec, data, metrics, cell.samples)
    )
    ranked = {name for name, metric in built(metrics).items() if isinstance(metric, Ranking)}
    for name, columns in (("test", ours.found.examples | ours.sizes), ("latents", ours.latents)):
        written = pd.read_parquet(folder / f"{name}.parquet")
        for column in sorted({*columns, *written.columns}):
            wrong = "other examples"
            if column in columns and column in written and len(columns[column]) == len(written):
                theirs = written[column].to_numpy(float)
                wrong = _differing(columns[column], theirs, ranking=column in ranked)
            if wrong:
                yield f"{name}.parquet: {column} is not what the {what} gives: {wrong}"
    summary = read_json(folder / "summary.json")
    said = summary["test"] | summary["latents"]
    for name, value in (ours.found.cells | ours.diagnostics).items():
        if name not in said or not np.isclose(value, said[name], rtol=TOLERANCE, atol=TOLERANCE):
            wrong = f"{said.get(name)}, not {value}"
            yield f"summary.json: {name} is not what the {what} gives: {wrong}"


def _differing(ours: np.ndarray, theirs: np.ndarray, *, ranking: bool) -> str:
    """How two columns differ; empty where they do not."""
    off = ~np.isclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    gap = abs(float(np.nanmean(ours)) - float(np.nanmean(theirs))) if off.any() else 0.0
    if not off.any() or (ranking and off.mean() <= SWAPPED and gap <= TOLERANCE):
        return ""
    return f"{off.sum()} of {len(off)} differ, the mean by {gap:.2g}"


def _fitted(spec: Mapping[str, Any], data: Path, metrics: Components) -> test.Tested:
    """The test values of a baseline that is fitted again."""
    own = Data(data, torch.device("cpu"))
    fitted: Baseline = create(baseline.HOME, unnamed(spec["model"]))
    random = numpy_stream("baseline", spec["dataset"], spec["model"]["name"], spec["seed"])
    with threadpool_limits(torch.get_num_threads(), "blas"):
        baseline.fit(fitted, own, random, spec["dataset"])
        part = own.held_out("test")
        found = baseline.evaluate(fitted, part, built(metrics), "test", partial(popularity, own))
    return test.Tested(found, interactions(part))
