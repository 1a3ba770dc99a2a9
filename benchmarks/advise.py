"""Memory and time from a drawn file of many rows to the description of ``vaebench advise``.

    python benchmarks/advise.py --rows 10000000

The file has 64-bit ids, a rating and a time in each row; users and items have long tails. It is
drawn in blocks and removed afterwards.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from vaebench.advice import shape
from vaebench.advice.bench import bench
from vaebench.advice.columns import layout
from vaebench.advice.reading import read
from vaebench.machine.usage import usage

BLOCK = 1_000_000
GIB = 2**30


def draw(path: Path, rows: int) -> None:
    """Write ``rows`` of a user in 100 rows and an item in 2,000."""
    rng = np.random.default_rng(0)
    users, items = max(1, rows // 100), max(1, rows // 2_000)
    with path.open("w", encoding="utf-8") as file:
        file.write("userId,movieId,rating,timestamp\n")
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            drawn = {
                "user": 76_561_190_000_000_000 + (users * rng.random(count) ** 2).astype(np.int64),
                "item": (items * rng.random(count) ** 3).astype(np.int64),
                "rating": rng.integers(1, 6, count),
                "time": rng.integers(1_000_000_000, 1_700_000_000, count),
            }
            pd.DataFrame(drawn).to_csv(file, index=False, header=False)


def main() -> None:
    """Draw, read, say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--file", type=Path, help="a file that is there already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder) / "drawn.csv"
        if not path.exists():
            draw(path, given.rows)
        before, started = usage()["peak_bytes"] / GIB, time.perf_counter()
        found = read(layout(path))
        seconds = time.perf_counter() - started
        print(*shape.lines(found), *bench(found).said, sep="\n")
        total = time.perf_counter() - started
        print(f"{path.stat().st_size / GIB:.2f} GiB read in {seconds:.1f} s, {total:.1f} s in all")
        print(f"peak {usage()['peak_bytes'] / GIB:.2f} GiB, {before:.2f} before reading")


if __name__ == "__main__":
    main()
