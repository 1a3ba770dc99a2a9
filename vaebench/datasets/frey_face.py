"""Frey Face: 1,965 frames of a film of one face (Roweis & Saul 2000), as in AEVB."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from vaebench.datasets import Images, RawFile
from vaebench.datasets.arrays import array_of
from vaebench.datasets.pictures import Count, Seed, grey, random_parts
from vaebench.errors import DataError

HEIGHT, WIDTH = 28, 20
PIXELS = HEIGHT * WIDTH

MIRROR = "https://github.com/riannevdberg/sylvester-flows/raw/master/data/Freyfaces/"

ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
"""The only names that a pickled array of numbers needs."""


class FreyFace(Images):
    """28×20 grey pixels in [0, 1], for a Gaussian likelihood; no labels.

    The frames are permuted by a named seed and their numbers in the film are written beside the
    split. Neighbouring frames are nearly equal, so a random split makes the test part easy: it
    compares strategies, and its likelihood is no published number (there is none to trust).

    References:
        roweis2000

    Example:
        >>> from vaebench.datasets.frey_face import FreyFace
        >>> [file.name for file in FreyFace().raw_files()]
        ['freyfaces.pkl', 'frey_rawface.mat']
    """

    licence = "not stated by its owner; used in research"
    cite = "Roweis & Saul 2000, Science 290(5500)"

    def __init__(self, *, validation: Count = 200, test: Count = 200, seed: Seed = 0) -> None:
        self.validation, self.test, self.seed = validation, test, seed
        self.shape = (HEIGHT, WIDTH)

    def split_seed(self, raw: Path | None = None) -> str | None:  # noqa: ARG002
        """``seed`` permutes the pictures."""
        return "seed"

    def raw_files(self) -> list[RawFile]:
        """The pickle of a mirror, or Roweis' own MATLAB file, whose checksum nobody published."""
        return [
            RawFile(
                "freyfaces.pkl",
                "sha256:3b69410c6a5fd6e03f09012905168be3712373a094a776f7e58fcd0670d2138a",
                (f"{MIRROR}freyfaces.pkl",),
            ),
            RawFile(
                "frey_rawface.mat", None, ("https://cs.nyu.edu/~roweis/data/frey_rawface.mat",)
            ),
        ]

    def raw_folder(self) -> str:
        """``frey-faces``."""
        return "frey-faces"

    def read(self, raw: Path) -> dict[str, np.ndarray]:
        """Train, validation and test pictures, (N, 560)."""
        frames = read_frames(raw)
        return {part: frames[rows] for part, rows in self._rows(len(frames)).items()}

    def rows(self, raw: Path) -> dict[str, np.ndarray]:
        """The number in the film of every picture of every part."""
        return self._rows(len(read_frames(raw)))

    def _rows(self, count: int) -> dict[str, np.ndarray]:
        return random_parts(count, self.validation, self.test, "frey-face", self.seed)


def read_frames(path: Path) -> np.ndarray:
    """All frames in the order of the film, (1965, 560) float32 in [0, 1].

    Raises:
        DataError: not such a file, or a pickle that asks for more than an array.
    """
    if path.suffix == ".mat":
        frames = array_of(path, "ff").T
    else:
        found = unpickled(path)
        frames = np.asarray(found[0] if isinstance(found, list) and len(found) == 1 else found)
    if frames.ndim != 2 or frames.shape[1] != PIXELS or frames.dtype != np.uint8:  # noqa: PLR2004
        raise DataError(
            f"{path}: an array of shape {frames.shape} and type {frames.dtype}; allowed: bytes, "
            f"{PIXELS} a frame"
        )
    return grey(frames, path)


def _latin1(text: str, encoding: str) -> bytes:
    """What old protocols store bytes by; the real function would take any codec."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for the codec {encoding}")
    return text.encode("latin1")


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that can build arrays and containers, and call nothing else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        """The few allowed names; every other one ends the reading."""
        if (module, name) == ("_codecs", "encode"):
            return _latin1
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def unpickled(path: Path) -> Any:  # noqa: ANN401
    """The arrays of a foreign pickle (also of Python 2), and nothing but arrays.

    A pickle is a program: plain ``pickle.load`` of a foreign file runs what its author wrote.

    Raises:
        DataError: damaged, or it asks for anything that is no array.
    """
    try:
        return _ArraysOnly(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except Exception as error:  # a damaged pickle can raise anything
        raise DataError(f"{path}: not a pickle of arrays alone ({error})") from error
