"""Static binarised MNIST: the pictures on which published likelihoods are compared."""

from pathlib import Path

import numpy as np

from vaebench.datasets import Images, RawFile
from vaebench.datasets.pictures import PARTS
from vaebench.errors import DataError

URLS = (
    "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/",
    "https://github.com/riannevdberg/sylvester-flows/raw/master/data/MNIST_static/",
)
CHECKSUMS = {
    "train": "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d",
    "valid": "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2",
    "test": "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c",
}
SIDE = 28
PIXELS = SIDE * SIDE


class BinarizedMNIST(Images):
    """50,000 / 10,000 / 10,000 digits of 784 pixels drawn once from MNIST's grey values.

    The files of Larochelle & Murray 2011 (NADE) with the draw of Salakhutdinov & Murray 2008. They
    have no labels.

    References:
        larochelle2011, salakhutdinov2008

    Example:
        >>> from vaebench.datasets.binarized_mnist import BinarizedMNIST
        >>> [file.name for file in BinarizedMNIST().raw_files()]
        ['binarized_mnist_train.amat']
    """

    unit: str | None = "mnist"
    licence = "that of MNIST: CC BY-SA 3.0"
    cite = "Larochelle & Murray 2011, AISTATS; Salakhutdinov & Murray 2008, ICML"

    def __init__(self) -> None:
        self.shape = (SIDE, SIDE)

    def raw_files(self) -> list[RawFile]:
        """The training pictures."""
        return _files()[:1]

    def companions(self) -> list[RawFile]:
        """The validation and the test pictures."""
        return _files()[1:]

    def raw_folder(self) -> str:
        """``binarized-mnist``."""
        return "binarized-mnist"

    def read(self, raw: Path) -> dict[str, np.ndarray]:
        """Train, validation and test pictures, (N, 784) of 0 and 1."""
        paths = (raw, *(raw.parent / file.name for file in self.companions()))
        return {part: read_amat(path) for part, path in zip(PARTS, paths, strict=True)}


def _files() -> list[RawFile]:
    names = {part: f"binarized_mnist_{part}.amat" for part in CHECKSUMS}
    return [
        RawFile(names[part], f"sha256:{digest}", tuple(url + names[part] for url in URLS))
        for part, digest in CHECKSUMS.items()
    ]


def read_amat(path: Path) -> np.ndarray:
    """Lines of 784 digits 0 or 1 with one blank between them → (N, 784) float32.

    Raises:
        DataError: another layout.
    """
    content = np.frombuffer(path.read_bytes(), np.uint8)
    refused = DataError(f"{path}: not lines of {PIXELS} digits 0 or 1 with a blank between them")
    if not len(content) or len(content) % (2 * PIXELS):
        raise refused
    cells = content.reshape(-1, PIXELS, 2)
    pixels, ends = cells[:, :, 0] - np.uint8(ord("0")), cells[:, :, 1]
    if pixels.max() > 1 or (ends[:, :-1] != ord(" ")).any() or (ends[:, -1] != ord("\n")).any():
        raise refused
    return pixels.astype(np.float32)
