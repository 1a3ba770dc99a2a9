"""EASE^R at a given number of items: seconds and peak memory of the inverse in place.

    python benchmarks/ease.py 20108 --users 116677    # ML-20M; MSD has 41140 items and 471355 users

Users are drawn with the activity of ML-20M's. ``--against`` inverts a second copy of the matrix
with LAPACK in float64 (four times the memory) and quotes the largest difference of B.
"""

import argparse
import os
import resource
import time

import numpy as np
import torch
from measure import SIZES, users

from vaebench.baselines.item_item import gram, item_weights
from vaebench.machine.provenance import processor


def exact(product: np.ndarray) -> np.ndarray:
    """B in float64, by LAPACK's inverse."""
    inverse = np.linalg.inv(product.astype(np.float64))
    weights: np.ndarray = -inverse / np.diagonal(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def main() -> None:
    """Fit once and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("items", type=int, nargs="?", default=5_000)
    parser.add_argument("--users", type=int, help="by default 6 an item")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--against", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    x = users(given.users or 6 * given.items, given.items, SIZES["ml-20m"][1])
    start = time.perf_counter()
    product = gram(x, 500.0)
    made = time.perf_counter()
    wanted = exact(product) if given.against else None
    began = time.perf_counter()
    weights = item_weights(product)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    load, rate = os.getloadavg()[0], given.items**3 / seconds / 1e9
    print(f"{processor()}, {given.threads} threads, load {load:.1f}")
    print(
        f"{given.items} items, {x.nnz} interactions: XᵀX {made - start:.1f} s, inverse "
        f"{seconds:.1f} s ({rate:.0f} GFLOP/s), peak memory {peak:.2f} GiB, of which the matrix "
        f"{weights.nbytes / 2**30:.2f} GiB"
    )
    if wanted is not None:
        print(f"largest difference to float64: {np.abs(weights - wanted).max():.1e}")


if __name__ == "__main__":
    main()
