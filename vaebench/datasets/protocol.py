"""The recommendation split of Mult-VAE: strong generalisation, to the letter of the notebook.

Liang et al. 2018, arXiv:1802.05814, §4.1, and the authors' ML-20M notebook. The notebook's calls to
NumPy's legacy generator are kept in their order, so that the same raw file gives the same split.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import scipy.sparse
from pydantic import BaseModel, ConfigDict, Field

from vaebench.errors import DataError

Positive = Annotated[int, Field(ge=1)]
NonNegative = Annotated[int, Field(ge=0)]


class Protocol(BaseModel):
    """Options of the split; the defaults are those of ML-20M."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_items_per_user: NonNegative = 5
    min_users_per_item: NonNegative = 0
    validation_users: Positive = 10_000
    test_users: Positive = 10_000
    seed: NonNegative = 98_765
    held_out_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    min_items_to_hold_out: Positive = 5


@dataclass(frozen=True)
class Ratings:
    """Interactions as parallel columns in file order.

    Attributes:
        users: (N,) codes; ``user_ids[users]`` are the raw ids.
        items: (N,) codes likewise.
        values: (N,) float32 weights, or None where every interaction weighs 1.
        user_ids: (U,) raw ids, sorted.
        item_ids: (I,) raw ids.
    """

    users: np.ndarray
    items: np.ndarray
    user_ids: np.ndarray
    item_ids: np.ndarray
    values: np.ndarray | None = None


@dataclass(frozen=True)
class Split:
    """Matrices and raw ids by file name, and the counts for the card."""

    matrices: dict[str, scipy.sparse.csr_matrix]
    ids: dict[str, np.ndarray]
    counts: dict[str, int]


def split(ratings: Ratings, protocol: Protocol) -> Split:
    """Filter, split the users, restrict the items, hold out.

    1. Keep items with ≥ ``min_users_per_item`` users, then users with ≥ ``min_items_per_user``
       items: one pass each.
    2. Permute the sorted users; the last n are test, the n before them validation.
    3. The items are those of the training users, in order of first appearance; a held-out user who
       is left without items is dropped and counted.
    4. A held-out user with ≥ ``min_items_to_hold_out`` items holds out int(.2·n) of them; one with
       fewer has fold-in items only. The seed is set anew for each of the two parts.

    Raises:
        DataError: too few users for the two held-out parts, a pair that occurs twice, or no items.
    """
    users, items = ratings.users, ratings.items
    values = np.ones(len(users), np.float32) if ratings.values is None else ratings.values
    if protocol.min_users_per_item > 0:
        frequent = (
            np.bincount(items, minlength=len(ratings.item_ids)) >= protocol.min_users_per_item
        )
        keep = frequent[items]
        users, items, values = users[keep], items[keep], values[keep]
    if protocol.min_items_per_user > 0:
        active = np.bincount(users, minlength=len(ratings.user_ids)) >= protocol.min_items_per_user
        keep = active[users]
        users, items, values = users[keep], items[keep], values[keep]
    present = np.unique(users)
    held_out_users = protocol.validation_users + protocol.test_users
    if len(present) <= held_out_users:
        raise DataError(
            f"split: {protocol.validation_users} validation and {protocol.test_users} test users "
            f"are not allowed; {len(present)} users remain after the filter and at least one must "
            "be left for training"
        )
    counts = {
        "interactions": len(users),
        "users": len(present),
        "items": len(np.unique(items)),
    }
    order = present[np.random.RandomState(protocol.seed).permutation(len(present))]
    parts = {
        "train": order[:-held_out_users],
        "validation": order[-held_out_users : -protocol.test_users],
        "test": order[-protocol.test_users :],
    }
    part_of_user = np.full(len(ratings.user_ids), -1, np.int8)
    for number, members in enumerate(parts.values()):
        part_of_user[members] = number
    part = part_of_user[users]

    train_items = items[part == 0]
    appeared, first = np.unique(train_items, return_index=True)
    vocabulary = appeared[np.argsort(first)]
    column = np.full(len(ratings.item_ids), -1, np.int64)
    column[vocabulary] = np.arange(len(vocabulary))

    matrices, ids = {}, {"items": ratings.item_ids[vocabulary]}
    counts["training_items"] = len(vocabulary)
    for number, (name, members) in enumerate(parts.items()):
        keep = (part == number) & (column[items] >= 0)
        u, i, v = users[keep], column[items[keep]], values[keep]
        remaining = members[np.isin(members, u)]
        row = np.full(len(ratings.user_ids), -1, np.int64)
        row[remaining] = np.arange(len(remaining))
        shape = (len(remaining), len(vocabulary))
        ids[f"{name}_users"] = ratings.user_ids[remaining]
        counts[f"{name}_users"] = len(remaining)
        counts[f"{name}_interactions"] = len(u)
        whole = _csr(row[u], i, v, shape)  # finds pairs that the hold-out would tear apart
        if name == "train":
            matrices[name] = whole
            continue
        counts[f"{name}_users_without_items"] = len(members) - len(remaining)
        out = _held_out(u, protocol)
        matrices[f"{name}_fold_in"] = _csr(row[u[~out]], i[~out], v[~out], shape)
        matrices[f"{name}_held_out"] = _csr(row[u[out]], i[out], v[out], shape)
        counts[f"{name}_held_out_interactions"] = int(out.sum())
        with_target = np.diff(matrices[f"{name}_held_out"].indptr) > 0
        counts[f"{name}_users_without_target"] = int((~with_target).sum())
    return Split(matrices, ids, counts)


def _held_out(users: np.ndarray, protocol: Protocol) -> np.ndarray:
    """(N,) bool: which interactions are held out; users in ascending order, rows in file order."""
    random = np.random.RandomState(protocol.seed)
    grouped = np.argsort(users, kind="stable")
    starts = np.flatnonzero(np.diff(users[grouped], prepend=-1))
    out = np.zeros(len(users), bool)
    for start, stop in zip(starts, [*starts[1:], len(users)], strict=True):
        n = stop - start
        if n >= protocol.min_items_to_hold_out:
            chosen = random.choice(n, size=int(protocol.held_out_share * n), replace=False)
            out[grouped[start + chosen.astype(np.int64)]] = True
    return out


def _csr(
    rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int]
) -> scipy.sparse.csr_matrix:
    """A CSR matrix with sorted columns.

    Raises:
        DataError: a (user, item) pair occurs twice.
    """
    matrix = scipy.sparse.csr_matrix((values, (rows, columns)), shape=shape)
    if matrix.nnz != len(rows):
        raise DataError(
            f"{len(rows) - matrix.nnz} (user, item) pairs occur more than once; allowed: each once"
        )
    matrix.sort_indices()
    return matrix
