"""A user's own pictures: arrays in a ``.npy``, ``.npz`` or ``.mat`` file."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from vaebench.datasets import COUNTED, Images, RawFile
from vaebench.datasets.arrays import ENDINGS, array_of
from vaebench.datasets.pictures import Binarization, Count, Seed, binarized, grey, random_parts
from vaebench.errors import DataError
from vaebench.seeds import numpy_stream

Side = Annotated[int, Field(ge=1)]
Part = Literal["train", "validation", "test"]


class ImageArray(Images):
    """Pictures (N, H, W) or (N, H·W), bytes or numbers in [0, 1]; split by a seed or as given.

    ``path`` is looked for beside the config, in the working folder, then in the local folder. Of a
    file with several arrays ``pictures`` is read, and ``labels`` if it is named. A split that is
    given names an array for each part instead, ``parts: {train: x, validation: y, test: z}``, and
    so do its ``labels``; without one for validation, ``validation`` of the training pictures are
    drawn. ``height`` and ``width`` are needed for rows of pixels alone.

    Raises:
        ValueError: another ending, a height without a width, labels of an ``.npy`` file or of other
            parts than the pictures, or a part that nothing says the size of.

    References:
        vaebench

    Example:
        >>> from vaebench.datasets.image_array import ImageArray
        >>> [file.name for file in ImageArray(path="x.npy", validation=9, test=9).raw_files()]
        ['x.npy']
    """

    licence = "the user's own data: as their owner says"

    def __init__(
        self,
        *,
        path: str,
        pictures: str = "pictures",
        labels: str | dict[Part, str] | None = None,
        parts: dict[Part, str] | None = None,
        height: Side | None = None,
        width: Side | None = None,
        binarize: Binarization = "none",
        held_out_class: int | None = None,
        validation: Count | None = None,
        test: Count | None = None,
        seed: Seed = 0,
        checksum: str | None = None,
    ) -> None:
        if Path(path).suffix not in ENDINGS:
            raise ValueError(
                f"path: {path!r} is not allowed; it should end with .npy, .npz or .mat"
            )
        if (height is None) != (width is None):
            raise ValueError("height and width belong together: give both or none")
        if (labels is not None or parts is not None) and Path(path).suffix == ".npy":
            raise ValueError(f"labels: {labels!r} is not allowed; an .npy file has one array alone")
        if held_out_class is not None and labels is None:
            raise ValueError("held_out_class needs labels: name the array of an .npz file")
        if parts is not None and not {"train", "test"} <= set(parts):
            raise ValueError("parts: should name an array for train and one for test")
        if labels is not None and isinstance(labels, dict) != (parts is not None):
            raise ValueError("labels: should name an array for each of parts, or one")
        if isinstance(labels, dict) and set(labels) != set(parts or {}):
            raise ValueError("labels: should name an array for each of parts")
        for name, size in (("validation", validation), ("test", test)):
            if (size is None) != (name in (parts or {})):
                raise ValueError(f"{name}: should be a number of pictures, or be named in parts")
        self.path, self.pictures, self.label_names = path, pictures, labels
        self.given = dict(parts or {})
        self.shape = (height, width) if height and width else None
        self.binarize, self.held_out_class = binarize, held_out_class
        self.dynamic = binarize == "dynamic"
        self.validation, self.test, self.seed, self.checksum = validation, test, seed, checksum

    def split_seed(self, raw: Path | None = None) -> str | None:  # noqa: ARG002
        """``seed``, unless ``parts`` names the test pictures."""
        return None if self.given else "seed"

    def raw_files(self) -> list[RawFile]:
        """The one file."""
        return [RawFile(self.path, self.checksum, own=True)]

    def check(self, raw: Path) -> None:
        """Read a small file already, and leave a large one for its job."""
        if raw.stat().st_size <= COUNTED:
            self.read(raw)
            self.labels(raw)

    def read(self, raw: Path) -> dict[str, np.ndarray]:
        """Train, validation and test pictures, (N, F)."""
        arrays = {name: self._pixels(raw, name) for name in self.given.values() or [self.pictures]}
        if len({pixels.shape[1] for pixels in arrays.values()}) > 1:
            raise DataError(f"{raw}: parts with different numbers of pixels; allowed: equal ones")
        parts = {part: arrays[name][rows] for part, (name, rows) in self._rows(raw).items()}
        return binarized(parts, self.binarize, "image-array", self.seed)

    @property
    def has_labels(self) -> bool:
        """Whether an array is named for them."""
        return self.label_names is not None

    def labels(self, raw: Path) -> dict[str, np.ndarray]:
        """The classes of every part, (N,) int64, if the file has any."""
        if self.label_names is None:
            return {}
        names = self.label_names
        found = {}
        for part, (pictures, rows) in self._rows(raw).items():
            # of a drawn validation part the pictures, and so the labels, are in the training array
            own: Part = "train" if part not in self.given else part
            labels = array_of(raw, names if isinstance(names, str) else names[own])
            count = len(array_of(raw, pictures))
            if 1 in labels.shape and raw.suffix == ".mat":  # MATLAB has no vectors
                labels = labels.reshape(-1)
            if labels.shape != (count,) or labels.dtype.kind not in "iu":
                raise DataError(
                    f"{raw}: labels of shape {labels.shape} and type {labels.dtype}; allowed: "
                    f"({count},), integers"
                )
            found[part] = labels[rows].astype(np.int64)
        return found

    def rows(self, raw: Path) -> dict[str, np.ndarray]:
        """The row in the user's array of every picture of every part."""
        return {part: rows for part, (_, rows) in self._rows(raw).items()}

    def _rows(self, raw: Path) -> dict[str, tuple[str, np.ndarray]]:
        """Part → the name of its array and the rows of it."""
        names = ("image-array", self.seed)
        if not self.given:
            count = len(array_of(raw, self.pictures))
            drawn = random_parts(count, self.validation or 0, self.test or 0, *names)
            return {part: (self.pictures, rows) for part, rows in drawn.items()}
        found = {part: (n, np.arange(len(array_of(raw, n)))) for part, n in self.given.items()}
        if self.validation is not None:
            array, rows = found["train"]
            if self.validation >= len(rows):
                raise DataError(
                    f"{raw}: {len(rows)} training pictures are too few for {self.validation} "
                    "validation pictures; allowed: fewer"
                )
            order = numpy_stream(*names).permutation(len(rows))
            found["train"] = array, order[: -self.validation]
            found["validation"] = array, order[-self.validation :]
        return {part: found[part] for part in ("train", "validation", "test")}

    def _pixels(self, raw: Path, name: str) -> np.ndarray:
        """An array of pictures as rows of numbers in [0, 1]."""
        pixels = array_of(raw, name)
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
        return grey(pixels.reshape(len(pixels), -1), raw)
