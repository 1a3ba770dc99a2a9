"""The small published sets: real files where they are at hand, and what a copy must not be."""

from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import scipy.io

from vaebench.components import create
from vaebench.datasets import Dataset, Interactions
from vaebench.datasets.caltech_silhouettes import PARTED, CaltechSilhouettes
from vaebench.datasets.digits import Digits
from vaebench.datasets.fetch import fetch, verify
from vaebench.datasets.mnist import FILES, FashionMNIST
from vaebench.errors import DataError
from vaebench.files import read_json

COUNTS = {
    "foursquare.Foursquare": (277_405, 7_642, 28_483),
    "lastfm.LastFM": (92_834, 1_892, 17_632),
    "epinions.Epinions": (103_567, 2_677, 2_060),
    "book_crossing.BookCrossing": (88_552, 6_358, 6_921),
    "amazon_office.AmazonOffice": (53_282, 3_703, 6_523),
    "citeulike_a.CiteULikeA": (204_986, 5_551, 16_980),
    "jester.Jester": (1_810_455, 24_983, 100),
}
"""Interactions, users and items, whatever the rating."""

COUNTED = {"epinions.Epinions": 70_071, "jester.Jester": 1_077_115}
"""Those that count by default, where somebody else has counted them."""

ALL = [*COUNTS, "caltech_silhouettes.CaltechSilhouettes", "mnist.MNIST", "mnist.FashionMNIST"]
ALL += ["binarized_mnist.BinarizedMNIST", "frey_face.FreyFace", "msd.MSD", "netflix.Netflix"]


def made(path: str) -> Dataset:
    dataset: Dataset = create("vaebench.datasets", {"class": path})
    return dataset


def here(dataset: Dataset, raw_folder: Callable[[str], Path], tmp_path: Path) -> Path:
    """The real raw file, fetched; skipped without it."""
    raw = raw_folder(f"{dataset.raw_folder()}/{dataset.raw_files()[-1].name}")
    receipt = fetch(dataset, raw.parents[1], tmp_path / "downloads")
    assert Path(receipt["path"]).samefile(raw)
    return raw


@pytest.mark.parametrize("path", COUNTS)
def test_the_real_file_has_the_published_counts(
    raw_folder: Callable[[str], Path], tmp_path: Path, path: str
) -> None:
    dataset = made(path)
    assert isinstance(dataset, Interactions)
    raw = here(dataset, raw_folder, tmp_path)
    found = dataset.read(raw)
    assert len(found.users) == COUNTED.get(path, len(found.users))
    dataset.cutoff = 10  # Jester has 100 items
    parts = dataset.parts(raw)
    assert parts.counts["interactions"] <= len(found.users)
    for option, least in (("threshold", -np.inf), ("above", -np.inf)):
        if getattr(dataset, option, None) is not None:
            setattr(dataset, option, least)
            found = dataset.read(raw)
    assert (len(found.users), len(found.user_ids), len(found.item_ids)) == COUNTS[path]


def test_the_real_jester_is_the_matrix(raw_folder: Callable[[str], Path], tmp_path: Path) -> None:
    """Its own first column says how many jokes each user has rated; -10 … 10, never 99."""
    dataset = create("vaebench.datasets", {"class": "jester.Jester", "above": -11.0})
    raw = here(dataset, raw_folder, tmp_path)
    with ZipFile(raw) as archive:
        lines = archive.read("jester-data-1.csv").decode().split()
    rated = [int(line.partition(",")[0]) for line in lines]
    assert np.bincount(dataset.read(raw).users).tolist() == rated


def test_the_real_fashion_is_known_by_its_content(
    raw_folder: Callable[[str], Path], tmp_path: Path
) -> None:
    """The files at hand are compressed again: other bytes, the published pictures."""
    folder = raw_folder(f"fashion-mnist/{FILES[0]}").parent
    dataset = FashionMNIST(binarize="none")
    receipt = fetch(dataset, folder.parent, tmp_path)
    assert "sha256:" + receipt["sha256"] != dataset.checksums[0]
    pictures, labels = dataset.read(folder / FILES[0]), dataset.labels(folder / FILES[0])
    assert [len(pictures[part]) for part in pictures] == [50_000, 10_000, 10_000]
    assert np.bincount(labels["test"]).tolist() == [1_000] * 10
    with pytest.raises(DataError, match="of its content is"):
        verify(folder / FILES[2], dataset.raw_files()[0])


def test_the_real_silhouettes_stand_upright(
    raw_folder: Callable[[str], Path], tmp_path: Path
) -> None:
    dataset = CaltechSilhouettes()
    raw = raw_folder("caltech101-silhouettes/caltech101_silhouettes_28.mat")
    fetch(dataset, raw.parents[1], tmp_path)
    pictures, labels = dataset.read(raw), dataset.labels(raw)
    assert [len(pictures[part]) for part in pictures] == [4_100, 2_264, 2_307]
    assert set(np.unique(pictures["train"])) == {0.0, 1.0}
    assert sorted(np.unique(np.concatenate(list(labels.values())))) == list(range(1, 102))
    original = scipy.io.loadmat(raw)["X"]
    first = original.reshape(-1, 28, 28)[7].T.reshape(-1)
    everything = np.concatenate(list(pictures.values()))
    assert (everything == first).all(axis=1).any()


def test_silhouettes_with_published_parts_are_taken_as_they_are(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    sizes = {"train": 5, "val": 3, "test": 4}
    arrays = {f"{n}_data": random.integers(0, 2, (k, 784), np.uint8) for n, k in sizes.items()}
    arrays |= {f"{n}_labels": random.integers(1, 102, (k, 1)) for n, k in sizes.items()}
    scipy.io.savemat(tmp_path / PARTED, arrays)
    dataset = CaltechSilhouettes(validation=1, test=1)
    pictures, labels = dataset.read(tmp_path / PARTED), dataset.labels(tmp_path / PARTED)
    for part, name in zip(("train", "validation", "test"), sizes, strict=True):
        upright = arrays[f"{name}_data"].reshape(-1, 28, 28).swapaxes(1, 2)
        np.testing.assert_array_equal(pictures[part].reshape(-1, 28, 28), upright)
        np.testing.assert_array_equal(labels[part], arrays[f"{name}_labels"][:, 0])


@pytest.mark.parametrize("path", ALL)
def test_every_published_set_says_its_terms_and_more_than_one_way(path: str) -> None:
    dataset = made(path)
    assert dataset.licence != Dataset.licence
    assert dataset.cite
    assert dataset.counted_as()
    files = [*dataset.raw_files(), *dataset.companions()]
    assert any(raw.urls for raw in files)
    for raw in files:
        for pinned in filter(None, (raw.checksum, raw.content)):
            algorithm, _, digest = pinned.partition(":")
            assert (algorithm, len(bytes.fromhex(digest))) == ("sha256", 32)


def test_units_are_families_of_data() -> None:
    assert made("binarized_mnist.BinarizedMNIST").counted_as() == made("mnist.MNIST").counted_as()
    units = [made(path).counted_as() for path in ALL if "binarized" not in path]
    assert len(set(units)) == len(units)
    releases = [{"class": "movielens.MovieLens", "release": r} for r in ("ml-100k", "ml-20m")]
    assert {create("vaebench.datasets", each).counted_as() for each in releases} == {"movielens"}

    class Another(Digits):
        """Names no unit and has no file."""

    assert Another().counted_as() == "Another"


def test_a_card_says_what_its_data_count_as(tmp_path: Path) -> None:
    Digits().write_split(None, tmp_path, {"name": None, "sha256": None})
    assert read_json(tmp_path / "card.json")["unit"] == "Digits"
