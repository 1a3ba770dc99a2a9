"""What a study of many cells costs around its training: files, planning, tables, MLflow.

    python benchmarks/growth.py 1000

One cell is trained and copied with shifted values to so many cells (5 strategies, the rest seeds);
everything after that is real. Times are processor seconds, which other work on the machine
disturbs little.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from vaebench.cells import stamp, test, vae
from vaebench.cells.files import seal
from vaebench.components import create
from vaebench.files import read_json
from vaebench.study.plan import Cell, Plan

ROOT = Path(__file__).parents[1]
STRATEGIES = ("constant", "linear", "cyclical", "sigmoid", "cosine")


def study(cells: int) -> dict[str, Any]:
    """Planted interactions, five strategies, cells / 5 seeds."""
    return {
        "name": "growth",
        "seeds": cells // len(STRATEGIES),
        "control": "constant",
        "training": {"epochs": 50, "batch_size": 100, "device": "cpu"},
        "datasets": {"planted": {"class": "planted.Planted", "items": 300}},
        "models": {"vae": {"class": "mult_vae.MultVAE", "hidden": 16, "latents": 4}},
        "strategies": {name: {"class": f"{name}.{name.capitalize()}"} for name in STRATEGIES},
        "grid": [{"dataset": "planted", "model": "vae", "strategies": list(STRATEGIES)}],
    }


def simulate(home: Path, config: dict[str, Any]) -> Plan:
    """All cells of the study, as if they were trained."""
    plan = Plan(config)
    folder = home / plan.folder
    data = folder / "data/planted"
    create("vaebench.datasets", config["datasets"]["planted"]).write_split(
        None, data, {"name": None, "sha256": None}
    )
    (data / "raw.json").write_text("{}")
    cell = next(iter(plan.cells.values()))
    vae.run(cell.spec, data, home / "trained")
    test.run(home / "trained", data, plan.study.all_metrics, samples=cell.samples)
    values = pd.read_parquet(home / "trained/test.parquet")
    for number, each in enumerate(plan.cells.values()):
        shutil.copytree(home / "trained", each.folder.path)
        (values + (number * 0.618 % 1) * 0.01).to_parquet(each.folder.file("test.parquet"))
        sealed(plan, each)
    (folder / "study.json").write_text(json.dumps(plan.study.model_dump()))
    return plan


def sealed(plan: Plan, cell: Cell) -> None:
    """Both seals of a cell, as its jobs would have written them."""
    card, trained = plan.card(cell), cell.folder.file("training.json")

    def mark(name: str, wanted: dict[str, Any], *tested: Path) -> None:
        content = read_json(cell.folder.file(name))
        given = {"stamp": stamp.complete(wanted, card, [], *tested)}
        seal(cell.folder.path, name, content | given)

    mark(trained.name, stamp.planned(cell.spec, plan.training_code(cell)))
    code, metrics = plan.test_code(cell), plan.study.all_metrics
    mark("status.json", stamp.planned(cell.spec, code, metrics, cell.samples), trained)


def cost(command: Sequence[str], home: Path) -> tuple[float, float, str]:
    """Processor seconds, wall seconds and the output of a command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
    done = subprocess.run(  # noqa: S603
        command,
        cwd=home,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, time.perf_counter() - began, done.stdout + done.stderr


def size(folder: Path) -> tuple[int, float]:
    """Files below a folder and their MiB."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return len(files), sum(path.stat().st_size for path in files) / 2**20


def main() -> None:
    """Print one line a question."""
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    config = study(cells)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "study.yaml").write_text(yaml.safe_dump(config))
        snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        snakemake += ["--cores", "1", "--configfile", "study.yaml", "--workflow-profile", "none"]
        used, wall, _ = cost([*snakemake, "--dry-run", "--quiet", "all"], home)
        print(f"plan of {cells} cells: {used:.1f} s ({wall:.1f} s of wall time)")
        os.chdir(home)
        simulate(home, config)
        files, mebibytes = size(home / "results/growth/cells")
        print(f"files of cells: {files}, {mebibytes:.0f} MiB")
        for rule in ("tables", "figures", "published", "report"):
            used, wall, _ = cost(
                [*snakemake, "--quiet", "all", "--allowed-rules", rule, "--", rule], home
            )
            print(f"{rule}: {used:.1f} s ({wall:.1f} s)")
        sync = [sys.executable, "-m", "vaebench.sharing.sync", "results/growth"]
        for what in ("first", "again, all unchanged"):
            used, wall, _ = cost(sync, home)
            print(f"MLflow, {what}: {used:.1f} s ({wall:.1f} s)")
        database = (home / "results/mlflow.db").stat().st_size / 2**20
        files, mebibytes = size(home / "results/mlartifacts")
        print(f"MLflow: database {database:.0f} MiB, artifacts {files} files, {mebibytes:.0f} MiB")
        used, wall, _ = cost(
            [sys.executable, "-m", "vaebench.sharing.archive", "results/growth"], home
        )
        archive = (home / "results/growth.tar.gz").stat().st_size / 2**20
        print(f"archive: {used:.1f} s ({wall:.1f} s), {archive:.0f} MiB")


if __name__ == "__main__":
    main()
