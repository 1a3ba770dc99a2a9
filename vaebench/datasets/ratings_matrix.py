"""A user's own ratings as a matrix: a row per user, a column per item."""

import zipfile
from pathlib import Path
from typing import Annotated

import numpy as np
import scipy.sparse
from pydantic import Field

from vaebench.datasets import Cutoff, Interactions, RawFile
from vaebench.datasets.arrays import ENDINGS, matrix_of
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.datasets.tables import of_matrix, read_wide
from vaebench.errors import DataError

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}


class RatingsMatrix(Interactions):
    """Numbers > ``above`` count; ``missing`` stands for none, as blank, NaN and 0 of a sparse one.

    ``path`` ends with ``.csv`` or ``.tsv`` (``.gz`` or ``.zip`` may follow; ``skip`` first columns
    are no items, and ``header`` says whether there is one), or with ``.npy``, ``.npz`` or ``.mat``,
    whose ``array`` is the matrix; an ``.npz`` may be a sparse one of SciPy. ``cutoff`` is the K of
    the NDCG@K that judges, less than the number of items.

    Raises:
        ValueError: another ending.

    References:
        vaebench

    Example:
        >>> from vaebench.datasets.ratings_matrix import RatingsMatrix
        >>> [file.name for file in RatingsMatrix(path="ratings.npy").raw_files()]
        ['ratings.npy']
    """

    licence = "the user's own data: as their owner says"

    def __init__(
        self,
        *,
        path: str,
        above: float = 0.0,
        missing: float | None = None,
        header: bool = False,
        skip: Annotated[int, Field(ge=0)] = 0,
        array: str = "ratings",
        checksum: str | None = None,
        cutoff: Cutoff = 100,
        split: Protocol = Protocol(),  # noqa: B008 (frozen)
    ) -> None:
        first = Path(path)
        ending = Path(first.stem if first.suffix in {".gz", ".zip"} else first).suffix.lower()
        if ending not in {*DELIMITERS, *ENDINGS}:
            raise ValueError(
                f"path: {path!r} is not allowed; it should end with .csv, .tsv, .npy, .npz or .mat"
            )
        self.path, self.above, self.missing, self.header = path, above, missing, header
        self.skip, self.array, self.checksum = skip, array, checksum
        self.cutoff, self.split = cutoff, split
        self.delimiter = DELIMITERS.get(ending)

    def raw_files(self) -> list[RawFile]:
        """The one file."""
        return [RawFile(self.path, self.checksum, own=True)]

    def read(self, raw: Path) -> Ratings:
        """The numbers that count, row after row."""
        if self.delimiter is not None:
            numbers = read_wide(
                raw, name=raw.name, delimiter=self.delimiter, header=self.header, skip=self.skip
            )
            return of_matrix(numbers, self.above, self.missing, raw.name)
        matrix = self._matrix(raw)
        if matrix.ndim != 2 or matrix.dtype.kind not in "iufb":  # noqa: PLR2004
            raise DataError(
                f"{raw.name}: an array of shape {matrix.shape} and type {matrix.dtype}; allowed: "
                "(users, items), numbers"
            )
        if isinstance(matrix, np.ndarray):
            return of_matrix(matrix, self.above, self.missing, raw.name)
        if self.above < 0:
            raise DataError(f"{raw.name}: a sparse matrix and above < 0; allowed: above ≥ 0")
        stored = scipy.sparse.csr_matrix(matrix).tocoo()
        keep = (stored.data > self.above) & (stored.data != self.missing)
        if not keep.any():
            raise DataError(f"{raw.name}: no number > {self.above:g}; allowed: at least one")
        ids = [np.arange(length) for length in stored.shape]
        return Ratings(stored.row[keep], stored.col[keep], *ids)

    def _matrix(self, raw: Path) -> np.ndarray | scipy.sparse.spmatrix:
        if raw.suffix == ".npz":
            try:
                return scipy.sparse.load_npz(raw)
            except (ValueError, KeyError, OSError, zipfile.BadZipFile):
                pass  # an array by its name, or nothing
        return matrix_of(raw, self.array)
