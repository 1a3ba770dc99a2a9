"""Adjacency lists, matrices and arrays of a user's own, against NumPy and plain loops."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from vaebench.components import create
from vaebench.datasets.adjacency_list import AdjacencyList
from vaebench.datasets.fetch import fetch
from vaebench.datasets.image_array import ImageArray
from vaebench.datasets.protocol import Given, Ratings
from vaebench.datasets.ratings_matrix import RatingsMatrix
from vaebench.errors import ConfigError, DataError

LISTS = {"user": "7 30 10 20\n3 10\n12\n0 20 30\n", "count": "3 30 10 20\n1 10\n0\n\n2 20 30\n"}
LISTS["nothing"] = "30 10 20\n10\n\n20 30\n"
PAIRS = {
    "user": [(7, 30), (7, 10), (7, 20), (3, 10), (0, 20), (0, 30)],
    "count": [(0, 30), (0, 10), (0, 20), (1, 10), (4, 20), (4, 30)],
    "nothing": [(0, 30), (0, 10), (0, 20), (1, 10), (3, 20), (3, 30)],
}


def pairs(ratings: Ratings) -> list[tuple[Any, Any]]:
    users = ratings.user_ids[ratings.users].tolist()
    return list(zip(users, ratings.item_ids[ratings.items].tolist(), strict=True))


@pytest.mark.parametrize("first", LISTS)
def test_lists_are_read_line_by_line(tmp_path: Path, first: Any) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(LISTS[first], encoding="utf-8")
    assert pairs(AdjacencyList(path=str(path), first=first).read(path)) == PAIRS[first]


def test_a_line_whose_count_is_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("2 5 6\n3 5 6\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.txt: line 2 begins with '3' and has 2 items"):
        AdjacencyList(path=str(path), first="count").read(path)
    path.write_bytes(b"1 \xff\n")
    with pytest.raises(DataError, match=r"mine\.txt: not readable as text"):
        AdjacencyList(path=str(path)).read(path)


def test_the_given_files_of_somebody_else_are_ranked_as_he_ranks(tmp_path: Path) -> None:
    """Train and test files as LightGCN's: tested from all training items of the user, none lost."""
    random = np.random.default_rng(3)
    train = {user: random.choice(120, random.integers(5, 60), replace=False) for user in range(40)}
    test = {u: np.setdiff1d(random.choice(120, 8), items) for u, items in train.items() if u % 3}
    for name, lists in (("train", train), ("test", test)):
        lines = [" ".join(map(str, [user, *items])) for user, items in lists.items()]
        (tmp_path / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    mine = AdjacencyList(path="train.txt", split=Given(files={"test": "test.txt"}))
    receipt = fetch(mine, None, tmp_path / "downloads", [tmp_path])
    parts = mine.parts(Path(receipt["path"]))
    matrices = {name: matrix.toarray() for name, matrix in parts.matrices.items()}
    items, users = parts.ids["items"], parts.ids["test_users"]
    assert users.tolist() == sorted(test)
    for row, user in enumerate(users):
        assert set(items[matrices["test_fold_in"][row] > 0]) <= set(train[user])
        # the item that only validation knows is no item of the training part
        lost = set(train[user]) - set(items)
        assert set(items[matrices["test_fold_in"][row] > 0]) == set(train[user]) - lost
        assert set(items[matrices["test_held_out"][row] > 0]) == set(test[user]) & set(items)
    for row, user in enumerate(parts.ids["validation_users"]):
        fold_in, held_out = (matrices[f"validation_{n}"][row] for n in ("fold_in", "held_out"))
        assert held_out.sum() == int(0.2 * len(train[user])) - len(set(train[user]) - set(items))
        assert (fold_in == matrices["train"][parts.ids["train_users"] == user][0]).all()


NUMBERS = np.random.default_rng(0).integers(-5, 6, (9, 7)).astype(float)
NUMBERS[2, 3] = NUMBERS[4, 4] = 99


def write_csv(path: Path, *, header: bool = False, skip: int = 0) -> None:
    lines = ["a," * skip + ",".join(f"item{i}" for i in range(7))] if header else []
    for row in NUMBERS:
        texts = ["" if number == 99 and skip else f"{number:g}" for number in row]
        lines.append("x," * skip + ",".join(texts))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


MATRICES: dict[str, tuple[dict[str, Any], Callable[[Path], object]]] = {
    "a.csv": ({}, write_csv),
    "b.csv": ({"header": True, "skip": 1}, lambda path: write_csv(path, header=True, skip=1)),
    "c.npy": ({}, lambda path: np.save(path, NUMBERS)),
    "d.npz": ({}, lambda path: np.savez(path, ratings=NUMBERS)),
    "e.npz": ({}, lambda path: scipy.sparse.save_npz(path, scipy.sparse.csc_matrix(NUMBERS))),
    "f.mat": ({}, lambda path: scipy.io.savemat(path, {"ratings": NUMBERS})),
    "g.mat": (
        {"array": "R"},
        lambda path: scipy.io.savemat(path, {"R": scipy.sparse.csc_matrix(NUMBERS)}),
    ),
}


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("above", [0.0, 2.0])
def test_every_form_of_a_matrix_gives_the_same(tmp_path: Path, name: str, above: float) -> None:
    path = tmp_path / name
    options, write = MATRICES[name]
    write(path)
    mine = RatingsMatrix(path=str(path), above=above, missing=99, **options)
    expected = [(u, i) for u in range(9) for i in range(7) if above < NUMBERS[u, i] < 99]
    assert sorted(pairs(mine.read(path))) == expected


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"1,2\n3,x\n", r"a\.csv: column 2 has values that are no numbers"),
        ("a.csv", b"1,2\n3\n", r"a\.csv: not readable as a table"),
        ("a.csv", b"-1,0\n", r"a\.csv: no number > 0"),
        ("a.csv", b"", r"a\.csv: not readable as a table"),
        ("a.npy", b"nothing", r"not readable as a NumPy array"),
        ("a.npz", b"nothing", r"not readable as a NumPy array"),
        ("a.mat", b"nothing", r"not a readable MATLAB file"),
    ],
)
def test_what_is_no_matrix_is_refused_in_one_sentence(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        RatingsMatrix(path=str(path)).read(path)
    assert "\n" not in str(caught.value)


def test_arrays_that_are_not_there_or_no_matrix_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, mine=NUMBERS, flat=NUMBERS[0])
    with pytest.raises(DataError, match=r"there is no array 'ratings'; it has mine, flat"):
        RatingsMatrix(path=str(path)).read(path)
    with pytest.raises(DataError, match=r"an array of shape \(7,\)"):
        RatingsMatrix(path=str(path), array="flat").read(path)
    with pytest.raises(ConfigError, match=r"'a\.xls' is not allowed; it should end with"):
        create("vaebench.datasets", {"class": "ratings_matrix.RatingsMatrix", "path": "a.xls"})


@pytest.mark.parametrize("ending", [".npz", ".mat"])
@pytest.mark.parametrize("own", [True, False], ids=["validation given", "validation drawn"])
def test_given_parts_of_pictures_stay_as_they_are(tmp_path: Path, ending: str, own: bool) -> None:  # noqa: FBT001
    random = np.random.default_rng(1)
    sizes = {"train": 9, "validation": 4, "test": 5}
    pictures = {p: random.integers(0, 256, (n, 2, 3), np.uint8) for p, n in sizes.items()}
    labels = {part: random.integers(0, 3, n) for part, n in sizes.items()}
    path = tmp_path / f"mine{ending}"
    arrays = {f"x_{p}": v for p, v in pictures.items()} | {f"y_{p}": v for p, v in labels.items()}
    (np.savez(path, **arrays) if ending == ".npz" else scipy.io.savemat(path, arrays))
    named = [part for part in sizes if own or part != "validation"]
    mine = create(
        "vaebench.datasets",
        {
            "class": "image_array.ImageArray",
            "path": str(path),
            "parts": {part: f"x_{part}" for part in named},
            "labels": {part: f"y_{part}" for part in named},
        }
        | ({} if own else {"validation": 4}),
    )
    mine.write_split(path, tmp_path / "out", {})
    for part, size in sizes.items():
        found, classes, rows = (
            np.load(tmp_path / "out" / f"{part}{suffix}.npy") for suffix in ("", "_labels", "_rows")
        )
        source = part if part in named else "train"
        np.testing.assert_allclose(found, pictures[source][rows].reshape(-1, 6) / 255, atol=1e-6)
        np.testing.assert_array_equal(classes, labels[source][rows])
        if own or part == "test":
            assert rows.tolist() == list(range(size))
    if not own:
        drawn = [np.load(tmp_path / "out" / f"{p}_rows.npy") for p in ("train", "validation")]
        assert sorted(np.concatenate(drawn)) == list(range(9))
        assert len(drawn[1]) == 4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"parts": {"train": "x"}}, "parts: should name an array for train and one for test"),
        ({"parts": {"train": "x", "test": "y"}}, "validation: should be a number of pictures"),
        ({"validation": 3}, "test: should be a number of pictures"),
        (
            {"parts": {"train": "x", "test": "y"}, "validation": 3, "labels": "y"},
            "labels: should name an array for each of parts",
        ),
        (
            {"parts": {"train": "x", "test": "y"}, "validation": 3, "labels": {"train": "y"}},
            "labels: should name an array for each of parts",
        ),
        ({"parts": {"train": "x", "dev": "y", "test": "z"}}, r"parts\.dev"),
    ],
)
def test_parts_that_do_not_fit_are_refused(options: dict[str, Any], says: str) -> None:
    given = {"class": "image_array.ImageArray", "path": "x.npz"} | options
    with pytest.raises(ConfigError, match=says):
        create("vaebench.datasets", given)


def test_parts_of_other_sizes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, a=np.zeros((5, 6)), b=np.zeros((5, 4)))
    mine = ImageArray(
        path=str(path), parts={"train": "a", "test": "b"}, validation=1, height=2, width=3
    )
    with pytest.raises(DataError, match="rows of 4 pixels, but height · width is 6"):
        mine.read(path)


def test_sparse_pictures_are_pictures(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    scipy.io.savemat(path, {"pictures": scipy.sparse.eye(6).tocsc()})
    mine = ImageArray(path=str(path), validation=1, test=1, height=2, width=3)
    assert np.concatenate(list(mine.read(path).values())).sum() == 6
