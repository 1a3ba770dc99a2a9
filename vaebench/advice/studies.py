"""The published studies in one small file: what advice needs of every record of interactions.

``vaebench advise`` reads ``studies.json``, which comes with the package. The records make it again:

    python -m vaebench.advice.studies docs/results/records/*
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaebench.cells.folder import NONE
from vaebench.errors import DataError
from vaebench.files import digest, write_text
from vaebench.records.compared import counting, shape_table
from vaebench.records.schema import RECORD, Record, read

FORMAT, VERSION = "vaebench studies", 1
FILE = "studies.json"
CONSTANT = "constant"
"""The strategy whose trials make a curve over β."""

DIGITS = 6
FEWEST = 2
"""Replicates with a spread."""


@dataclass(frozen=True)
class Study:
    """What one data set says.

    Attributes:
        name: of the data set.
        unit: releases of one collection have one; drawn data have none (``""``).
        metric: the primary one; higher is better.
        shape: of the training part, the mean over splits
            (:func:`vaebench.records.write.shape_of`).
        scores: strategy or baseline → its test score in each replicate, in the order of
            ``replicates``; NaN where there is none.
        chosen: strategy → option → its value in each replicate; ``used`` is the mean β of the
            selected epoch.
        replicates: their numbers.
        curves: a row a state of a trial of constant β: ``replicate, rung, beta, score, rate``.
    """

    name: str
    unit: str
    metric: str
    shape: dict[str, float]
    replicates: list[int]
    scores: dict[str, list[float]]
    chosen: dict[str, dict[str, list[float]]]
    curves: pd.DataFrame

    @property
    def betas(self) -> list[float]:
        """The constant β that was chosen in each replicate."""
        return self.chosen[CONSTANT]["used"]

    @cached_property
    def losses(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Replicate → log₁₀ β of its trials, ascending, and ℓ_r: see the module ``prior``."""
        found = {}
        for replicate, part in self.curves.groupby("replicate", sort=True):
            rungs: dict[int, dict[float, float]] = {}
            for rung, beta, score in part[["rung", "beta", "score"]].itertuples(index=False):
                rungs.setdefault(int(rung), {}).setdefault(beta, score)
            last = rungs[max(rungs)]
            best = max(last, key=lambda beta: last[beta])
            latest = {  # a later rung wins
                beta: scores[best] - scores[beta]
                for _, scores in sorted(rungs.items())
                if best in scores
                for beta in scores
            }
            points = np.array(sorted(latest))
            found[int(replicate)] = np.log10(points), np.array([latest[b] for b in points])
        return found

    @property
    def mean_n(self) -> float:
        """Mean interactions of a training user."""
        return self.shape["mean_n"]


def of_records(records: Sequence[Record]) -> list[Study]:
    """The studies of interactions that count over data sets, in the order of their names.

    A data set without trials of a constant β, or with fewer than two replicates, says nothing here.
    """
    found = [study for record in counting(list(records)) for study in _of_record(record)]
    return sorted(found, key=lambda study: study.name)


def _of_record(record: Record) -> list[Study]:
    shapes = shape_table([record])
    found = []
    for row in shapes.to_dict("records") if len(shapes) else []:
        name = str(row["dataset"])
        metric = record.about["primary"].get(name)
        trials, metrics = (record.tables[table] for table in ("trials", "metrics"))
        mine = trials[(trials["dataset"] == name) & (trials["strategy"] == CONSTANT)]
        mine = mine[mine["score"].notna() & (mine["metric"] == metric) & (mine["beta"] > 0)]
        if metric is None or mine.empty:
            continue
        model = mine["model"].value_counts().index[0]
        mine = mine[mine["model"] == model]
        tested = metrics[(metrics["dataset"] == name) & (metrics["metric"] == metric)]
        tested = tested[(tested["model"] == model) | (tested["strategy"] == NONE)]
        label = tested["strategy"].where(tested["strategy"] != NONE, tested["model"])
        table = tested.assign(label=label).pivot_table(
            index="seed", columns="label", values="mean", sort=False
        )
        alone = table.notna().sum() == 1  # a fit that draws nothing stands beside every replicate
        if record.about["seed_is"] != "replicate":
            table.loc[:, alone] = table.loc[:, alone].ffill().bfill()
        chosen = _chosen(record, name, model, sorted(int(seed) for seed in table.index))
        if not {CONSTANT} <= {*table} & {*chosen} or len(table) < FEWEST:
            continue
        curves = pd.DataFrame(
            {
                "replicate": mine["replicate"].fillna(mine["seed"]).astype(int),
                "rung": mine["rung"].fillna(1).astype(int),
                "beta": mine["beta"],
                "score": mine["score"],
                "rate": mine["rate"],
            }
        ).sort_values(["replicate", "rung", "beta"], ignore_index=True)
        replicates = sorted(int(seed) for seed in table.index)
        keys = ("mean_n", "median_n", "spread_n", "density", "items", "gini", "users")
        found.append(
            Study(
                name,
                str(row["unit"]),
                metric,
                {key: float(row[key]) for key in keys},
                replicates,
                {str(each): table[each].reindex(replicates).tolist() for each in sorted(table)},
                chosen,
                curves,
            )
        )
    return found


def _chosen(
    record: Record, dataset: str, model: str, replicates: Sequence[int]
) -> dict[str, dict[str, list[float]]]:
    """Strategy → numeric option of the final cells → its value in each replicate."""
    cells = record.tables["cells"]
    mine = cells[(cells["dataset"] == dataset) & (cells["model"] == model)]
    found: dict[str, dict[str, list[float]]] = {}
    for strategy, rows in mine.groupby("strategy", sort=True):
        options = {int(r.seed): json.loads(r.options) for r in rows.itertuples()}
        if strategy == NONE or set(options) != set(replicates):
            continue
        names = [
            name
            for name, value in next(iter(options.values())).items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        ]
        values = {name: [float(options[r][name]) for r in replicates] for name in names}
        values["used"] = [float(rows.set_index("seed").loc[r, "beta"]) for r in replicates]
        found[str(strategy)] = values
    return found


def written(studies: Sequence[Study], sources: dict[str, str]) -> str:
    """The text of the file.

    Args:
        studies: what it holds.
        sources: name of a record → SHA-256 of its ``record.json``.
    """
    rows = [
        {
            "name": study.name,
            "unit": study.unit,
            "metric": study.metric,
            "shape": _rounded(study.shape),
            "replicates": study.replicates,
            "scores": _rounded(study.scores),
            "chosen": _rounded(study.chosen),
            "curves": {
                str(name): _rounded(study.curves[name].tolist()) for name in study.curves.columns
            },
        }
        for study in studies
    ]
    said = {"format": FORMAT, "version": VERSION, "records": sources, "studies": rows}
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.replace('{"chosen"', '\n{"chosen"') + "\n"


def _rounded(value: Any) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def load(text: str | None = None) -> list[Study]:
    """The studies of a file's text, by default of the one that comes with the package.

    Raises:
        DataError: it is no such file.
    """
    if text is None:
        text = resources.files("vaebench.advice").joinpath(FILE).read_text(encoding="utf-8")
    said = json.loads(text)
    if not isinstance(said, dict) or (said.get("format"), said.get("version")) != (FORMAT, VERSION):
        raise DataError(f"{FILE}: is none of version {VERSION}; allowed: as this command writes it")
    return [
        Study(
            row["name"],
            row["unit"],
            row["metric"],
            row["shape"],
            row["replicates"],
            {
                name: [math.nan if v is None else v for v in vs]
                for name, vs in row["scores"].items()
            },
            row["chosen"],
            pd.DataFrame(row["curves"]).astype({"beta": float, "score": float}),
        )
        for row in said["studies"]
    ]


def make(folders: Sequence[Path]) -> str:
    """The text of the file, of the records in ``folders``.

    Raises:
        DataError: a folder holds no record.
    """
    records = {folder: read(folder) for folder in sorted(folders, key=lambda each: each.name)}
    sources = {record.name: digest(folder / RECORD) for folder, record in records.items()}
    return written(of_records(list(records.values())), sources)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make ``studies.json`` again."""
    parser = argparse.ArgumentParser("python -m vaebench.advice.studies", description=__doc__)
    parser.add_argument("records", nargs="+", type=Path, help="docs/results/records/*")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name(FILE))
    given = parser.parse_args(arguments)
    write_text(given.out, make(given.records))


if __name__ == "__main__":
    main()
