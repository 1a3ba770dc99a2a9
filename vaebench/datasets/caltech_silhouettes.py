"""Caltech-101 silhouettes (Marlin, Swersky, Chen & de Freitas 2010): outlines of 101 classes."""

from pathlib import Path

import numpy as np

from vaebench.datasets import Images, RawFile
from vaebench.datasets.arrays import array_of
from vaebench.datasets.pictures import PARTS, Count, Seed, grey, random_parts

SIDE, WHOLE, PARTED = 28, "caltech101_silhouettes_28.mat", "caltech101_silhouettes_28_split1.mat"
DIGEST = "sha256:862d0a4b828256d54ad5de7c5066c18c72f355cac5b7cde4c1c3be7c000d180b"
OWNER = "https://people.cs.umass.edu/~marlin/data/"  # not tried


class CaltechSilhouettes(Images):
    """8,671 binary pictures of 28×28, as the file has them; MATLAB's columns are put into rows.

    The published parts are those of ``…_split1.mat`` (4,100 / 2,264 / 2,307; the options are
    nothing to it). The whole file, preferred since its checksum is known, is split by a named seed.

    References:
        marlin2010

    Example:
        >>> from vaebench.datasets.caltech_silhouettes import CaltechSilhouettes
        >>> [file.name for file in CaltechSilhouettes().raw_files()]
        ['caltech101_silhouettes_28.mat', 'caltech101_silhouettes_28_split1.mat']
    """

    licence = "not stated; research use"
    cite = "Marlin, Swersky, Chen & de Freitas 2010, AISTATS"

    def __init__(self, *, validation: Count = 2_264, test: Count = 2_307, seed: Seed = 0) -> None:
        self.validation, self.test, self.seed = validation, test, seed
        self.shape = (SIDE, SIDE)

    def split_seed(self, raw: Path | None = None) -> str | None:
        """``seed``, but for the file with the published parts."""
        return None if raw and raw.name == PARTED else "seed"

    def raw_files(self) -> list[RawFile]:
        """The whole file, or the one with the published parts."""
        return [RawFile(WHOLE, DIGEST, (OWNER + WHOLE,)), RawFile(PARTED, None, (OWNER + PARTED,))]

    def raw_folder(self) -> str:
        """``caltech101-silhouettes``."""
        return "caltech101-silhouettes"

    def read(self, raw: Path) -> dict[str, np.ndarray]:
        """Train, validation and test pictures, (N, 784)."""
        parts = self._parts(raw, "data", "X")
        columns = {part: pixels.reshape(-1, SIDE, SIDE) for part, pixels in parts.items()}
        upright = {part: pixels.transpose(0, 2, 1) for part, pixels in columns.items()}
        return {part: grey(p.reshape(len(p), -1) > 0, part) for part, p in upright.items()}

    def labels(self, raw: Path) -> dict[str, np.ndarray]:
        """The classes 1 … 101 of every part, (N,) int64."""
        parts = self._parts(raw, "labels", "Y")
        return {part: classes.ravel().astype(np.int64) for part, classes in parts.items()}

    def _parts(self, raw: Path, suffix: str, whole: str) -> dict[str, np.ndarray]:
        """An array of every part: as published, or the seed's share of the ``whole`` one."""
        if raw.name == PARTED:
            names = zip(PARTS, ("train", "val", "test"), strict=True)
            return {part: array_of(raw, f"{name}_{suffix}") for part, name in names}
        array = array_of(raw, whole)
        array = array.reshape(len(array), -1) if suffix == "data" else array.reshape(-1)
        rows = random_parts(len(array), self.validation, self.test, "caltech", self.seed)
        return {part: array[chosen] for part, chosen in rows.items()}
