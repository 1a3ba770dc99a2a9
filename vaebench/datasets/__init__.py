"""The contract of a data set: find or download its raw file, verify it, split it into files.

A data set class names its raw files (:class:`RawFile`) and writes its split into a folder; the
workflow does the rest. Two families share all that follows the reading: :class:`Interactions` and
:class:`Images`. The test part lies in files of its own, which nothing opens before selection.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse

from vaebench.datasets.protocol import Protocol, Ratings, Split, split
from vaebench.errors import DataError
from vaebench.files import whole, write_json

RANKED_ITEMS = 100
"""A list of recommendations is so long; a data set must have as many items."""


@dataclass(frozen=True)
class RawFile:
    """One form in which the raw data may come.

    Attributes:
        name: the file's name, looked for in the local folder and its sub-folder of the data set.
        checksum: ``sha256:…`` or ``md5:…``; None where none was ever published.
        urls: where it is published, then mirrors; empty for a file that only the user can have.
    """

    name: str
    checksum: str | None = None
    urls: tuple[str, ...] = ()


class Dataset(ABC):
    """A data set; options are the keyword-only, annotated arguments of the constructor."""

    kind: ClassVar[Literal["interactions", "images"]]

    def raw_files(self) -> list[RawFile]:
        """The forms of the raw data, the preferred one first; none for an embedded data set."""
        return []

    def companions(self) -> list[RawFile]:
        """Further files that must lie beside the raw file, all of them; by default none."""
        return []

    def raw_folder(self) -> str:
        """The sub-folder of the local folder where the files may lie."""
        return ""

    @abstractmethod
    def write_split(self, raw: Path | None, out: Path, source: dict[str, Any]) -> None:
        """Read ``raw`` and write the split's files and ``card.json`` into ``out``.

        Args:
            raw: the verified raw file; None for an embedded data set.
            out: the folder to write into.
            source: name and checksum of the raw file, for the card.

        Raises:
            DataError: the raw file is not of the expected layout, or too small for the split.
        """


class Interactions(Dataset):
    """Users × items, split by strong generalisation (see :mod:`vaebench.datasets.protocol`)."""

    kind: ClassVar[Literal["interactions", "images"]] = "interactions"
    split: Protocol

    @abstractmethod
    def read(self, raw: Path | None) -> Ratings:
        """The interactions that count (ratings at or above the threshold), in file order."""

    def truth(self, parts: Split) -> dict[str, float]:  # noqa: ARG002
        """What is known of the test users' true distribution; nothing for real data."""
        return {}

    def write_split(self, raw: Path | None, out: Path, source: dict[str, Any]) -> None:
        """Write SciPy CSR ``.npz``: ``train``, ``{validation,test}_{fold_in,held_out}``; ids."""
        parts = split(self.read(raw), self.split)
        if parts.counts["training_items"] < RANKED_ITEMS:
            raise DataError(
                f"split: {parts.counts['training_items']} items of training users are too few; "
                f"allowed: at least {RANKED_ITEMS}, for NDCG@{RANKED_ITEMS}"
            )
        for name, matrix in parts.matrices.items():
            with whole(out / f"{name}.npz") as path, path.open("wb") as file:
                scipy.sparse.save_npz(file, matrix, compressed=False)
        for name, ids in parts.ids.items():
            with whole(out / f"{name}.txt") as path:
                path.write_text("".join(f"{i}\n" for i in ids.tolist()), encoding="utf-8")
        card = {"kind": self.kind, "source": source, "protocol": self.split.model_dump()}
        write_json(out / "card.json", card | {"counts": parts.counts, "truth": self.truth(parts)})


class Images(Dataset):
    """Pictures as rows of pixels, (N, F) float32 in [0, 1]."""

    kind: ClassVar[Literal["interactions", "images"]] = "images"

    shape: tuple[int, int] | None = None
    """Height and width, F = height · width; None where nobody knows."""

    dynamic: bool = False
    """True if training pictures are grey values from which binary ones are drawn at every use."""

    held_out_class: int | None = None
    """A class that training and validation never see: what an anomaly detector has to find."""

    @abstractmethod
    def read(self, raw: Path | None) -> dict[str, np.ndarray]:
        """``train``, ``validation`` and ``test``, each (N, F)."""

    def labels(self, raw: Path | None) -> dict[str, np.ndarray]:  # noqa: ARG002
        """The class of each picture of each part, (N,) int64; by default there are none."""
        return {}

    def rows(self, raw: Path | None) -> dict[str, np.ndarray]:  # noqa: ARG002
        """The number in the source of each picture of each part, where the split is ours."""
        return {}

    def write_split(self, raw: Path | None, out: Path, source: dict[str, Any]) -> None:
        """Write ``train.npy``, ``validation.npy``, ``test.npy``; labels and row numbers if any."""
        files: dict[str, np.ndarray] = {}
        parts, labels, rows = self.read(raw), self.labels(raw), self.rows(raw)
        for name, pictures in parts.items():
            if not (np.isfinite(pictures).all() and pictures.min() >= 0 and pictures.max() <= 1):
                raise DataError(f"{name}: pixels outside [0, 1]; allowed: finite values in [0, 1]")
            kept = np.ones(len(pictures), bool)
            if labels and self.held_out_class is not None and name != "test":
                kept = labels[name] != self.held_out_class
            files[name] = pictures[kept].astype(np.float32)
            for suffix, values in (("labels", labels), ("rows", rows)):
                if values:
                    files[f"{name}_{suffix}"] = values[name][kept]
            if not kept.any():
                raise DataError(f"{name}: no picture is left; allowed: at least one")
        for name, array in files.items():
            with whole(out / f"{name}.npy") as path, path.open("wb") as file:
                np.save(file, array, allow_pickle=False)
        counts = {f"{name}_images": len(files[name]) for name in parts}
        counts["pixels"] = parts["train"].shape[1]
        card = {
            "kind": self.kind,
            "source": source,
            "counts": counts,
            "shape": list(self.shape) if self.shape else None,
            "dynamic": self.dynamic,
            "held_out_class": self.held_out_class,
            "truth": {},
        }
        write_json(out / "card.json", card)
