"""The digits that need no download."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from vaebench.components import create
from vaebench.datasets import Images
from vaebench.datasets.digits import Digits
from vaebench.errors import ConfigError, DataError
from vaebench.files import read_json
from vaebench.training.data import Data

PARTS = ("train", "validation", "test")


def test_sizes_and_pixels() -> None:
    pictures = Digits().read(None)
    assert {name: part.shape for name, part in pictures.items()} == {
        "train": (1_297, 64),
        "validation": (250, 64),
        "test": (250, 64),
    }
    for part in pictures.values():
        assert part.dtype == np.float32
        assert set(np.unique(part)) == {0.0, 1.0}
    sizes = Digits(validation=800, test=800).read(None)
    assert [len(sizes[name]) for name in PARTS] == [197, 800, 800]


def test_the_parts_are_all_the_pictures_each_once() -> None:
    """Equal pictures occur; so the parts together have to be the same multiset of pictures."""
    together = np.concatenate(list(Digits().read(None).values()))
    originals = (load_digits().data > 7.5).astype(np.float32)
    assert sorted(map(bytes, together)) == sorted(map(bytes, originals))


@pytest.mark.parametrize("part", PARTS)
def test_every_digit_is_in_every_part(part: str) -> None:
    """scikit-learn's order is the writers': a split without shuffling is another task."""
    originals = load_digits()
    number = {
        bytes(picture): label
        for picture, label in zip(
            (originals.data >= 8).astype(np.float32), originals.target, strict=True
        )
    }
    labels = [number[bytes(picture)] for picture in Digits().read(None)[part]]
    assert np.bincount(labels, minlength=10).min() > len(labels) / 20


def test_two_splits_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        Digits().write_split(None, tmp_path / name, {})
    Digits(seed=1).write_split(None, tmp_path / "other", {})
    for name in ("train.npy", "validation.npy", "test.npy", "card.json"):
        one, two, other = (
            (tmp_path / folder / name).read_bytes() for folder in ("one", "two", "other")
        )
        assert one == two
        assert one != other


def test_the_written_split_is_read_back(tmp_path: Path) -> None:
    pictures = Digits().read(None)
    Digits().write_split(None, tmp_path, {"name": None})
    data = Data(tmp_path, torch.device("cpu"))
    assert data.kind() == "images"
    read = [data.train(), data.held_out("validation").examples, data.held_out("test").examples]
    for name, part in zip(PARTS, read, strict=True):
        assert isinstance(part, torch.Tensor)
        assert part.numpy().tolist() == pictures[name].tolist()
    assert read_json(tmp_path / "card.json")["counts"] == {
        "train_images": 1_297,
        "validation_images": 250,
        "test_images": 250,
        "pixels": 64,
    }


@pytest.mark.parametrize("option", ["validation", "test"])
@pytest.mark.parametrize("value", [0, 801])
def test_impossible_sizes_are_refused(option: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"{option}: {value} is not allowed"):
        create("vaebench.datasets", {"class": "digits.Digits", option: value})


class Broken(Images):
    """Pictures one of whose pixels has the value given."""

    def __init__(self, pixel: float) -> None:
        self.pixel = pixel

    def read(self, raw: Path | None) -> dict[str, np.ndarray]:  # noqa: ARG002 (embedded)
        """Three parts, the last one wrong."""
        parts = {name: np.full((4, 9), 0.5, np.float32) for name in PARTS}
        parts["test"][1, 2] = self.pixel
        return parts


@pytest.mark.parametrize("pixel", [-0.1, 1.1, np.nan, np.inf])
def test_pixels_outside_the_unit_interval_are_refused(tmp_path: Path, pixel: float) -> None:
    with pytest.raises(DataError, match=r"^test: pixels outside \[0, 1\]"):
        Broken(pixel).write_split(None, tmp_path, {})
    assert not (tmp_path / "card.json").exists()
