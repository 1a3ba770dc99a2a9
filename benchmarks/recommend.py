"""Time and memory of ``vaebench recommend`` for many users.

    python benchmarks/recommend.py --users 1000000 --items 1000

Writes a model of drawn weights and a Parquet file of drawn users, 5 to 35 items each, runs the
command in a process of its own, and prints its seconds and its largest resident memory. Memory
should not grow with the number of users.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

import vaebench


def drawn(path: Path, users: int, items: int, names: np.ndarray) -> int:
    """Write the users, 50,000 at a time; the number of rows."""
    random, rows = np.random.default_rng(0), 0
    schema = pa.schema({"user": pa.int64(), "item": pa.int64()})
    with pa.parquet.ParquetWriter(path, schema) as writer:
        for first in range(0, users, 50_000):
            count = min(50_000, users - first)
            sizes = random.integers(5, 36, count)
            owner = np.repeat(np.arange(first, first + count), sizes)
            chosen = names[random.integers(items, size=len(owner))]
            writer.write_table(pa.table({"user": owner, "item": chosen}, schema))
            rows += len(owner)
    return rows


def main() -> None:
    """Write, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--items", type=int, default=1_000)
    parser.add_argument("--top", type=int, default=10)
    parser.add_argument("--hidden", type=int, default=600)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random = np.random.default_rng(1)
        ratings = pd.DataFrame(
            {
                "user": np.repeat(np.arange(400), 20),
                "item": random.integers(given.items, size=8_000),
            }
        )
        fitted = vaebench.fit(
            ratings,
            model={"class": "mult_vae.MultVAE", "hidden": given.hidden},
            training={"epochs": 1, "device": "cpu"},
        )
        fitted.save(folder / "model.safetensors")
        print("| users | rows | MB of the file | s | peak MiB |\n|---:|---:|---:|---:|---:|")
        for users in given.users:
            file, out = folder / "users.parquet", folder / "lists.parquet"
            rows = drawn(file, users, len(fitted.items), fitted.items)
            command = ["-m", "vaebench", "recommend", str(folder / "model.safetensors")]
            command += ["--users", str(file), "--top", str(given.top), "--out", str(out)]
            started = time.perf_counter()
            with Path(os.devnull).open("w") as nowhere:
                subprocess.run([sys.executable, *command], check=True, stderr=nowhere)  # noqa: S603
            seconds = time.perf_counter() - started
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            lists = pa.parquet.read_metadata(out).num_rows // given.top
            size = file.stat().st_size / 1e6
            print(f"| {lists:,} | {rows:,} | {size:.0f} | {seconds:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
