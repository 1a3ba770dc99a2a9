"""What does one epoch of configs/reproduce-*.yaml take, at full size on drawn data?

    python benchmarks/full_size.py ml-20m [netflix] [msd] [--models mult-vae] [--folder FOLDER]

The raw files are those of reading.py: drawn, with the published layout and number of rows. Each is
read and split by the study's own options, then each model is trained for one epoch with the study's
own settings and evaluated on validation and test users, on the CPU, in a process of its own: its
seconds and peak resident memory are quoted (Linux). Drawn files stay in ``--folder``.
"""

import argparse
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
import yaml
from reading import PUBLISHED, drawn, peak

from vaebench.cells import baseline, test, vae
from vaebench.files import read_json
from vaebench.machine.provenance import machine
from vaebench.study.keys import SHIPPED
from vaebench.study.plan import Plan

CONFIGS = Path(__file__).parents[1] / "configs"


def one_epoch(name: str) -> Plan:
    """The study with one epoch, one seed, on the CPU."""
    study = yaml.safe_load((CONFIGS / f"reproduce-{name}.yaml").read_text(encoding="utf-8"))
    study["seeds"], study["training"]["device"] = 1, "cpu"
    for block in study["grid"]:
        block["training"]["epochs"] = 1
    return Plan(study)


def split(name: str, raw: Path, out: Path) -> tuple[float, float]:
    """Read and split; seconds and GiB."""
    started = time.perf_counter()
    one_epoch(name).dataset(name).write_split(raw, out, {"name": raw.name})
    return time.perf_counter() - started, peak()


def trained(spec: dict[str, Any], data: Path, out: Path, threads: int) -> tuple[str, float, float]:
    """Seconds of the epoch without validation, of all with validation and test, and GiB."""
    torch.set_num_threads(threads)
    if "strategy" in spec:
        vae.run(spec, data, out)
        summary = test.run(out, data, SHIPPED)
    else:
        summary = baseline.run(spec, data, out, SHIPPED)
    epoch = f"{summary['last']['seconds']:.0f}" if summary["last"] else "–"
    return epoch, summary["seconds"], peak()


def main() -> None:
    """Print a line a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=PUBLISHED)
    parser.add_argument("--models", nargs="+", help="all of the study by default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="for raw files and splits, up to 6 GB")
    given = parser.parse_args()
    facts = machine()
    print(f"{facts['processor']}, {given.threads} threads, torch {torch.__version__}\n")
    print("| data | what | seconds of the epoch | in all | peak RSS, GiB |")
    print("|---|---|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for name in given.names:
            folder = given.folder or Path(temporary)
            measure(name, folder, given.models, given.threads)


def measure(name: str, folder: Path, models: list[str] | None, threads: int) -> None:
    """The lines of one data set."""
    context, plan = multiprocessing.get_context("spawn"), one_epoch(name)

    def apart(work: Any, *arguments: object) -> Any:  # noqa: ANN401
        with ProcessPoolExecutor(1, mp_context=context) as child:
            return child.submit(work, *arguments).result()

    data = folder / f"{name} split"
    if not (data / "card.json").exists():
        seconds, memory = apart(split, name, drawn(name, 1.0, folder), data)
        print(f"| {name} | read and split | | {seconds:.0f} | {memory:.2f} |", flush=True)
    counts = read_json(data / "card.json")["counts"]
    size = f"{counts['users']:,} users × {counts['items']:,} items"
    for path, planned in plan.cells.items():
        if models is None or planned.model in models:
            out = folder / "cells" / path
            epoch, seconds, memory = apart(trained, planned.spec, data, out, threads)
            row = f"| {name}: {size} | {planned.model} | {epoch} | {seconds:.0f}"
            print(f"{row} | {memory:.2f} |", flush=True)


if __name__ == "__main__":
    main()
