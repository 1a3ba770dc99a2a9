"""Data sets that break one promise each, and the sentence that says which."""

import inspect
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import vaebench.datasets
from tests.variants import variants
from vaebench.contracts import ContractBroken, check_dataset
from vaebench.datasets import Dataset, Images, Interactions, RawFile
from vaebench.datasets.fetch import local_file
from vaebench.datasets.protocol import Protocol, Ratings, Split
from vaebench.datasets.ratings_table import RatingsTable
from vaebench.errors import DataError
from vaebench.files import digest, read_json, write_json

HELD_OUT = Protocol(min_items_per_user=0, validation_users=5, test_users=5)
GIVEN: dict[str, dict[str, Any]] = {
    "AdjacencyList": {"path": "mine.dat"},
    "ImageArray": {"path": "mine.npz", "validation": 3, "test": 3},
    "MovieLens": {
        "release": "ml-100k",
        "split": Protocol(min_items_per_user=1, validation_users=50, test_users=50),
    },
    "Planted": {"users": 60, "importance_samples": 2, "split": HELD_OUT},
    "Jester": {"cutoff": 10},
    "RatingsMatrix": {"path": "mine.csv"},
    "RatingsTable": {"path": "mine.csv", "user": "who", "item": "what"},
}
"""Options that have no default, or a default for more data."""

SMALL = 5 * 2**20
"""Bytes of a raw file that is split here; larger ones are in the tests of their sets."""

SHIPPED = [
    each
    for each in variants(vaebench.datasets, Dataset)
    if each.__module__ != "vaebench.datasets.published" and not inspect.isabstract(each)
]


@pytest.mark.parametrize("dataset", SHIPPED, ids=lambda c: c.__name__)
def test_every_shipped_set_keeps_its_contract(dataset: type[Dataset]) -> None:
    check_dataset(dataset, **GIVEN.get(dataset.__name__, {}))


@pytest.mark.parametrize("dataset", SHIPPED, ids=lambda c: c.__name__)
def test_its_real_file_is_split_as_promised(
    dataset: type[Dataset], raw_folder: Callable[[str], Path]
) -> None:
    options = GIVEN.get(dataset.__name__, {})
    found = local_file(dataset(**options), raw_folder("SHA256SUMS").parent)
    if found is None or found[1].stat().st_size > SMALL:
        pytest.skip("no small raw file of it is there")
    check_dataset(dataset, found[1], **options)


def test_a_users_own_table_keeps_it(tmp_path: Path) -> None:
    rows = [f"{user},{item}\n" for user in range(40) for item in range(105)]
    (tmp_path / "mine.csv").write_text("who,what\n" + "".join(rows), encoding="utf-8")
    options: dict[str, Any] = {"path": "mine.csv", "user": "who", "item": "what", "split": HELD_OUT}
    check_dataset(RatingsTable, tmp_path / "mine.csv", **options)
    with pytest.raises(
        ContractBroken, match=r"^RatingsTable: split: 10000 validation and 10000 test"
    ):
        check_dataset(RatingsTable, tmp_path / "mine.csv", **options | {"split": Protocol()})


class Pairs(Interactions):
    """Keeps every promise: numbers in a file, a user and an item in turn."""

    licence = "none: made for a test"

    def __init__(self, *, split: Protocol = HELD_OUT) -> None:
        self.split = split

    def raw_files(self) -> list[RawFile]:
        return [RawFile("pairs.txt")]

    def read(self, raw: Path | None) -> Ratings:
        assert raw is not None
        numbers = np.array(raw.read_text().split(), int)
        if not numbers.size:
            raise DataError(f"{raw.name}: it is empty; allowed: pairs of numbers")
        users, items = numbers.reshape(-1, 2).T
        return Ratings(users, items, np.arange(users.max() + 1), np.arange(items.max() + 1))


class Squares(Images):
    """Keeps every promise: black or white, the same for a part."""

    def read(self, raw: Path | None) -> dict[str, np.ndarray]:  # noqa: ARG002
        return {name: np.ones((3, 4), np.float32) for name in ("train", "validation", "test")}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Forty users of 105 items."""
    pairs = [f"{user} {item}\n" for user in range(40) for item in range(105)]
    (tmp_path / "pairs.txt").write_text("".join(pairs))
    return tmp_path / "pairs.txt"


def test_good_ones_pass(raw: Path) -> None:
    check_dataset(Pairs, raw)
    check_dataset(Pairs)  # no file: what can be known without
    check_dataset(Squares)


class Positional(Pairs):
    def __init__(self, split: Protocol = HELD_OUT) -> None:
        super().__init__(split=split)


class OfSongs(Pairs):
    kind = "songs"  # type: ignore[assignment]


class OfNoFamily(Dataset):
    kind = "images"

    def write_split(self, raw: Path | None, out: Path, source: dict[str, Any]) -> None: ...


class Lawless(Pairs):
    licence = None  # type: ignore[assignment]


class Rooted(Pairs):
    def raw_files(self) -> list[RawFile]:
        return [RawFile("/data/pairs.txt")]


class Shortened(Pairs):
    def raw_files(self) -> list[RawFile]:
        return [RawFile("pairs.txt", checksum="d41d8cd98f00b204")]


class Namesakes(Pairs):
    def companions(self) -> list[RawFile]:
        return self.raw_files()


class Traceback(Pairs):
    def read(self, raw: Path | None) -> Ratings:
        assert raw is not None
        int(raw.read_text().split()[0])
        return super().read(raw)


class Content(Squares):
    def raw_files(self) -> list[RawFile]:
        return [RawFile("squares.bin")]


class CardFirst(Pairs):
    def write_split(self, raw: Path | None, out: Path, source: dict[str, Any]) -> None:
        write_json(out / "card.json", {})
        super().write_split(raw, out, source)


class Numbered(Pairs):
    numbers = itertools.count()

    def truth(self, parts: Split) -> dict[str, float]:  # noqa: ARG002
        return {"elbo": float(next(self.numbers))}


class Placed(Pairs):
    def write_split(self, raw: Path | None, out: Path, source: dict[str, Any]) -> None:
        self.cite = f"{raw}"
        super().write_split(raw, out, source)


class AtHome(Pairs):
    cite = "/home/me/pairs.txt"


class Editing(Pairs):
    def write_split(self, raw: Path | None, out: Path, source: dict[str, Any]) -> None:
        super().write_split(raw, out, source)
        assert raw is not None
        raw.write_text(raw.read_text() + "\n")


class Global(Squares):
    def read(self, raw: Path | None) -> dict[str, np.ndarray]:
        np.random.seed(0)  # noqa: NPY002
        return super().read(raw)


class Cardless(Squares):
    def write_card(
        self, out: Path, source: dict[str, Any], names: list[str], facts: dict[str, Any]
    ) -> None: ...


class Forgery(Squares):
    """The card's content is changed on the way."""

    changes: dict[str, Any]

    def write_card(
        self, out: Path, source: dict[str, Any], names: list[str], facts: dict[str, Any]
    ) -> None:
        super().write_card(out, source, names, facts)
        write_json(out / "card.json", read_json(out / "card.json") | self.changes)


class Undigested(Forgery):
    changes = {"files": {}}  # noqa: RUF012 (as above)


class Miscounted(Forgery):
    changes = {"counts": {"train_images": 4, "validation_images": 3, "test_images": 3}}  # noqa: RUF012


class OfNothing(Forgery):
    changes = {"source": {}}  # noqa: RUF012


class Extra(Squares):
    def write_split(self, raw: Path | None, out: Path, source: dict[str, Any]) -> None:
        super().write_split(raw, out, source)
        (out / "notes.txt").write_text("mine")


class Wider(Squares):
    def read(self, raw: Path | None) -> dict[str, np.ndarray]:
        return super().read(raw) | {"test": np.ones((3, 9), np.float32)}


class OwnSplit(Pairs):
    """Writes its own matrices: ``spoil`` changes them after the protocol."""

    def parts(self, raw: Path | None) -> Split:
        found = super().parts(raw)
        self.spoil(found)
        return found

    def spoil(self, parts: Split) -> None: ...


class TrainedOnTest(OwnSplit):
    """Test users are training users, too."""

    def spoil(self, parts: Split) -> None:
        parts.ids["train_users"][:5] = parts.ids["test_users"]


class Seen(OwnSplit):
    """What is to be found is in the fold-in part already."""

    def spoil(self, parts: Split) -> None:
        parts.matrices["test_fold_in"] = parts.matrices["test_held_out"].copy()


class Untargeted(OwnSplit):
    def spoil(self, parts: Split) -> None:
        matrix = parts.matrices["validation_held_out"]
        parts.matrices["validation_held_out"] = scipy.sparse.csr_matrix(matrix.shape, dtype="f4")


class WideTest(OwnSplit):
    def spoil(self, parts: Split) -> None:
        for half in ("fold_in", "held_out"):
            matrix = parts.matrices[f"test_{half}"]
            parts.matrices[f"test_{half}"] = scipy.sparse.hstack([matrix, matrix[:, :1]]).tocsr()


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Positional, "keyword-only"),
        (OfSongs, "kind is 'songs'"),
        (OfNoFamily, "neither Interactions nor Images"),
        (Lawless, "licence is None"),
        (Rooted, "the raw file '/data/pairs.txt' lies elsewhere"),
        (Shortened, "the checksum of 'pairs.txt' is 'd41d8cd98f00b204'"),
        (Namesakes, "two raw files have one name"),
        (Traceback, "an empty file raises IndexError"),
        (Content, "an empty file is split"),
        (CardFirst, "a refused file leaves card.json"),
        (Numbered, "card.json differs between two splits"),
        (Placed, "card.json differs between two splits"),
        (AtHome, "names the place '/home/me/pairs.txt'"),
        (Editing, "it writes to its raw file"),
        (Global, "a global random stream"),
        (Cardless, "there is no card.json"),
        (Undigested, "there is no test.npy"),
        (Miscounted, "counts 4 images of train, which has 3"),
        (OfNothing, "another kind or source"),
        (Extra, "other files or digests than there are"),
        (Wider, "the parts have .* columns"),
        (TrainedOnTest, "a user is in two parts"),
        (Seen, "test: a held-out item is in the fold-in part"),
        (Untargeted, "validation: nobody has a held-out item"),
        (WideTest, "the parts have .* columns"),
    ],
)
def test_a_broken_set_is_named(broken: type[Dataset], sentence: str, raw: Path) -> None:
    before = digest(raw)
    given = raw if issubclass(broken, Pairs) else None
    with pytest.raises(ContractBroken, match=rf"^{broken.__name__}: .*{sentence}.*allowed"):
        check_dataset(broken, given)
    assert broken is Editing or digest(raw) == before
