"""How long does an epoch of Mult-VAE take here, and in public libraries?

    python -m venv /tmp/recbole && /tmp/recbole/bin/pip install recbole==1.2.1 torch==2.13.0
    python -m venv /tmp/recpack && /tmp/recpack/bin/pip install recpack==0.3.6 torch==2.13.0
    python benchmarks/public.py --raw FOLDER --recbole /tmp/recbole/bin/python \
        --recpack /tmp/recpack/bin/python

RecBole 1.2.1 asks NumPy for names that left it in version 2: give it ``numpy==1.26.4 pandas==2.3.3
scipy==1.14.1`` as well.

The same training matrix (MovieLens-1M, split as in ``configs/ml-1m.yaml``), the same network, batch
size, learning rate and β; each implementation in a process and an environment of its own, one epoch
each in turn (A B C A B C …). Quoted are seconds of training alone: medians, and the medians of the
ratios round by round. What differs between the implementations is said in docs/performance.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import scipy.sparse
import yaml
from measure import machine, spread

from vaebench.datasets.fetch import fetch
from vaebench.study.plan import Plan

ROOT = Path(__file__).resolve().parents[1]
SETTINGS: dict[str, Any] = {
    "hidden": 600,
    "latents": 200,
    "batch_size": 500,
    "learning_rate": 1e-3,
    "beta": 0.2,
}


def training_matrix(raw: Path, folder: Path) -> scipy.sparse.csr_matrix:
    """Split MovieLens-1M into ``folder``; its training part."""
    plan = Plan(yaml.safe_load((ROOT / "configs/ml-1m.yaml").read_text(encoding="utf-8")))
    dataset = plan.dataset("ml-1m")
    receipt = fetch(dataset, raw, folder)
    source = {key: receipt[key] for key in ("name", "sha256")}
    dataset.write_split(Path(receipt["path"]), folder, source)
    return scipy.sparse.load_npz(folder / "train.npz")


class Library:
    """An implementation in a process of its own."""

    def __init__(self, name: str, python: str, folder: Path, threads: int) -> None:
        """Start ``python`` on the driver."""
        driver = Path(__file__).with_name("public_driver.py")
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}
        environment.pop("PYTHONPATH", None)  # an environment of its own
        if name == "ours":
            environment["PYTHONPATH"] = str(ROOT)
        self.name = name
        self.process = subprocess.Popen(  # noqa: S603
            [python, str(driver), name, str(folder)],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def epoch(self) -> tuple[float, float]:
        """Wall and CPU seconds of one epoch.

        Raises:
            RuntimeError: the library failed; it has said why.
        """
        assert self.process.stdin is not None  # noqa: S101 (a pipe)
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} ended with {self.process.wait()}")
        wall, cpu = json.loads(answer)
        return wall, cpu

    def end(self) -> None:
        """Stop."""
        self.process.communicate()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="folder with ml-1m.zip or ml-1m/")
    parser.add_argument("--recbole", help="the interpreter that has it")
    parser.add_argument("--recpack", help="the interpreter that has it")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    given = parser.parse_args()
    given.clock = "wall and CPU"
    pythons = {"ours": sys.executable, "recbole": given.recbole, "recpack": given.recpack}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        matrix = training_matrix(given.raw, folder)
        settings = SETTINGS | {"threads": given.threads, "precision": given.precision}
        (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        libraries = [
            Library(name, python, folder, given.threads)
            for name, python in pythons.items()
            if python
        ]
        for library in libraries:  # warm-up
            library.epoch()
        rounds = [[library.epoch() for library in libraries] for _ in range(given.rounds)]
        for library in libraries:
            library.end()
    print(f"{machine(given)}; {matrix.shape[0]} users × {matrix.shape[1]} items, {matrix.nnz} ones")
    print("| | s an epoch (min … max) | of CPU | to ours, wall (min … max) | to ours, CPU |")
    print("|---|---:|---:|---:|---:|")
    for number, library in enumerate(libraries):
        walls, cpus = zip(*(turn[number] for turn in rounds), strict=True)
        cells = [library.name, spread(list(walls)), f"{statistics.median(cpus):.2f}"]
        cells += [
            spread([turn[number][clock] / turn[0][clock] for turn in rounds]) for clock in (0, 1)
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
