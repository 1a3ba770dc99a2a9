"""How long and how much memory does the aggregation of a large study take?

    python benchmarks/aggregation.py [--cells 1000] [--users 50000]

Draws cells (no training) of several data sets, ten strategies and twenty seeds, and runs the
workflow's own statistics and tables over them. Quoted are wall time and peak memory of the whole
process; memory beyond ``--limit`` GiB is refused by the system, so that a study that needs more
fails here.
"""

import argparse
import platform
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from vaebench.cells.reading import Cells
from vaebench.files import write_json
from vaebench.machine.provenance import processor
from vaebench.statistics.diagnostics import diagnostics
from vaebench.statistics.measures import MEASURES
from vaebench.statistics.study import Question, analyse
from vaebench.tables import content

STRATEGIES = 10
SEEDS = 20


def write_cell(
    folder: Path, columns: dict[str, np.ndarray], status: str = "done", **summary: object
) -> None:
    """The files of one cell ``…/dataset/model/strategy/seed-n`` with the given test values."""
    folder.mkdir(parents=True, exist_ok=True)
    pa.parquet.write_table(pa.table(columns), folder / "test.parquet")
    means = {
        name: float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else None
        for name, values in columns.items()
    }
    about = {
        name: {
            "unit": "nats" if measure.nats else "",
            "better": "higher" if measure.higher else None,
            "per": measure.per,
            "epoch": measure.epoch,
        }
        for name, measure in MEASURES.items()
        if name in columns
    }
    epoch = {"epoch": 1, "beta": 0.5}
    write_json(
        folder / "summary.json",
        {
            "test": means,
            "test_examples": len(next(iter(columns.values()))) if columns else 0,
            "test_without_target": 0,
            "metrics": about,
            "selected": epoch,
            "last": epoch,
            "first_batch": {"distortion": 1.0, "rate": 1.0},
            "parameters": 1,
            "seconds": 1.0,
            "device": "cpu",
            **summary,
        },
    )
    reason = None if status == "done" else "drawn so"
    write_json(folder / "status.json", {"status": status, "reason": reason})


def write_study(root: Path, cells: int, users: int) -> list[Path]:
    """``cells`` cells of drawn values; all users of a data set are the same for all its cells."""
    folders = []
    for number in range(cells):
        place, seed = divmod(number, SEEDS)
        dataset, strategy = divmod(place, STRATEGIES)
        random = np.random.default_rng([dataset, 0])
        sizes = random.poisson(50, users) + 5.0
        taste = 0.2 * random.random(users)
        random = np.random.default_rng([dataset, strategy + 1, seed])
        quality = taste + 0.2 + 0.002 * strategy + 0.001 * random.normal()
        columns = {
            "ndcg@100": quality + 0.06 * random.normal(size=users),
            "recall@20": quality + 0.08 * random.normal(size=users),
            "recall@50": quality + 0.07 * random.normal(size=users),
            "distortion": 4 * sizes + random.normal(size=users),
            "rate": 0.3 * sizes + random.normal(size=users),
            "interactions": sizes,
        }
        columns["ndcg@100"][:7] = np.nan  # users without a target
        columns["elbo"] = -(columns["distortion"] + columns["rate"])
        folder = root / f"cells/data-{dataset}/model/strategy-{strategy}/seed-{seed}"
        write_cell(folder, columns)
        folders.append(folder)
    return folders


def aggregate(folders: list[Path]) -> int:
    """What the workflow's rule ``tables`` computes; the number of tables."""
    cells = Cells(folders)
    order = [f"strategy-{number}" for number in range(STRATEGIES)]
    frames = analyse(cells, Question(order, order[0], 0.95, 0.01)).frames()
    frames["diagnostics"] = diagnostics(cells.table(), order)
    frames["variance"] = frames["pairs"][:0]
    return len(content.everything(frames, {}, order[0], 0.95))


def main() -> None:
    """Print one line: cells, users, seconds, peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cells", type=int, default=1_000)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--limit", type=float, default=4.0, help="GiB of address space for data")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        started = time.perf_counter()
        folders = write_study(Path(name), given.cells, given.users)
        written = time.perf_counter() - started
        size = sum(path.stat().st_size for path in Path(name).rglob("*.parquet")) / 2**30
        resource.setrlimit(resource.RLIMIT_DATA, (int(given.limit * 2**30),) * 2)
        started, cpu = time.perf_counter(), time.process_time()
        tables = aggregate(folders)
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{processor()}, {platform.system()}; drawn in {written:.0f} s, {size:.1f} GiB of Parquet"
    )
    print("| cells | users | tables | wall, s | processor, s | peak, GiB |")
    print("|---:|---:|---:|---:|---:|---:|")
    print(f"| {given.cells} | {given.users} | {tables} | {wall:.0f} | {cpu:.0f} | {peak:.2f} |")


if __name__ == "__main__":
    main()
