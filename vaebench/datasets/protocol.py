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
    users, items, values = ratings.users, ratings.items, ratings.values
    n_users, n_items = len(ratings.user_ids), len(ratings.item_ids)
    if protocol.min_users_per_item > 0:
        frequent = np.bincount(items, minlength=n_items) >= protocol.min_users_per_item
        users, items, values = _rows(frequent[items], users, items, values)
    if protocol.min_items_per_user > 0:
        active = np.bincount(users, minlength=n_users) >= protocol.min_items_per_user
        users, items, values = _rows(active[users], users, items, values)
    present = np.flatnonzero(np.bincount(users, minlength=n_users))
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
        "items": int(np.count_nonzero(np.bincount(items))),
    }
    order = present[np.random.RandomState(protocol.seed).permutation(len(present))]
    parts = {
        "train": order[:-held_out_users],
        "validation": order[-held_out_users : -protocol.test_users],
        "test": order[-protocol.test_users :],
    }
    part_of_user = np.full(n_users, -1, np.int8)
    for number, members in enumerate(parts.values()):
        part_of_user[members] = number
    part = part_of_user[users]

    vocabulary = _in_order_of_appearance(items[part == 0], n_items)
    column = np.full(n_items, -1, np.int32)
    column[vocabulary] = np.arange(len(vocabulary), dtype=np.int32)
    columns = column[items]
    part[columns < 0] = -1  # an item that no training user has

    matrices, ids = {}, {"items": ratings.item_ids[vocabulary]}
    counts["training_items"] = len(vocabulary)
    for number, (name, members) in enumerate(parts.items()):
        u, i, v = _rows(part == number, users, columns, values)
        remaining = members[np.bincount(u, minlength=n_users)[members] > 0]
        row = np.full(n_users, -1, np.int32)
        row[remaining] = np.arange(len(remaining), dtype=np.int32)
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
        for half, keep in (("fold_in", ~out), ("held_out", out)):
            matrices[f"{name}_{half}"] = _csr(*_rows(keep, row[u], i, v), shape)
        counts[f"{name}_held_out_interactions"] = int(out.sum())
        with_target = np.diff(matrices[f"{name}_held_out"].indptr) > 0
        counts[f"{name}_users_without_target"] = int((~with_target).sum())
    return Split(matrices, ids, counts)


def _rows(
    keep: np.ndarray, users: np.ndarray, items: np.ndarray, values: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The interactions where ``keep`` (N,) is true."""
    return users[keep], items[keep], None if values is None else values[keep]


def _in_order_of_appearance(codes: np.ndarray, below: int) -> np.ndarray:
    """The distinct ``codes``, all less than ``below``, by the row where each appears first."""
    first = np.full(below, len(codes))
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # of a code's rows the last assigned stays
    return np.argsort(first)[: np.count_nonzero(first < len(codes))]


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
    rows: np.ndarray, columns: np.ndarray, values: np.ndarray | None, shape: tuple[int, int]
) -> scipy.sparse.csr_matrix:
    """A CSR matrix with sorted columns; ones where there are no values.

    Raises:
        DataError: a (user, item) pair occurs twice.
    """
    values = np.ones(len(rows), np.float32) if values is None else values
    matrix = scipy.sparse.csr_matrix((values, (rows, columns)), shape=shape)
    if matrix.nnz != len(rows):
        raise DataError(
            f"{len(rows) - matrix.nnz} (user, item) pairs occur more than once; allowed: each once"
        )
    matrix.sort_indices()
    return matrix
