"""Static binarised MNIST: the layout, and the real files where they are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vaebench.datasets.binarized_mnist import BinarizedMNIST, read_amat
from vaebench.datasets.fetch import fetch
from vaebench.errors import DataError


def amat(pixels: np.ndarray) -> bytes:
    return "".join(" ".join(map(str, row)) + "\n" for row in pixels.tolist()).encode()


def test_lines_of_digits(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 2, (5, 784))
    path = tmp_path / "x.amat"
    path.write_bytes(amat(pixels))
    read = read_amat(path)
    np.testing.assert_array_equal(read, pixels)
    assert read.dtype == np.float32


LINE = amat(np.ones((1, 784), int))


@pytest.mark.parametrize(
    "content",
    [b"", LINE[:-1], LINE.replace(b"1", b"2"), LINE.replace(b" ", b","), LINE[2:], b"x" * 1568],
)
def test_another_layout_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.amat"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not lines of 784 digits"):
        read_amat(path)


def test_the_real_files(raw_folder: Callable[[str], Path]) -> None:
    """Sizes, and pixels that agree with MNIST: the same digits in the same proportion of white."""
    raw = raw_folder("binarized-mnist/binarized_mnist_train.amat")
    for part in ("valid", "test"):
        raw_folder(f"binarized-mnist/binarized_mnist_{part}.amat")
    receipt = fetch(BinarizedMNIST(), raw.parents[1], Path("nowhere"))
    parts = BinarizedMNIST().read(Path(receipt["path"]))
    assert [pixels.shape for pixels in parts.values()] == [
        (50_000, 784),
        (10_000, 784),
        (10_000, 784),
    ]
    for pixels in parts.values():
        assert set(np.unique(pixels)) == {0, 1}
        assert pixels.mean() == pytest.approx(0.1307, abs=0.003)
