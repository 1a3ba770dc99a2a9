"""MNIST and Fashion-MNIST: the real files where they are, small files of the same layout else."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vaebench.components import create
from vaebench.datasets.fetch import fetch, verify
from vaebench.datasets.mnist import FILES, MNIST, FashionMNIST, read_idx
from vaebench.errors import ConfigError, DataError
from vaebench.files import read_json


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzipped(head + array.tobytes())


def small(folder: Path) -> Path:
    """40 training and 20 test pictures; picture n is full of n, its label n mod 10."""
    for images, labels, first, count in ((0, 1, 0, 40), (2, 3, 100, 20)):
        numbers = np.arange(first, first + count, dtype=np.uint8)
        pixels = np.repeat(numbers, 784).reshape(count, 28, 28)
        (folder / FILES[images]).write_bytes(idx(pixels))
        (folder / FILES[labels]).write_bytes(idx(numbers % 10))
    return folder / FILES[0]


def test_the_published_split_of_a_small_file(tmp_path: Path) -> None:
    raw = small(tmp_path)
    dataset = MNIST(validation=10, binarize="none")
    parts, labels = dataset.read(raw), dataset.labels(raw)
    np.testing.assert_array_equal(parts["train"][:, 0] * 255, np.arange(30))
    np.testing.assert_array_equal(parts["validation"][:, 783] * 255, np.arange(30, 40))
    np.testing.assert_allclose(parts["test"][:, 5] * 255, np.arange(100, 120))
    assert labels["validation"].tolist() == list(range(10))
    assert [len(labels[part]) for part in parts] == [30, 10, 20]


def test_binary_pixels_have_the_grey_values_as_probabilities(tmp_path: Path) -> None:
    raw = small(tmp_path)
    static = MNIST(validation=10, binarize="static").read(raw)
    dynamic = MNIST(validation=10).read(raw)
    for part, pixels in static.items():
        assert set(np.unique(pixels)) <= {0, 1}
        grey = MNIST(validation=10, binarize="none").read(raw)[part]
        deviation = np.abs(pixels.mean(1) - grey.mean(1))
        assert (deviation < 4 * np.sqrt(grey[:, 0] * (1 - grey[:, 0]) / 784) + 1e-6).all()
    assert not (static["train"][:, 0] == static["train"][:, 1]).all()
    np.testing.assert_array_equal(dynamic["test"], static["test"])
    assert dynamic["train"][29, 0] == np.float32(29 / 255), "drawn while training, so grey here"
    other = MNIST(validation=10, binarize="static", seed=1).read(raw)
    assert (other["test"] != static["test"]).any()


def test_a_class_is_held_out_of_training_and_validation_alone(tmp_path: Path) -> None:
    raw = small(tmp_path)
    MNIST(validation=10, held_out_class=3).write_split(raw, tmp_path / "out", {})
    labels = {
        part: np.load(tmp_path / "out" / f"{part}_labels.npy")
        for part in ("train", "validation", "test")
    }
    assert [len(values) for values in labels.values()] == [27, 9, 20]
    assert [(values == 3).sum() for values in labels.values()] == [0, 0, 2]
    card = read_json(tmp_path / "out" / "card.json")
    assert (card["held_out_class"], card["dynamic"], card["shape"]) == (3, True, [28, 28])
    assert card["counts"]["train_images"] == len(np.load(tmp_path / "out" / "train.npy")) == 27


def test_the_real_files(raw_folder: Callable[[str], Path]) -> None:
    """All four files, their checksums, and known facts: class counts, the mean of the pixels."""
    raw = raw_folder(f"mnist/{FILES[0]}")
    for name in FILES[1:]:
        raw_folder(f"mnist/{name}")
    receipt = fetch(MNIST(), raw.parents[1], Path("nowhere"))
    assert receipt["path"] == str(raw)
    assert list(receipt["companions"]) == list(FILES[1:])
    dataset = MNIST(binarize="none")
    parts, labels = dataset.read(raw), dataset.labels(raw)
    assert {part: pixels.shape for part, pixels in parts.items()} == {
        "train": (50_000, 784),
        "validation": (10_000, 784),
        "test": (10_000, 784),
    }
    counts = np.bincount(np.concatenate([labels["train"], labels["validation"]]))
    assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    together = np.concatenate([parts["train"], parts["validation"]])
    assert together.mean() == pytest.approx(0.1307, abs=5e-5)


@pytest.mark.parametrize("dataset", [MNIST(), FashionMNIST()])
def test_files_have_checksums_and_urls(dataset: MNIST) -> None:
    files = dataset.raw_files() + dataset.companions()
    assert [file.name for file in files] == list(FILES)
    assert all(file.checksum and file.urls[0].endswith(file.name) for file in files)


def test_fashion_is_read_as_mnist_is(tmp_path: Path) -> None:
    """Its files are not at hand; the layout is the same."""
    raw = small(tmp_path)
    fashion = create("vaebench.datasets", {"class": "mnist.FashionMNIST", "validation": 10})
    assert fashion.raw_folder() == "fashion-mnist"
    assert len(fashion.read(raw)["test"]) == 20
    with pytest.raises(DataError, match="checksum"):
        verify(raw, fashion.raw_files()[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no gzip", "not a whole gzip file"),
        (idx(np.zeros((3, 28, 28), np.uint8))[:-9], "not a whole gzip file"),
        (gzipped(b"\x00\x00\x09\x01\x00\x00\x00\x01a"), "not an idx file"),
        (gzipped(b""), "not an idx file"),
        (gzipped(b"\x00\x00\x08\x03\x00"), "not an idx file"),
        (gzipped(b"\x00\x00\x08\x01\x00\x00\x00\x05abc"), r"3 bytes, .* names \(5,\)"),
    ],
    ids=["plain", "cut", "unknown type", "empty", "header cut", "values cut"],
)
def test_a_damaged_file_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert "\n" not in str(caught.value)


def test_other_shapes_and_too_much_validation_are_refused(tmp_path: Path) -> None:
    raw = small(tmp_path)
    with pytest.raises(DataError, match="40 training pictures are too few for 40"):
        MNIST(validation=40).read(raw)
    raw.write_bytes(idx(np.zeros((40, 8, 8), np.uint8)))
    with pytest.raises(DataError, match=r"shape \(8, 8\); allowed: \(28, 28\)"):
        MNIST(validation=10).read(raw)
    with pytest.raises(ConfigError, match="held_out_class: 10"):
        create("vaebench.datasets", {"class": "mnist.MNIST", "held_out_class": 10})
