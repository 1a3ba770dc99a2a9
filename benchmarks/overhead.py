"""What does the workflow cost beside the training, and how far is that from its floor?

    python benchmarks/overhead.py [--cells 100 1000 10000] [--jobs 10] [--mirror 100] [--repeats 3]

Four questions, each against the least that the tools themselves cost:

- a dry run of a grid of N cells, against a Snakefile of N plain jobs;
- the imports of the workflow and of a cell, against ``import torch``;
- a cell job that hardly trains (one epoch on 90 users), against the same job with an empty script;
- the MLflow mirror of cells with 200 epochs, against one ``log_metric`` a value.

Quoted is CPU time (user + system, children included) except where wall time is named: medians of
runs in turn, A B A B …, and their minimum and maximum. ``--against FOLDER`` measures another
checkout of the project in the same turns.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
import yaml

from vaebench.machine.provenance import processor

ROOT = Path(__file__).resolve().parents[1]

STUDY: dict[str, Any] = {
    "name": "overhead",
    "seeds": 1,
    "control": "constant",
    "training": {"epochs": 1, "batch_size": 100, "device": "cpu", "test_samples": 1},
    "tracking": {"enabled": False},
    "datasets": {
        "planted": {
            "class": "planted.Planted",
            "users": 150,
            "items": 110,
            "latents": 2,
            "importance_samples": 1,
            "split": {"min_items_per_user": 0, "validation_users": 20, "test_users": 40},
        }
    },
    "models": {"mult-vae": {"class": "mult_vae.MultVAE", "hidden": 8, "latents": 2}},
    "strategies": {
        name: {"class": f"{file}.{file.title().replace('_', '')}"}
        for name, file in [
            ("constant", "constant"),
            ("linear", "linear"),
            ("cyclical", "cyclical"),
            ("sigmoid", "sigmoid"),
            ("cosine", "cosine"),
            ("step", "step"),
            ("decreasing", "decreasing"),
            ("free-bits", "free_bits"),
            ("example-floor", "example_floor"),
            ("user-scaled", "user_scaled"),
        ]
    },
    "grid": [{"dataset": "planted", "model": "mult-vae", "strategies": []}],
}
"""Ten strategies on a toy data set; the number of seeds makes the size."""

PLAIN = """
rule all:
    input: expand("{{n}}.txt", n=range({jobs}))
rule plain:
    output: "{{n}}.txt"
    script: "plain.py"
"""
"""As many jobs without any of ours."""


class Cost(NamedTuple):
    """Seconds of one run."""

    cpu: float
    wall: float


def cost(command: Sequence[str], folder: Path, root: Path) -> Cost:
    """Run ``command`` in ``folder`` on the package in ``root``; its output is kept from the table.

    Raises:
        RuntimeError: it failed; with the end of its output.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
    environment |= {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(output.read()[-2000:])
    return Cost(used.ru_utime + used.ru_stime, wall)


def snakemake(root: Path, folder: Path, *arguments: str) -> list[str]:
    """The command line of a workflow run with its files in ``folder``."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all"]
    return [
        *command,
        "--snakefile",
        str(root / "Snakefile"),
        "--directory",
        str(folder),
        *arguments,
    ]


def study(folder: Path, strategies: int, seeds: int) -> str:
    """Write a study and return its path."""
    names = list(STUDY["strategies"])[:strategies]
    grid = [STUDY["grid"][0] | {"strategies": names}]
    path = folder / f"study-{strategies}-{seeds}.yaml"
    path.write_text(yaml.safe_dump(STUDY | {"seeds": seeds, "grid": grid}), encoding="utf-8")
    return str(path)


def plain(folder: Path, jobs: int) -> Path:
    """Write a workflow of ``jobs`` plain jobs and return its folder."""
    home = folder / f"plain-{jobs}"
    home.mkdir(exist_ok=True)
    (home / "Snakefile").write_text(PLAIN.format(jobs=jobs), encoding="utf-8")
    (home / "plain.py").write_text("open(snakemake.output[0], 'w').close()\n", encoding="utf-8")
    return home


def dry_run(root: Path, folder: Path, cells: int) -> Cost:
    """Plan ``cells`` cells that are all to run."""
    config = study(folder, 10, cells // 10)
    return cost(snakemake(root, folder, "--configfile", config, "--dry-run"), folder, root)


def plain_dry_run(_: Path, folder: Path, cells: int) -> Cost:
    """Plan as many plain jobs."""
    home = plain(folder, cells)
    return cost(snakemake(home, home, "--dry-run"), home, home)


def per_job(run: Callable[[int], Cost], jobs: int) -> Cost:
    """What one job more costs: the difference of a run of ``jobs + 1`` and of one."""
    more, one = run(jobs + 1), run(1)
    return Cost((more.cpu - one.cpu) / jobs, (more.wall - one.wall) / jobs)


def cell_job(root: Path, folder: Path, jobs: int) -> Cost:
    """A cell that hardly trains, with Snakemake's share in it."""

    def run(cells: int) -> Cost:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            home = Path(name)
            given = ("--configfile", study(home, 1, cells))
            cost(snakemake(root, home, *given, "--until", "split"), home, root)
            return cost(snakemake(root, home, *given, "--until", "test"), home, root)

    return per_job(run, jobs)


def plain_job(_: Path, folder: Path, jobs: int) -> Cost:
    """A script that only makes its file."""

    def run(count: int) -> Cost:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            home = plain(Path(name), count)
            return cost(snakemake(home, home), home, home)

    return per_job(run, jobs)


def python(statement: str) -> Callable[[Path, Path, int], Cost]:
    """A fresh interpreter that runs one statement."""
    return lambda root, folder, _: cost([sys.executable, "-c", statement], folder, root)


MIRROR = """
import json, sys, time
from pathlib import Path
import vaebench.sharing.store
import vaebench.sharing.tracking as tracking
home = Path(sys.argv[1])
if sys.argv[2] == "one by one":
    def singly(self, run_id, metrics=(), params=(), tags=(), **_):
        for m in metrics:
            self.log_metric(run_id, m.key, m.value, m.timestamp, m.step)
        for p in params:
            self.log_param(run_id, p.key, p.value)
        for t in tags:
            self.set_tag(run_id, t.key, t.value)
    tracking.MlflowClient.log_batch = singly
    vaebench.sharing.store.PATIENCE = 3600  # for as many calls in place of one
config = {"name": "mirror", "results": str(home / sys.argv[2]), "strategies": {"constant": {}},
          "tracking": {"uri": None, "experiment": None}}
card = home / "card.json"
tracking.sync(config, [], {"planted": card}, [card])  # the store's tables are made once
used, start = time.process_time(), time.perf_counter()
cells = sorted(home.glob("cells/*/*/*/*"))[: int(sys.argv[3])]
tracking.sync(config, cells, {"planted": card}, [card])
used, start = time.process_time() - used, time.perf_counter() - start
print(json.dumps([used / len(cells), start / len(cells)]))
"""
"""Mirror so many cells into a fresh SQLite store; CPU and wall seconds a cell."""


def mirrored(how: str) -> Callable[[Path, Path, int], Cost]:
    """A cell of 200 epochs into MLflow; ``how`` is "batches", "again" or "one by one"."""

    def run(root: Path, folder: Path, cells: int) -> Cost:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            home = Path(name)
            trained(home, cells)
            store = "batches" if how == "again" else how
            for _ in range(2 if how == "again" else 1):
                done = subprocess.run(  # noqa: S603
                    [sys.executable, "-c", MIRROR, str(home), store, str(cells)],
                    cwd=home,  # Python looks for modules there before it looks in another checkout
                    env={k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
                    | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
                    capture_output=True,
                    text=True,
                    check=True,
                )
        return Cost(*json.loads(done.stdout.splitlines()[-1]))

    return run


def trained(home: Path, cells: int) -> None:
    """The files of finished cells with 200 epochs and 750 test users, without any training.

    The weights have the size of Mult-VAE's on ML-1M; they are links to one file.
    """
    card = {"source": {"name": None, "sha256": None}, "counts": {"users": 1}, "kind": "images"}
    (home / "card.json").write_text(json.dumps(card), encoding="utf-8")
    epochs = range(1, 201)
    columns = ["distortion", "rate", "elbo", "beta", "beta_min", "beta_max", "seconds"]
    columns += [f"validation_{m}" for m in ("elbo", "distortion", "rate")]
    columns += [f"validation_{m}" for m in ("ndcg@100", "recall@20", "recall@50")]
    trace = pd.DataFrame({"epoch": epochs, "updates": [10 * e for e in epochs]})
    trace = trace.assign(**{name: [1 / e for e in epochs] for name in columns})
    test = {"elbo": -1.0, "distortion": 1.0, "rate": 0.0, "ndcg@100": 0.4}
    summary = {
        "test": test,
        "selected": {"epoch": 7, "beta": 0.1},
        "seconds": 1.0,
        "started_at": 1.0,
        "commit": {"commit": None, "dirty": None},
    }
    contents = {
        "config.json": json.dumps(STUDY["training"]).encode(),
        "training.json": b"{}",
        "summary.json": json.dumps(summary).encode(),
        "status.json": b'{"status": "done", "reason": null}',
    }
    (home / "weights").write_bytes(bytes(18_000_000))
    for seed in range(cells):
        folder = home / f"cells/planted/mult-vae/constant/seed-{seed}"
        folder.mkdir(parents=True)
        trace.to_parquet(folder / "trace.parquet", index=False)
        for table, length in (("test", 750), ("latents", 200)):
            pd.DataFrame({name: [value] * length for name, value in test.items()}).to_parquet(
                folder / f"{table}.parquet", index=False
            )
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        for name in ("best.safetensors", "last.safetensors"):
            os.link(home / "weights", folder / name)


class Row(NamedTuple):
    """A line of the table: what is measured, and the number of the line that is its floor."""

    name: str
    measure: Callable[[Path, Path, int], Cost]
    size: int
    floor: int | None


def rows(arguments: argparse.Namespace) -> list[Row]:
    """All questions; a floor stands before what is compared with it."""
    table = []
    for cells in arguments.cells:
        table.append(Row(f"dry run, {cells} plain jobs", plain_dry_run, cells, None))
        table.append(Row(f"dry run, {cells} cells", dry_run, cells, len(table) - 1))
    imports = len(table)
    table.append(Row("import torch", python("import torch"), 0, None))
    table += [
        Row(f"import vaebench.{name}", python(f"import vaebench.{name}"), 0, imports)
        for name in ("study.plan", "cells.vae", "cells.test", "sharing.tracking")
    ]
    if arguments.jobs:
        table.append(Row("a job with an empty script", plain_job, arguments.jobs, None))
        table.append(Row("a cell of one epoch", cell_job, arguments.jobs, len(table) - 1))
    if arguments.mirror:
        floor, few = len(table), min(arguments.mirror, 1)
        table.append(Row("mirror a cell, value by value", mirrored("one by one"), few, None))
        table.append(Row("mirror a cell", mirrored("batches"), arguments.mirror, floor))
        table.append(Row("mirror it again", mirrored("again"), arguments.mirror, floor))
    return table


def shown(values: Sequence[float]) -> str:
    """Median (min … max)."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} … {max(values):.3g})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs="*", default=[100, 1_000, 10_000])
    parser.add_argument("--jobs", type=int, default=10, help="cell jobs to run; 0 for none")
    parser.add_argument("--mirror", type=int, default=100, help="cells to mirror; 0 for none")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--against", type=Path, help="another checkout of the project")
    arguments = parser.parse_args()
    roots = [ROOT] + ([arguments.against.resolve()] if arguments.against else [])
    print(f"{processor()}, {os.cpu_count()} cores, {platform.system()}, torch {torch.__version__}")
    heads = ["", "CPU s (min … max)", "wall s", "of its floor"]
    heads += ["CPU s, other checkout", "other / this"] if arguments.against else []
    print(f"| {' | '.join(heads)} |")
    print("|---|" + "---:|" * (len(heads) - 1))
    medians: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        for row in rows(arguments):
            turns = [
                [row.measure(root, Path(name), row.size) for root in roots]
                for _ in range(arguments.repeats)
            ]
            ours = [turn[0].cpu for turn in turns]
            medians.append(statistics.median(ours))
            wall = statistics.median(turn[0].wall for turn in turns)
            floor = "" if row.floor is None else f"{medians[-1] / medians[row.floor]:.2g}"
            line = [row.name, shown(ours), f"{wall:.3g}", floor]
            if arguments.against:
                other = [turn[1].cpu for turn in turns]
                ratio = statistics.median(b / a for a, b in zip(ours, other, strict=True))
                line += [shown(other), f"{ratio:.2f}"]
            print(f"| {' | '.join(line)} |", flush=True)


if __name__ == "__main__":
    main()
