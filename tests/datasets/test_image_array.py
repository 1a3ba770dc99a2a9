"""A user's own array: what is read, and one clear sentence for everything that is not."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaebench.components import create
from vaebench.datasets.image_array import ImageArray
from vaebench.errors import ConfigError, DataError
from vaebench.files import read_json

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 3, 4), dtype=np.uint8)
SIZES: dict[str, Any] = {"validation": 4, "test": 5}


@pytest.mark.parametrize("kind", ["bytes", "numbers", "rows", "channel", "npz"])
def test_every_layout_gives_the_same_split(tmp_path: Path, kind: str) -> None:
    options: dict[str, Any] = {}
    array: np.ndarray = PIXELS
    if kind == "numbers":
        array = PIXELS / 255
    elif kind == "rows":
        array, options = PIXELS.reshape(20, 12), {"height": 3, "width": 4}
    elif kind == "channel":
        array = PIXELS[:, :, :, None]
    path = tmp_path / ("x.npz" if kind == "npz" else "x.npy")
    if kind == "npz":
        np.savez(path, faces=PIXELS, who=np.arange(20) % 3)
        options = {"pictures": "faces", "labels": "who", "held_out_class": 2}
    else:
        np.save(path, array)
    ImageArray(path=str(path), **SIZES, **options).write_split(path, tmp_path / "out", {})
    card = read_json(tmp_path / "out" / "card.json")
    assert card["shape"] == [3, 4]
    for part in ("train", "validation", "test"):
        rows = np.load(tmp_path / "out" / f"{part}_rows.npy")
        found = np.load(tmp_path / "out" / f"{part}.npy")
        np.testing.assert_allclose(found, PIXELS[rows].reshape(-1, 12) / 255, atol=1e-6)
        if kind == "npz":
            labels = np.load(tmp_path / "out" / f"{part}_labels.npy")
            np.testing.assert_array_equal(labels, rows % 3)
            assert part == "test" or 2 not in labels
    if kind != "npz":
        assert [card["counts"][f"{part}_images"] for part in ("train", "validation", "test")] == [
            11,
            4,
            5,
        ]


def broken(value: float) -> np.ndarray:
    array = PIXELS / 255
    array[7, 1, 2] = value
    return array


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (broken(np.nan), r"1 pixels are NaN or infinite, the first at (7, 6)"),
        (broken(np.inf), r"1 pixels are NaN or infinite"),
        (broken(-0.5), r"pixels from -0.5 to 1; allowed: numbers in [0, 1]"),
        (PIXELS.astype(np.int64), r"pixels from 0 to 255; allowed: numbers in [0, 1]"),
        (np.array(["a"] * 20).reshape(20, 1, 1), "pixels of type <U1"),
        (np.zeros((20, 3, 4, 3)), r"shape (20, 3, 4, 3); allowed: (N, H, W) or (N, H·W)"),
        (np.zeros(20), r"an array of shape (20,)"),
        (np.zeros((0, 3, 4)), r"an array of shape (0, 3, 4)"),
        (PIXELS[:9], "4 validation and 5 test pictures of 9 leave none for training"),
        (PIXELS.reshape(20, 12), "rows of 12 pixels; allowed: with the options height and width"),
        (np.array([None] * 20), "not readable as a NumPy array of numbers"),
    ],
)
def test_a_wrong_array_is_refused_in_one_sentence(
    tmp_path: Path, array: np.ndarray, message: str
) -> None:
    path = tmp_path / "x.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        ImageArray(path=str(path), **SIZES).write_split(path, tmp_path / "out", {})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_wrong_file_or_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, pictures=PIXELS, short=np.arange(3), real=np.zeros(20))
    with pytest.raises(DataError, match="no array 'faces'; it has pictures, short, real"):
        ImageArray(path=str(path), pictures="faces", **SIZES).read(path)
    for name in ("short", "real"):
        with pytest.raises(DataError, match=r"labels of shape .* allowed: \(20,\), integers"):
            ImageArray(path=str(path), labels=name, **SIZES).labels(path)
    with pytest.raises(DataError, match=r"pictures of \(3, 4\) pixels; allowed: \(4, 3\)"):
        ImageArray(path=str(path), height=4, width=3, **SIZES).read(path)
    path.write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataError, match="not readable as a NumPy array"):
        ImageArray(path=str(path), **SIZES).read(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "x.png"}, "path: 'x.png' is not allowed"),
        ({"path": "x.npy", "height": 3}, "height and width belong together"),
        ({"path": "x.npy", "labels": "y"}, "labels: 'y' is not allowed"),
        ({"path": "x.npz", "held_out_class": 3}, "held_out_class needs labels"),
        ({"path": "x.npz", "validation": 0}, "validation: 0 is not allowed"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create("vaebench.datasets", {"class": "image_array.ImageArray"} | SIZES | options)
