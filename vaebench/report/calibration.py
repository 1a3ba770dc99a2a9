"""How long a study takes on this machine: cells like its own, trained for a few epochs.

    wall time = what a run takes once + Σ over cells (job + fixed + epochs · epoch) / jobs at a time

``epoch`` (updates and validation) and ``fixed`` (reading, test, files) are measured for every data
set and model of the study, with as many jobs side by side as the study will have, so that what they
take from each other counts. Data that are not split yet are split into a folder that is removed
afterwards. Cells of another strategy cost the same: a strategy is a weight on the rate.
"""

import copy
import multiprocessing
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaebench.cells import baseline, test, vae
from vaebench.components import create
from vaebench.datasets.fetch import local_file
from vaebench.study.keys import HOMES
from vaebench.study.plan import Cell, Plan
from vaebench.study.trials import Trials
from vaebench.training.settings import Training

JOB = 0.4
"""Seconds of a core that a cell's jobs take beyond their work: start, locks, Snakemake's share."""

ONCE = 34.0
"""Seconds that a run takes beyond its cells: planning, imports, tables, figures, report, MLflow."""

SECONDS = 20.0
"""Of calibration, for all data sets and models together; one epoch of each takes what it takes."""

MOST_EPOCHS = 20
"""Of one measurement."""


@dataclass(frozen=True)
class Timed:
    """Seconds of a cell: whatever its epochs, and an epoch."""

    fixed: float
    epoch: float

    def seconds(self, epochs: int) -> float:
        """Of a cell with so many epochs."""
        return self.fixed + epochs * self.epoch


Key = tuple[str, str]
"""Data set, and model or baseline."""


def calibrate(plan: Plan, cores: int) -> dict[Key, Timed]:
    """Train cells of every data set and model of the plan; those without data are not in it."""
    first: dict[Key, Cell] = {}
    for cell in plan.cells.values():
        first.setdefault((cell.dataset, cell.model), cell)
    at_once = max(1, cores // plan.study.resources.threads)
    found = {}
    with tempfile.TemporaryDirectory(prefix="vaebench-plan-") as name:
        home, splits = Path(name), {}
        for dataset in plan.datasets_used:
            splits[dataset] = _split(plan, dataset, home / dataset)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(at_once, mp_context=spawn) as pool:
            for number, (key, cell) in enumerate(first.items()):
                split = splits[key[0]]
                if split is None:
                    continue
                given = (_numbers(cell.spec), cell.is_baseline, plan.study.all_metrics)
                budget = SECONDS / len(first)
                jobs = [
                    pool.submit(_measure, *given, split, home / f"{number}-{n}", budget)
                    for n in range(at_once)
                ]
                times = [job.result() for job in jobs]
                fixed, epoch = (sum(each) / len(each) for each in zip(*times, strict=True))
                found[key] = Timed(fixed, epoch)
    return found


def wall(plan: Plan, timed: Mapping[Key, Timed], cores: int) -> tuple[float, int]:
    """Seconds of a run with ``cores`` cores, and the number of cells that it does not know."""
    trials = Trials(plan)
    jobs = [(cell, 1, 0 if cell.is_baseline else _epochs(cell)) for cell in plan.cells.values()]
    for key, group in trials.groups.items():  # a later rung goes on from the one before
        jobs += [(group.cell, number, epochs) for number, epochs in trials.cost(key)]
    total, unknown = 0.0, 0
    for cell, number, epochs in jobs:
        known = timed.get((cell.dataset, cell.model))
        if known is None:
            unknown += number
        else:
            total += number * (JOB + known.seconds(epochs))
    return ONCE + total / max(1, cores // plan.study.resources.threads), unknown


def sentence(plan: Plan, cores: int) -> str:
    """What was found, for a person."""
    began = time.perf_counter()
    timed = calibrate(plan, cores)
    seconds, unknown = wall(plan, timed, cores)
    spent = time.perf_counter() - began
    lines = [f"Measured here in {spent:.0f} s, with {cores} cores: about {_shown(seconds)}."]
    if unknown:
        lines.append(f"Not in it: {unknown} cells whose raw file is not at hand.")
    if any(cell.spec.get("training", {}).get("patience") for cell in plan.cells.values()):
        lines.append("It counts every epoch; patience ends some trainings earlier.")
    return "\n".join(lines) + "\n"


def _shown(seconds: float) -> str:
    """As minutes or hours."""
    if seconds < 120:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004


def _epochs(cell: Cell) -> int:
    return int(cell.spec["training"].get("epochs", Training().epochs))


def _numbers(spec: dict[str, Any]) -> dict[str, Any]:
    """An option that another cell finds costs what any number costs."""
    spec = copy.deepcopy(spec)
    if "strategy" in spec:
        found = {k: 1.0 if isinstance(v, Mapping) else v for k, v in spec["strategy"].items()}
        spec["strategy"] = found
    return spec


def _split(plan: Plan, name: str, out: Path) -> Path | None:
    """The split of a data set: the study's, else one in ``out``; None: no raw file is at hand."""
    for split in plan.splits(name):
        if split.card.exists():
            return split.card.parent
    dataset = create(HOMES["datasets"], plan.dataset_options(name))
    found = local_file(dataset, plan.local_folder(), plan.beside)
    if dataset.raw_files() and not found:
        return None
    out.mkdir()
    dataset.write_split(found[1] if found else None, out, {"name": None, "sha256": None})
    return out


def _measure(
    spec: dict[str, Any],
    is_baseline: bool,  # noqa: FBT001 (from a pool)
    metrics: dict[str, Any],
    split: Path,
    out: Path,
    budget: float,
) -> tuple[float, float]:
    """``fixed`` and ``epoch`` of a cell, in a process of its own."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    start = time.perf_counter()
    if is_baseline:
        baseline.run(spec, split, out, metrics)
        return time.perf_counter() - start, 0.0

    def run(epochs: int, to: Path) -> float:
        training = spec["training"] | {"epochs": epochs, "patience": None}
        start = time.perf_counter()
        vae.run(spec | {"training": training}, split, to)
        test.run(to, split, metrics, samples=10)
        return time.perf_counter() - start

    run(1, out / "warm-up")
    short = run(1, out / "short")
    more = max(1, min(MOST_EPOCHS, int(budget / 2 / short)))
    long = run(1 + more, out / "long")
    epoch = max(0.0, (long - short) / more)
    return max(0.0, short - epoch), epoch
