"""The users and items that trials are made on: filters as in the studies, a split, a size.

The time of an epoch grows with users times items. A file that is too large for the budget gives a
sub-sample: first items of few users are dropped, then users are drawn. Both are said.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vaebench.advice.reading import Reading
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.errors import DataError
from vaebench.library import Table
from vaebench.records.write import shape_of
from vaebench.seeds import numpy_stream

CELLS = 4e7
"""Users times items that ten minutes of two cores allow: about a second an epoch."""

MINUTES = 10
FEWEST_USERS = 60
FEWEST_ITEMS = 10
ACTIVE = 5
"""Interactions of a user from which on there is one to hold out: .2 of 5."""

LONG, SHORT = 100, 10
"""K of NDCG@K: 100 as in the literature, 10 where a list of 100 is nearly all items."""

LONG_FROM = 300
"""Items from which on K is 100."""

HELD_OUT = 0.15
"""The share of users that validate; as many test."""

FEWEST_HELD_OUT, MOST_HELD_OUT = 20, 2_500
UPDATES = 600
"""Of a whole training: the published studies have 520 to 850."""

EPOCHS = (10, 40)
"""The fewest and the most of a whole training."""

BATCH = (10, 500)
POPULAR = (0, 2, 3, 5, 10, 20, 50)
"""Users of an item from which on it stays."""


@dataclass(frozen=True)
class Bench:
    """What is tried on.

    Attributes:
        ratings: of the users and items that are left.
        protocol: how they are split.
        items: items that are left.
        training: the settings of a whole training.
        k: of NDCG@K.
        said: what was dropped, in words; empty where nothing was.
        rare: items with fewer users were dropped.
        found: what was read, before all that.
    """

    ratings: Ratings
    protocol: Protocol
    items: int
    training: dict[str, int | float]
    k: int
    said: list[str]
    rare: int
    found: Ratings

    def active(self, users: int) -> int:
        """About how many of so many users of the file stay after the filter."""
        stay = len(np.unique(self.found.users[_kept(self.found, self.rare, ACTIVE)]))
        return int(stay * users / max(1, len(self.found.user_ids)))

    @property
    def metric(self) -> str:
        """The metric that judges."""
        return f"ndcg@{self.k}"

    def write(self, folder: Path) -> dict[str, float]:
        """Split into ``folder``; returns the shape of the training part, as records have it.

        Raises:
            DataError: nobody is left to rank for.
        """
        table = Table(split=self.protocol)
        table.ratings = self.ratings
        table.write_split(None, folder, {})
        assert table.found is not None  # noqa: S101 (it was split)
        return shape_of(table.found.matrices["train"])


def bench(reading: Reading, minutes: float = MINUTES) -> Bench:
    """The users and items to try on within so many minutes.

    Raises:
        DataError: too few users, or too few items, to rank anything for strangers.
    """
    found, said = reading.ratings, []
    if len(np.unique(found.items)) == 1:
        raise DataError(
            "all interactions are with one item, so that there is nothing to rank; allowed: at "
            f"least {FEWEST_ITEMS} items"
        )
    cells = CELLS * min(1.0, minutes / MINUTES)
    rare, active = 0, ACTIVE
    for rare in POPULAR:
        kept = _kept(found, rare, active)
        users, items = _sizes(found, kept)
        if users * items <= cells or items < LONG_FROM:
            break
    if users < FEWEST_USERS or items < FEWEST_ITEMS:
        raise DataError(
            f"{users} users with at least {active} interactions and {items} items of theirs are too"
            f" few to try anything on; allowed: at least {FEWEST_USERS} users and {FEWEST_ITEMS} "
            "items"
        )
    dropped = len(found.user_ids) - users
    if dropped:
        said.append(f"{dropped:,} users with fewer than {active} interactions are skipped")
    if rare:
        said.append(f"items with fewer than {rare} users are skipped: {items:,} are left")
    most = max(FEWEST_USERS, int(cells / items))
    sampled = users > most or reading.share < 1
    if users > most:
        chosen = np.flatnonzero(np.bincount(found.users[kept], minlength=len(found.user_ids)))
        drawn = numpy_stream("advice", "users").permutation(len(chosen))[:most]
        member = np.zeros(len(found.user_ids), bool)
        member[chosen[drawn]] = True
        kept &= member[found.users]
        users, items = _sizes(found, kept)
    if sampled:
        total = len(reading.of_users)
        said.append(f"trials use a sub-sample: {users:,} of {total:,} users, drawn by their ids")
    part = Ratings(found.users[kept], found.items[kept], found.user_ids, found.item_ids)
    held_out = int(min(max(HELD_OUT * users, FEWEST_HELD_OUT), MOST_HELD_OUT))
    protocol = Protocol(
        min_items_per_user=active,
        min_users_per_item=0,
        validation_users=held_out,
        test_users=held_out,
    )
    k = LONG if items >= LONG_FROM else SHORT
    return Bench(part, protocol, items, settings(users - 2 * held_out), k, said, rare, found)


def settings(users: int) -> dict[str, int | float]:
    """Of a whole training on so many users: about :data:`UPDATES` updates, as in the studies."""
    batch = int(np.clip(round(users * EPOCHS[1] / UPDATES), *BATCH))
    epochs = int(np.clip(round(UPDATES * batch / users), *EPOCHS))
    return {"epochs": epochs, "batch_size": batch, "learning_rate": 2e-3}


def _kept(found: Ratings, rare: int, active: int) -> np.ndarray:
    """(N,) bool: items of ≥ ``rare`` users, then users with ≥ ``active`` of these."""
    kept = np.ones(len(found.users), bool)
    if rare:
        kept = (np.bincount(found.items) >= rare)[found.items]
    counts = np.bincount(found.users[kept], minlength=len(found.user_ids))
    return kept & (counts >= active)[found.users]


def _sizes(found: Ratings, kept: np.ndarray) -> tuple[int, int]:
    return len(np.unique(found.users[kept])), len(np.unique(found.items[kept]))
