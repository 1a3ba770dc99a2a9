"""A user's own pictures: a NumPy array in a ``.npy`` or ``.npz`` file."""

import zipfile
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from vaebench.datasets import Images, RawFile
from vaebench.datasets.pictures import Binarization, Count, Seed, binarized, grey, random_parts
from vaebench.errors import DataError

Side = Annotated[int, Field(ge=1)]


class ImageArray(Images):
    """Pictures (N, H, W) or (N, H·W), bytes or numbers in [0, 1]; split by a named seed.

    ``path`` is looked for in the local folder, then from the study's. Of an ``.npz`` file the array
    ``pictures`` is read, and the array ``labels`` if it is named. ``height`` and ``width`` are
    needed for rows of pixels alone.

    Raises:
        ValueError: another ending, a height without a width, or labels of an ``.npy`` file.
    """

    def __init__(
        self,
        *,
        path: str,
        pictures: str = "pictures",
        labels: str | None = None,
        height: Side | None = None,
        width: Side | None = None,
        binarize: Binarization = "none",
        held_out_class: int | None = None,
        validation: Count,
        test: Count,
        seed: Seed = 0,
        checksum: str | None = None,
    ) -> None:
        if Path(path).suffix not in {".npy", ".npz"}:
            raise ValueError(f"path: {path!r} is not allowed; it should end with .npy or .npz")
        if (height is None) != (width is None):
            raise ValueError("height and width belong together: give both or none")
        if labels is not None and Path(path).suffix == ".npy":
            raise ValueError(f"labels: {labels!r} is not allowed; an .npy file has one array alone")
        if held_out_class is not None and labels is None:
            raise ValueError("held_out_class needs labels: name the array of an .npz file")
        self.path, self.pictures, self.label_name = path, pictures, labels
        self.shape = (height, width) if height and width else None
        self.binarize, self.held_out_class = binarize, held_out_class
        self.dynamic = binarize == "dynamic"
        self.validation, self.test, self.seed, self.checksum = validation, test, seed, checksum

    def raw_files(self) -> list[RawFile]:
        """The one file."""
        return [RawFile(self.path, self.checksum)]

    def read(self, raw: Path | None) -> dict[str, np.ndarray]:
        """Train, validation and test pictures, (N, F)."""
        assert raw is not None  # noqa: S101 (raw_files is not empty)
        pixels = self._array(raw, self.pictures)
        if pixels.ndim == 4 and pixels.shape[3] == 1:  # noqa: PLR2004
            pixels = pixels[:, :, :, 0]
        if pixels.ndim not in {2, 3} or not pixels.size:
            raise DataError(
                f"{raw}: an array of shape {pixels.shape}; allowed: (N, H, W) or (N, H·W), one "
                "channel"
            )
        if pixels.ndim == 3:  # noqa: PLR2004
            found = (int(pixels.shape[1]), int(pixels.shape[2]))
            if self.shape not in {None, found}:
                raise DataError(f"{raw}: pictures of {found} pixels; allowed: {self.shape}")
            self.shape = found
        elif self.shape is None:
            raise DataError(
                f"{raw}: rows of {pixels.shape[1]} pixels; allowed: with the options height and "
                "width"
            )
        elif self.shape[0] * self.shape[1] != pixels.shape[1]:
            raise DataError(
                f"{raw}: rows of {pixels.shape[1]} pixels, but height · width is "
                f"{self.shape[0] * self.shape[1]}; allowed: equal numbers"
            )
        rows = grey(pixels.reshape(len(pixels), -1), raw)
        parts = {part: rows[chosen] for part, chosen in self._rows(len(rows)).items()}
        return binarized(parts, self.binarize, "image-array", self.seed)

    def labels(self, raw: Path | None) -> dict[str, np.ndarray]:
        """The classes of every part, (N,) int64, if the file has any."""
        assert raw is not None  # noqa: S101 (raw_files is not empty)
        if self.label_name is None:
            return {}
        labels = self._array(raw, self.label_name)
        count = len(self._array(raw, self.pictures))
        if labels.shape != (count,) or labels.dtype.kind not in "iu":
            raise DataError(
                f"{raw}: labels of shape {labels.shape} and type {labels.dtype}; allowed: "
                f"({count},), integers"
            )
        return {part: labels[chosen].astype(np.int64) for part, chosen in self._rows(count).items()}

    def rows(self, raw: Path | None) -> dict[str, np.ndarray]:
        """The row in the user's array of every picture of every part."""
        assert raw is not None  # noqa: S101 (raw_files is not empty)
        return self._rows(len(self._array(raw, self.pictures)))

    def _rows(self, count: int) -> dict[str, np.ndarray]:
        return random_parts(count, self.validation, self.test, "image-array", self.seed)

    def _array(self, raw: Path, name: str) -> np.ndarray:
        try:
            with raw.open("rb") as file:  # NumPy leaves the file of a damaged archive open
                loaded = np.load(file, allow_pickle=False)
                if isinstance(loaded, np.ndarray):
                    return loaded
                if name not in loaded:
                    raise DataError(
                        f"{raw}: there is no array {name!r}; it has {', '.join(loaded.files)}"
                    )
                return np.asarray(loaded[name])
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{raw}: not readable as a NumPy array of numbers: {error}") from error
