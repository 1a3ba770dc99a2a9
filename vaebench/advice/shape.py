"""The shape of a file in a few lines."""

import numpy as np

from vaebench.advice.reading import Reading
from vaebench.records.write import gini


def lines(reading: Reading) -> list[str]:
    """Users, items, interactions, quartiles of n_u, density, Gini, repeats.

    n_u counts the rows of a user that count. Density is the share of user-item pairs, Gini that of
    the items' rows: 0 if all items have as many.
    """
    users, items = reading.of_users, reading.of_items
    pairs = reading.counted * (1 - reading.repeats)
    low, middle, high = (int(n) for n in np.quantile(users, (0.25, 0.5, 0.75), method="nearest"))
    density, gone = 100 * pairs / len(users) / len(items), 100 * reading.repeats
    mean, inequality = users.mean(), gini(items.astype(float))
    found = [
        f"{len(users):,} users, {len(items):,} items, {reading.counted:,} interactions"
        + (f" of {reading.rows:,} rows" if reading.counted < reading.rows else ""),
        f"a user has {low} to {high} of them (quartiles; median {middle}, mean {mean:.1f})",
        f"density {density:.2g} %, Gini of the items {inequality:.2f}, repeats {gone:.2g} %",
    ]
    if reading.blank:
        found.append(f"{reading.blank:,} rows without a user or an item are skipped")
    return found
