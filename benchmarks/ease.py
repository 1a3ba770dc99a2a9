"""EASE^R at a given number of items: seconds and peak memory of the in-place inverse.

    python benchmarks/ease.py 20108    # ML-20M; MSD has 41140

The interactions are random with a long tail; only their number of columns matters for the cost.
"""

import resource
import sys
import time

import numpy as np
from scipy.sparse import csr_matrix

from vaebench.baselines.item_item import gram, item_weights

INTERACTIONS_PER_USER = 70


def main() -> None:
    """Fit once and print."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    users = 2 * items
    random = np.random.default_rng(0)
    shares = 1 / (10 + np.arange(items)) ** 0.8
    columns = random.choice(items, users * INTERACTIONS_PER_USER, p=shares / shares.sum())
    rows = np.repeat(np.arange(users), INTERACTIONS_PER_USER)
    x = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(users, items))
    x.data[:] = 1
    start = time.perf_counter()
    product = gram(x, 500.0)
    made = time.perf_counter()
    weights = item_weights(product)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{items} items: XᵀX {made - start:.0f} s, inverse {done - made:.0f} s, peak memory "
        f"{peak:.2f} GiB, of which the matrix {weights.nbytes / 2**30:.2f} GiB"
    )


if __name__ == "__main__":
    main()
