"""How interactions are split: by users (strong generalisation), by time, or as somebody else did.

Strong generalisation is that of Liang et al. 2018, arXiv:1802.05814, §4.1, to the letter of the
authors' ML-20M notebook. The notebook's calls to NumPy's legacy generator are kept in their order,
so that the same raw file gives the same split. Every kind ends in the same files: what training
sees, and for validation and test users what a ranking is made from and what it should find. The
items are always those of the training part.
"""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, Literal

import numpy as np
import scipy.sparse
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from vaebench.errors import DataError

Positive = Annotated[int, Field(ge=1)]
NonNegative = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]

HELD_OUT = ("validation", "test")
LABELS = ("train", *HELD_OUT, "validation_fold_in", "test_fold_in")
"""What a given split may call its rows."""

Label = Literal["train", "validation", "test", "validation_fold_in", "test_fold_in"]


class Protocol(BaseModel):
    """Strong generalisation: held-out users are strangers. The defaults are those of ML-20M."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["strong"] = "strong"
    min_items_per_user: NonNegative = 5
    min_users_per_item: NonNegative = 0
    validation_users: Positive = 10_000
    test_users: Positive = 10_000
    seed: NonNegative = 98_765
    held_out_share: Share = 0.2
    min_items_to_hold_out: Positive = 5


class Given(BaseModel):
    """A split that comes with the data: see :func:`by_label` for what the labels mean.

    Either ``column`` of the table names each row's label, or ``files`` has further files of the
    raw file's layout, label → name, and the raw file itself holds the rows labelled ``train``.
    Where no row is labelled ``validation``, some of the training rows are, as in strong
    generalisation: int(``held_out_share``·n) of a user's n, if n ≥ ``min_items_to_hold_out``. The
    test users are ranked from all rows that were given as training, as whoever gave them does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["given"] = "given"
    column: str | None = None
    files: dict[Label, str] | None = None
    seed: NonNegative = 98_765
    held_out_share: Share = 0.2
    min_items_to_hold_out: Positive = 5

    @model_validator(mode="after")
    def _one_way(self) -> "Given":
        if (self.column is None) == (self.files is None):
            raise ValueError("should have either column or files")
        if self.files is not None and "train" in self.files:
            raise ValueError("should not have files.train: the training rows are those of path")
        names = [PurePath(name).name for name in (self.files or {}).values()]
        if len(set(names)) < len(names):
            raise ValueError("should have a file of another name for each label")
        return self


class Temporal(BaseModel):
    """Global in time: one moment divides training from validation, a later one that from test.

    The last ``test_share`` of the interactions are test and the ``validation_share`` before them
    validation; interactions of one moment stay together, on the later side.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["temporal"] = "temporal"
    validation_share: Share = 0.1
    test_share: Share = 0.1
    min_items_per_user: NonNegative = 5
    min_users_per_item: NonNegative = 0

    @model_validator(mode="after")
    def _some_train(self) -> "Temporal":
        if self.validation_share + self.test_share >= 1:
            raise ValueError("should leave a share for training")
        return self


def _kind(given: Any) -> str:  # noqa: ANN401 (what stands in a config)
    """The tag of a split; strong generalisation unless it says otherwise."""
    if isinstance(given, dict):
        return str(given.get("kind", "strong"))
    return str(getattr(given, "kind", "strong"))


Strong = Annotated[Protocol, Tag("strong")]
Lists = Annotated[Strong | Annotated[Given, Tag("given")], Discriminator(_kind)]
"""``split`` of files that can come in parts but know no times."""

Timed = Annotated[Strong | Annotated[Temporal, Tag("temporal")], Discriminator(_kind)]
"""``split`` of a data set that knows its times."""

AnySplit = Annotated[
    Strong | Annotated[Temporal, Tag("temporal")] | Annotated[Given, Tag("given")],
    Discriminator(_kind),
]
"""``split`` of a table that may name a column of times or of parts."""


@dataclass(frozen=True)
class Ratings:
    """Interactions as parallel columns in file order.

    Attributes:
        users: (N,) codes; ``user_ids[users]`` are the raw ids.
        items: (N,) codes likewise.
        values: (N,) float32 weights, or None where every interaction weighs 1.
        user_ids: (U,) raw ids, sorted.
        item_ids: (I,) raw ids.
        times: (N,) numbers in the order of time, where they are known and wanted.
        labels: (N,) int8 places in ``LABELS`` of a given split.
    """

    users: np.ndarray
    items: np.ndarray
    user_ids: np.ndarray
    item_ids: np.ndarray
    values: np.ndarray | None = None
    times: np.ndarray | None = None
    labels: np.ndarray | None = None


@dataclass(frozen=True)
class Split:
    """Matrices and raw ids by file name, and the counts for the card."""

    matrices: dict[str, scipy.sparse.csr_matrix]
    ids: dict[str, np.ndarray]
    counts: dict[str, int]


def split(ratings: Ratings, how: Protocol | Given | Temporal) -> Split:
    """The split of the kind that ``how`` names.

    Raises:
        DataError: see :func:`strong`, :func:`by_label` and :func:`labels_by_time`; or the data have
            no times or labels.
    """
    if isinstance(how, Protocol):
        return strong(ratings, how)
    if isinstance(how, Temporal):
        if ratings.times is None:
            raise DataError("split: no times are known; allowed: data with times, or kind: strong")
        labels = labels_by_time(ratings.times, how)
        return by_label(ratings, labels, how.min_items_per_user, how.min_users_per_item)
    if ratings.labels is None:
        raise DataError("split: no parts are given; allowed: data with parts, or kind: strong")
    labels = ratings.labels.copy()
    if not (labels == 1).any():
        training = np.flatnonzero(labels == 0)
        labels[training[_held_out(ratings.users[training], how)]] = 1
    return by_label(ratings, labels)


def labels_by_time(times: np.ndarray, how: Temporal) -> np.ndarray:
    """(N,) int8 places in ``LABELS``.

    With n = N interactions in the order of time t_(1) ≤ … ≤ t_(n), a = int(test_share · n) and
    b = int(validation_share · n): test is t ≥ t_(n−a+1), validation the rest of t ≥ t_(n−a−b+1).

    Raises:
        DataError: a part is empty, since there are too few interactions or too few moments.
    """
    n = len(times)
    test, validation = int(how.test_share * n), int(how.validation_share * n)
    labels = np.zeros(n, np.int8)
    if test and validation:
        ordered = np.sort(times)
        for latest in (test + validation, test):
            labels += times >= ordered[n - latest]
    sizes = np.bincount(labels, minlength=3).tolist()
    if not all(sizes):
        raise DataError(
            f"split: {n} interactions at {len(np.unique(times))} moments fall into "
            f"{sizes[0]} training, {sizes[1]} validation and {sizes[2]} test ones; allowed: at "
            "least one of each"
        )
    return labels


def by_label(
    ratings: Ratings, labels: np.ndarray, min_items_per_user: int = 0, min_users_per_item: int = 0
) -> Split:
    """Training, fold-in and held-out rows by the label of each row.

    1. Training rows are those labelled ``train``, of items with ≥ ``min_users_per_item`` training
       rows, then of users with ≥ ``min_items_per_user`` of these: one pass each.
    2. The items are those of the training rows, in order of first appearance.
    3. Rows labelled ``validation`` (``test``) are held out. They are ranked from the user's rows
       labelled ``validation_fold_in`` (``test_fold_in``) if the data have any; else from what came
       before: the rows labelled ``train``, and for test those labelled ``validation`` too, also of
       a user whom step 1 left out of training.
    4. A held-out user without a row of either kind among the items is dropped and counted.

    Users are in ascending order. A user may be in all three parts: what is held out is later, not
    somebody else's.

    Args:
        ratings: N interactions.
        labels: (N,) places in ``LABELS``.
        min_items_per_user: of training rows.
        min_users_per_item: of training rows.

    Raises:
        DataError: no training rows, or a pair that occurs twice in what a user is ranked by.
    """
    users, items, values = ratings.users, ratings.items, ratings.values
    n_users, n_items = len(ratings.user_ids), len(ratings.item_ids)
    training = labels == 0
    if min_users_per_item:
        training &= (np.bincount(items[training], minlength=n_items) >= min_users_per_item)[items]
    if min_items_per_user:
        training &= (np.bincount(users[training], minlength=n_users) >= min_items_per_user)[users]
    if not training.any():
        raise DataError("split: no training interaction remains; allowed: at least one")
    vocabulary = _in_order_of_appearance(items[training], n_items)
    column = np.full(n_items, -1, np.int32)
    column[vocabulary] = np.arange(len(vocabulary), dtype=np.int32)
    columns = column[items]
    known = columns >= 0
    counts = {
        "interactions": len(users),
        "users": int(np.count_nonzero(np.bincount(users, minlength=n_users))),
        "items": int(np.count_nonzero(np.bincount(items, minlength=n_items))),
        "training_items": len(vocabulary),
    }
    matrices: dict[str, scipy.sparse.csr_matrix] = {}
    ids = {"items": ratings.item_ids[vocabulary]}

    def matrix(keep: np.ndarray, members: np.ndarray) -> scipy.sparse.csr_matrix:
        row = np.full(n_users, -1, np.int32)
        row[members] = np.arange(len(members), dtype=np.int32)
        u, i, v = _rows(keep, users, columns, values)
        return _csr(row[u], i, v, (len(members), len(vocabulary)))

    members = np.unique(users[training])
    matrices["train"], ids["train_users"] = matrix(training, members), ratings.user_ids[members]
    counts |= {"train_users": len(members), "train_interactions": int(training.sum())}
    for number, part in enumerate(HELD_OUT, start=1):
        of_its_own = labels == LABELS.index(f"{part}_fold_in")
        fold_in = known & (of_its_own if of_its_own.any() else labels < number)
        held_out = known & (labels == number)
        both = np.bincount(users[fold_in], minlength=n_users) > 0
        both &= np.bincount(users[held_out], minlength=n_users) > 0
        members = np.flatnonzero(both)
        fold_in, held_out = fold_in & both[users], held_out & both[users]
        matrix(fold_in | held_out, members)  # finds pairs of which one half would hide the other
        matrices[f"{part}_fold_in"] = matrix(fold_in, members)
        matrices[f"{part}_held_out"] = matrix(held_out, members)
        ids[f"{part}_users"] = ratings.user_ids[members]
        counts |= {
            f"{part}_users": len(members),
            f"{part}_interactions": int(fold_in.sum() + held_out.sum()),
            f"{part}_users_without_items": len(np.unique(users[labels == number])) - len(members),
            f"{part}_held_out_interactions": int(held_out.sum()),
            f"{part}_users_without_target": 0,
        }
    return Split(matrices, ids, counts)


def strong(ratings: Ratings, protocol: Protocol) -> Split:
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


def _held_out(users: np.ndarray, protocol: Protocol | Given) -> np.ndarray:
    """(N,) bool: which interactions are held out; users in ascending order, rows in file order."""
    random = np.random.RandomState(protocol.seed)
    grouped = np.argsort(users, kind="stable")
    starts = np.flatnonzero(np.diff(users[grouped], prepend=-1))
    out = np.zeros(len(users), bool)
    for start, n in zip(starts, np.diff(starts, append=len(users)), strict=True):
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
            " (a ratings table has the option repeats)"
        )
    matrix.sort_indices()
    return matrix
