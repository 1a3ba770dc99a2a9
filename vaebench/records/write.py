"""``python -m vaebench record results/NAME``: a study's folder → its record.

A study of which cells are missing has a record, too; it names them. What a cell says is believed
where its files are those of its seal.
"""

import argparse
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import scipy.sparse

from vaebench.cells.folder import KEYS, NONE, SEALS, CellFolder
from vaebench.cells.opening import OPENED
from vaebench.cells.reading import Cells
from vaebench.errors import DataError
from vaebench.files import digest, read_json
from vaebench.machine.provenance import config_hash
from vaebench.records import schema
from vaebench.records.schema import MOST_EXAMPLES
from vaebench.seal import check as check_seal
from vaebench.seal import sealed
from vaebench.statistics.measures import described, primary
from vaebench.study.saved import Saved

PLACE = re.compile(r"tuning/(?:rung-(\d+)/)?(?:trial|place)-(\d+)$")
"""The folder of a trial: its rung, if there are rungs, and its number or place."""

FREE = ("results", "local_files", "tracking", "resources", "finished_only")
"""Keys of a configuration that are of a machine and not of a study."""

PRECISION = 6
"""Digits of seconds in a record."""


class Study:
    """A study's folder, read for its record."""

    def __init__(self, folder: Path) -> None:
        self.saved = Saved(folder)
        self.plan, self.folder = self.saved.plan, self.saved.folder
        planned = [CellFolder.parse(path) for path in self.saved.cells()]
        self.missing = [cell for cell in planned if not cell.finished]
        self.there = [cell for cell in planned if cell.finished]
        for cell in self.there:
            seal = cell.file("status.json")
            check_seal(cell.path, sealed(seal), set(SEALS["status.json"]) - WEIGHTS)
        self.cells = Cells([cell.path for cell in self.there])
        self.question = self.plan.question()

    @cached_property
    def done(self) -> list[CellFolder]:
        """The cells with values."""
        return [cell for cell in self.there if self.status_of(cell)["status"] == "done"]

    def status_of(self, cell: CellFolder) -> dict[str, Any]:
        """The content of a cell's ``status.json``."""
        found: dict[str, Any] = read_json(cell.file("status.json"))
        return found

    @cached_property
    def primaries(self) -> dict[str, str]:
        """Data set → its primary metric."""
        measures = described(self.cells.metrics)
        found: dict[str, set[str]] = defaultdict(set)
        for cell in self.done:
            found[cell.dataset] |= {*read_json(cell.file("summary.json"))["metrics"]}
        return {
            dataset: primary(metrics, self._declared(dataset), measures)
            for dataset, metrics in found.items()
        }

    def _declared(self, dataset: str) -> str | None:
        declared: str | None = self.question["primary"]
        return self.question.get("natural", {}).get(dataset, declared)

    def replicate(self, cell: CellFolder) -> int | None:
        """The replicate of a cell; None in a study of seeds."""
        found = read_json(cell.file("config.json")).get("replicate")
        return None if found is None else int(found)

    @cached_property
    def references(self) -> dict[tuple[str, int], CellFolder]:
        """Data set and seed → the control's cell, in the first model that has it."""
        found: dict[tuple[str, int], CellFolder] = {}
        for cell in self.done:
            if cell.strategy == self.question["control"]:
                found.setdefault((cell.dataset, cell.seed), cell)
        return found

    def reference(self, cell: CellFolder) -> CellFolder | None:
        """The control's cell that a cell is compared with: of its own model, if there is one."""
        own = CellFolder(self.folder, cell.dataset, cell.model, self.question["control"], cell.seed)
        if own in self.done:
            return own
        seeds = [cell.seed, *([] if cell.strategy != NONE else [s for d, s in self.references])]
        found = ((cell.dataset, seed) for seed in seeds)
        return next((self.references[key] for key in found if key in self.references), None)

    def column(self, cell: CellFolder, metric: str) -> np.ndarray:
        """The values of a metric, a value a test example."""
        key = (cell, metric)
        if key not in self._columns:
            table = pyarrow.parquet.read_table(cell.file("test.parquet"), columns=[metric])
            self._columns[key] = table[metric].to_numpy().astype(float)
        return self._columns[key]

    @cached_property
    def _columns(self) -> dict[tuple[CellFolder, str], np.ndarray]:
        return {}


WEIGHTS = {"best.safetensors", "last.safetensors"}
"""Not read for a record, and often not kept."""


def record(folder: Path, out: Path) -> dict[str, Any]:
    """Write the record of the study in ``folder`` to the folder ``out``; returns what it says.

    Raises:
        DataError: no cell has a result, a file is damaged, or the record cannot be written.
    """
    study = Study(folder)
    if not study.done:
        raise DataError(f"{folder}: no cell has a result; allowed: a study with at least one")
    rows = {
        "cells": [_cell(cell) for cell in study.there],
        "metrics": [row for cell in study.done for row in _metrics(study, cell)],
        **_examples(study),
        "trials": list(_trials(study)),
    }
    about = _about(study, rows["cells"])
    schema.write(out, about, rows)
    return about


def _names(cell: CellFolder) -> dict[str, Any]:
    return dict(cell.names)


def _run(config: Mapping[str, Any], training: Mapping[str, Any], role: str) -> dict[str, Any]:
    """What was run and what selection says of it; nothing where nothing was."""
    selected = training.get("selected") or {}
    options = {k: v for k, v in config.get(role, {}).items() if k not in ("name", "class")}
    return {
        "config": config_hash(config),
        "options": json.dumps(options, sort_keys=True),
        "epoch": selected.get("epoch"),
        "updates": selected.get("updates"),
        "beta": selected.get("beta"),
        "rate": selected.get("validation_rate"),
        "distortion": selected.get("validation_distortion"),
        "seconds": _rounded(training.get("seconds")),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(float(seconds), PRECISION)


def _cell(cell: CellFolder) -> dict[str, Any]:
    summary, status = read_json(cell.file("summary.json")), read_json(cell.file("status.json"))
    config = read_json(cell.file("config.json"))
    role = "model" if cell.strategy == NONE else "strategy"
    return {
        **_names(cell),
        "status": status["status"],
        "reason": status["reason"],
        **_run(config, summary, role),
        "beta_last": (summary.get("beta") or {}).get("last"),
        "started_at": _rounded(summary.get("started_at")),
        "tested_at": _rounded(summary.get("test_started_at")),
        "test_seconds": _rounded(summary.get("test_seconds")),
        "examples": summary.get("test_examples"),
        "without_target": summary.get("test_without_target"),
    }


def _metrics(study: Study, cell: CellFolder) -> Iterator[dict[str, Any]]:
    """A row a metric of a cell."""
    summary, reference = read_json(cell.file("summary.json")), study.reference(cell)
    for metric, about in summary["metrics"].items():
        row = {**_names(cell), "metric": metric, "reference": reference and reference.model}
        if about["per"] == "cell":
            yield {**row, "examples": 1, "mean": summary["test"][metric]}
            continue
        values = study.column(cell, metric)
        known = values[np.isfinite(values)]
        row |= {"examples": len(known)}
        row |= {"mean": float(known.mean()) if len(known) else None}
        row |= {"variance": float(known.var(ddof=1)) if len(known) > 1 else None}
        other = None
        if reference is not None:
            test = pyarrow.parquet.read_schema(reference.file("test.parquet"))
            other = study.column(reference, metric) if metric in test.names else None
        yield row | {"covariance": covariance(values, other)}


def covariance(one: np.ndarray, two: np.ndarray | None) -> float | None:
    """Of two columns over the examples that both have a value of; None of fewer than two."""
    if two is None or len(one) != len(two):
        return None
    both = np.isfinite(one) & np.isfinite(two)
    if both.sum() < 2:  # noqa: PLR2004 (a variance)
        return None
    return float(np.cov(one[both], two[both])[0, 1])


def chosen(dataset: str, replicate: int | None, examples: int) -> np.ndarray:
    """The test examples that a record keeps, ascending: all, or drawn by the names of the split."""
    if examples <= MOST_EXAMPLES:
        return np.arange(examples)
    name = hashlib.sha256(f"record/{dataset}/{replicate}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(name[:8], "big"))
    return np.sort(rng.choice(examples, MOST_EXAMPLES, replace=False))


def _examples(study: Study) -> dict[str, list[dict[str, Any]]]:
    """The tables ``sample`` and ``examples``."""
    sample: dict[tuple[str, int], dict[str, Any]] = {}
    examples = []
    for cell in study.done:
        metric = study.primaries[cell.dataset]
        summary = read_json(cell.file("summary.json"))
        if summary["metrics"].get(metric, {}).get("per") != "example":
            continue
        values, key = study.column(cell, metric), (cell.dataset, cell.seed)
        if key not in sample:
            drawn = chosen(cell.dataset, study.replicate(cell), len(values))
            sample[key] = {"dataset": cell.dataset, "seed": cell.seed, "of": len(values)}
            sample[key] |= {"example": drawn, "interactions": None}
            if "interactions" in summary["test"]:
                sizes = study.column(cell, "interactions")[drawn]
                sample[key]["interactions"] = sizes.astype(np.float32)
        kept = values[sample[key]["example"]].astype(np.float32)
        examples.append({**_names(cell), "metric": metric, "values": kept})
    return {"sample": list(sample.values()), "examples": examples}


def _trials(study: Study) -> Iterator[dict[str, Any]]:
    """A row a trained trial, in the order of their paths."""
    pattern = "cells/*/*/*/*/training.json"
    found = [
        *study.folder.glob(f"tuning/*/{pattern}"),
        *study.folder.glob(f"tuning/*/*/{pattern}"),
    ]
    keyed: list[tuple[tuple[Any, ...], int | None, Path]] = []
    for path in found:
        place = PLACE.search(str(path.parents[5].relative_to(study.folder)))
        if place is not None:
            rung = None if place[1] is None else int(place[1])
            keyed.append(((rung or 0, int(place[2]), *path.parts[-5:-1]), rung, path))
    for key, rung, path in sorted(keyed, key=lambda each: each[0]):
        number, names = key[1], dict(zip(KEYS, key[2:], strict=True))
        names["seed"] = int(names["seed"].removeprefix("seed-"))
        training, config = read_json(path), read_json(path.with_name("config.json"))
        metric = training.get("selecting")
        score = (training.get("selected") or {}).get(f"validation_{metric}")
        role = "model" if names["strategy"] == NONE else "strategy"
        yield {
            **names,
            "replicate": config.get("replicate"),
            "rung": rung,
            "trial": number,
            "status": training["status"],
            **_run(config, training, role),
            "metric": metric,
            "score": score,
        }


def _about(study: Study, cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    config = {key: value for key, value in study.saved.written.items() if key not in FREE}
    opened = study.folder / OPENED
    ended = [c["tested_at"] or c["started_at"] for c in cells if c["tested_at"] or c["started_at"]]
    started = [c["started_at"] for c in cells if c["started_at"]]
    made = [read_json(cell.file("summary.json")) for cell in study.there]
    return {
        "study": study.plan.study.name,
        "state": {
            "planned": len(study.there) + len(study.missing),
            "finished": len(study.done),
            "failed": {
                c.key: study.status_of(c)["status"] for c in study.there if c not in study.done
            },
            "missing": [cell.key for cell in study.missing],
        },
        "measured": {"first": _time(min(started)), "last": _time(max(ended))},
        "seed_is": "replicate" if study.replicate(study.there[0]) is not None else "seed",
        "question": {k: v for k, v in study.question.items() if k != "units"},
        "primary": study.primaries,
        "metrics": study.cells.metrics,
        "config": config,
        "opening": read_json(opened) if opened.exists() else None,
        "datasets": {
            name: _dataset(study, name) for name in dict.fromkeys(c.dataset for c in study.there)
        },
        "made_with": {
            "versions": _distinct(each.get("versions") for each in made),
            "commits": _distinct(each.get("commit") for each in made),
            "machines": _distinct(each.get("machine") for each in made),
        },
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _distinct(values: Iterator[Any]) -> list[Any]:
    return [json.loads(text) for text in sorted({json.dumps(v, sort_keys=True) for v in values})]


def _dataset(study: Study, name: str) -> dict[str, Any]:
    """Where data come from, whose they are, and the counts and shape of each split."""
    folder = study.folder / "data" / name
    cards: dict[int | None, Path] = {None: folder / "card.json"}
    for path in folder.glob("replicate-*/card.json"):
        cards[int(path.parent.name.removeprefix("replicate-"))] = path
    splits: list[dict[str, Any]] = []
    about: dict[str, Any] = {}
    for replicate, path in sorted(
        cards.items(), key=lambda item: -1 if item[0] is None else item[0]
    ):
        if not path.exists():
            continue
        card = read_json(path)
        about = {key: card.get(key) for key in ("kind", "licence", "cite", "source", "protocol")}
        found = {"replicate": replicate, "card": digest(path), "counts": card["counts"]}
        splits.append(found | {"shape": shape(path.with_name("train.npz"), card)})
    if not splits:
        raise DataError(f"{folder}: card.json is missing; bring it back from a copy")
    return {**about, "unit": study.question["units"][name], "splits": splits}


def shape(train: Path, card: Mapping[str, Any]) -> dict[str, float] | None:
    """What describes the training interactions of a split; None of pictures.

    ``mean_n`` and ``median_n`` of n_u over users; ``spread_n``, the standard deviation of n_u
    divided by its mean; ``density``, the share of user-item pairs; ``items``; ``gini`` of the
    items' popularity, items without interactions included.
    """
    if card["kind"] != "interactions" or not train.exists():
        return None
    check_seal(train.parent, card.get("files", {}), {train.name})
    return shape_of(scipy.sparse.load_npz(train).tocsr())


def shape_of(matrix: scipy.sparse.csr_matrix) -> dict[str, float]:
    """The shape of training interactions (U, I); see :func:`shape`."""
    n = np.diff(matrix.indptr).astype(float)
    popularity = np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(float)
    return {
        "mean_n": float(n.mean()),
        "median_n": float(np.median(n)),
        "spread_n": float(n.std() / n.mean()),
        "density": float(n.sum() / matrix.shape[0] / matrix.shape[1]),
        "items": float(matrix.shape[1]),
        "gini": gini(popularity),
    }


def gini(values: np.ndarray) -> float:
    """The Gini coefficient Σ_i (2i − n − 1)·x_(i) / (n·Σ x) of values ≥ 0."""
    ordered, count = np.sort(values), len(values)
    return float(
        ((2 * np.arange(1, count + 1) - count - 1) * ordered).sum() / (count * values.sum())
    )


def main(arguments: Sequence[str]) -> None:
    """Write the record of one study."""
    parser = argparse.ArgumentParser(
        "vaebench record",
        description="A study's results as a small folder of data, to publish.",
        epilog="example: vaebench record results/default",
    )
    parser.add_argument("study", type=Path, help="results/NAME")
    parser.add_argument(
        "--out", type=Path, help="the record's folder (default: docs/results/records/NAME)"
    )
    given = parser.parse_args(arguments)
    out = given.out or Path("docs/results/records") / given.study.resolve().name
    about = record(given.study, out)
    size = sum(path.stat().st_size for path in out.iterdir()) / 2**20
    state = about["state"]
    print(f"{out}: {state['finished']} of {state['planned']} cells, {size:.2f} MiB")  # noqa: T201
    for key in state["missing"]:
        print(f"  missing: {key}")  # noqa: T201
    for key, status in state["failed"].items():
        print(f"  {status}: {key}")  # noqa: T201
