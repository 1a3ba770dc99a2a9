"""MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017, arXiv:1708.07747): idx files."""

import gzip
import struct
import zlib
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from vaebench.datasets import Images, RawFile
from vaebench.datasets.pictures import PARTS, Binarization, Count, Seed, binarized, grey
from vaebench.errors import DataError

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
SIDE = 28


class MNIST(Images):
    """70,000 digits of 28×28 grey pixels: the published 60,000 / 10,000, labels beside them.

    The last ``validation`` of the 60,000 are validation, as in the binarised set of Larochelle and
    Murray. ``held_out_class`` is left out of training and validation and stays in the test part:
    what an anomaly detector has to find.

    Raises:
        ValueError: more validation pictures than there are.

    References:
        lecun1998

    Example:
        >>> from vaebench.datasets.mnist import MNIST
        >>> [file.name for file in MNIST().raw_files()]
        ['train-images-idx3-ubyte.gz']
    """

    urls: ClassVar[tuple[str, ...]] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    checksums: ClassVar[tuple[str, ...]] = (
        "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    )
    contents: ClassVar[tuple[str, ...]] = (
        "sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    )
    """Of the idx files themselves: honest copies are compressed again."""
    folder: ClassVar[str] = "mnist"
    unit = "mnist"
    licence = "CC BY-SA 3.0"
    cite = "LeCun, Bottou, Bengio & Haffner 1998, Proceedings of the IEEE 86(11)"

    def __init__(
        self,
        *,
        validation: Count = 10_000,
        binarize: Binarization = "dynamic",
        held_out_class: Annotated[int, Field(ge=0, le=9)] | None = None,
        seed: Seed = 0,
    ) -> None:
        self.validation, self.binarize, self.seed = validation, binarize, seed
        self.held_out_class = held_out_class
        self.dynamic = binarize == "dynamic"
        self.shape = (SIDE, SIDE)

    def raw_files(self) -> list[RawFile]:
        """The training pictures."""
        return self._files()[:1]

    def companions(self) -> list[RawFile]:
        """The training labels, the test pictures and labels."""
        return self._files()[1:]

    def raw_folder(self) -> str:
        """``mnist`` or ``fashion-mnist``."""
        return self.folder

    def read(self, raw: Path) -> dict[str, np.ndarray]:
        """Train, validation and test pictures, (N, 784); binarised as the option says."""
        training = self._pictures(raw)
        start = self._start(raw, len(training))
        test = self._pictures(raw.parent / FILES[2])
        parts = dict(zip(PARTS, (training[:start], training[start:], test), strict=True))
        return binarized(parts, self.binarize, self.folder, self.seed)

    def labels(self, raw: Path) -> dict[str, np.ndarray]:
        """The classes 0 … 9 of every part, (N,) int64."""
        training, test = (read_idx(raw.parent / FILES[n]).astype(np.int64) for n in (1, 3))
        start = self._start(raw, len(training))
        return dict(zip(PARTS, (training[:start], training[start:], test), strict=True))

    def _files(self) -> list[RawFile]:
        return [
            RawFile(name, checksum, tuple(url + name for url in self.urls), content)
            for name, checksum, content in zip(FILES, self.checksums, self.contents, strict=True)
        ]

    def _start(self, raw: Path, training: int) -> int:
        """Where validation begins."""
        if self.validation >= training:
            raise DataError(
                f"{raw}: {training} training pictures are too few for {self.validation} validation "
                "pictures; allowed: fewer"
            )
        return training - self.validation

    def _pictures(self, path: Path) -> np.ndarray:
        pixels = read_idx(path)
        if pixels.shape[1:] != self.shape:
            raise DataError(f"{path}: pictures of shape {pixels.shape[1:]}; allowed: {self.shape}")
        return grey(pixels.reshape(len(pixels), -1), path)


class FashionMNIST(MNIST):
    """70,000 pictures of clothes in ten classes, in MNIST's layout; see :class:`MNIST`.

    References:
        xiao2017

    Example:
        >>> from vaebench.datasets.mnist import FashionMNIST
        >>> [file.name for file in FashionMNIST().raw_files()]
        ['train-images-idx3-ubyte.gz']
    """

    urls: ClassVar[tuple[str, ...]] = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    )
    checksums: ClassVar[tuple[str, ...]] = (
        "sha256:3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "sha256:a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "sha256:346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "sha256:67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    )
    contents: ClassVar[tuple[str, ...]] = (
        "sha256:c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "sha256:bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "sha256:5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "sha256:0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    )
    unit = "fashion-mnist"
    licence = "MIT"
    cite = "Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747"
    folder: ClassVar[str] = "fashion-mnist"


def read_idx(path: Path) -> np.ndarray:
    """The bytes of a gzipped idx file: uint8 of the shape that its head names.

    The head is two zero bytes, the type (8: unsigned byte), the number of dimensions, and each size
    as a big-endian 32-bit number.

    Raises:
        DataError: not such a file, or not whole.
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not a whole gzip file ({error})") from error
    dimensions = content[3] if content[:3] == b"\x00\x00\x08" and len(content) > 3 else 0  # noqa: PLR2004
    head = 4 + 4 * dimensions
    if not dimensions or len(content) < head:
        raise DataError(f"{path}: not an idx file of unsigned bytes")
    shape = struct.unpack(f">{dimensions}I", content[4:head])
    pixels = np.frombuffer(content, np.uint8, offset=head)
    if len(pixels) != np.prod(shape, dtype=np.int64):
        raise DataError(f"{path}: {len(pixels)} bytes, but its head names {shape}")
    return pixels.reshape(shape)
