"""A split read back for training and evaluation; each part is opened when it is asked for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import scipy.sparse
import torch

from vaebench.errors import DataError
from vaebench.files import digest, read_json
from vaebench.sparse import Batch, Labelled, SparseRows
from vaebench.training.dynamic import DynamicPictures


@dataclass(frozen=True)
class HeldOut:
    """Examples that training never sees.

    Attributes:
        examples: what the ELBO is taken of: a user's whole history (fold-in and held-out), or
            pictures.
        fold_in: what a ranking may be made from; None for pictures.
        held_out: what it should find; None for pictures.
        factors: (U, F) what the pictures were made from; None where nobody knows.
    """

    examples: Batch
    fold_in: SparseRows | None = None
    held_out: SparseRows | None = None
    factors: torch.Tensor | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Data:
    """The folder of a split; see :mod:`vaebench.datasets` for its files."""

    folder: Path
    device: torch.device

    def kind(self) -> str:
        """``interactions`` or ``images``."""
        return str(read_json(self.folder / "card.json")["kind"])

    def train(self) -> Batch:
        """The training examples."""
        if self.kind() != "images":
            return self._rows("train")
        pictures = self._pictures("train")
        if read_json(self.folder / "card.json").get("dynamic"):
            # not a Batch itself, but it gives batches as one does: by row numbers
            return cast("Batch", DynamicPictures(pictures))
        return pictures

    def held_out(self, part: str, classes: int | None = None) -> HeldOut:
        """The ``validation`` or ``test`` part; see :meth:`labelled` for ``classes``."""
        if self.kind() == "images":
            examples = self.labelled(part, self._pictures(part), classes)
            return HeldOut(examples, factors=self._factors(part))
        fold_in = self._matrix(f"{part}_fold_in")
        held_out = self._matrix(f"{part}_held_out")
        whole, *parts = (
            SparseRows.from_scipy(matrix, self.device)
            for matrix in ((fold_in + held_out).tocsr(), fold_in, held_out)
        )
        return HeldOut(whole, *parts)

    def labelled(self, part: str, examples: Batch, classes: int | None) -> Batch:
        """The examples of a part with their classes, for a model that looks at them.

        Args:
            part: of the split.
            examples: its pictures.
            classes: C, what the model can tell apart; None if it looks at no classes.

        Raises:
            DataError: there are no classes, or one that is not 0 … C − 1.
        """
        if classes is None:
            return examples
        if not (self.folder / f"{part}_labels.npy").exists():
            raise DataError(
                f"{self.folder}: {part} has no labels, which the model looks at; allowed: a data "
                "set with labels"
            )
        y = torch.from_numpy(self._array(f"{part}_labels"))
        outside = y[(y < 0) | (y >= classes)]
        if len(outside):
            raise DataError(
                f"{self.folder}: {part} has a label {int(outside[0])}; allowed with classes: "
                f"{classes}: 0 to {classes - 1}"
            )
        return Labelled(cast("torch.Tensor", examples), y.to(self.device))

    def path(self, name: str) -> Path:
        """The file ``name`` of the split, as it was written.

        Raises:
            DataError: it has another content than the card says.
        """
        path = self.folder / name
        expected = read_json(self.folder / "card.json").get("files", {name: None}).get(name, "none")
        if expected is not None and digest(path) != expected:
            raise DataError(
                f"{path}: sha256 checksum is {digest(path)}; allowed: {expected}, which card.json "
                "names (remove card.json to split again)"
            )
        return path

    def _rows(self, name: str) -> SparseRows:
        return SparseRows.from_scipy(self._matrix(name), self.device)

    def _matrix(self, name: str) -> scipy.sparse.csr_matrix:
        path = self.path(f"{name}.npz")
        try:
            return scipy.sparse.csr_matrix(scipy.sparse.load_npz(path))
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"cannot read {path}: {error}") from error

    def _factors(self, part: str) -> torch.Tensor | None:
        known = read_json(self.folder / "card.json").get("factors")
        return torch.from_numpy(self._array(f"{part}_factors")) if known else None

    def _pictures(self, name: str) -> torch.Tensor:
        return torch.from_numpy(self._array(name)).to(self.device)

    def _array(self, name: str) -> np.ndarray:
        path = self.path(f"{name}.npy")
        try:
            return np.asarray(np.load(path, allow_pickle=False))
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {path}: {error}") from error
