"""The contract of a data set: find or download its raw file, verify it, split it into files.

A data set class names its raw files (:class:`RawFile`) and writes its split into a folder; the
workflow does the rest. Two families share all that follows the reading: :class:`Interactions` and
:class:`Images`. The test part lies in files of its own, which nothing opens before selection.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import scipy.sparse
from pydantic import Field

from vaebench.components import Checked
from vaebench.datasets.protocol import HELD_OUT, Given, Protocol, Ratings, Split, Temporal, split
from vaebench.errors import DataError
from vaebench.files import digest, whole, write_json

COUNTED = 50 * 2**20
"""Bytes up to which a raw file is read when a study is planned, so that its counts are known."""


Cutoff = Annotated[int, Field(ge=1)]
"""K of the NDCG@K that judges a data set."""

NO_FILE = Path()
"""What an embedded data set, which has no raw file, is given in its place."""


@dataclass(frozen=True)
class RawFile:
    """One form in which the raw data may come.

    Attributes:
        name: the file's name, looked for in the local folder and its sub-folder of the data set.
        checksum: ``sha256:…`` or ``md5:…`` of the file; None where none was ever published.
        urls: where it is published, then further hosts; empty for a file that only the user has.
        content: ``sha256:…`` of what the file decodes to, which a copy packed again has too: of a
            ``.gz`` all of it, of a ``.zip`` its ``member``.
        member: see ``content``.
        own: the user's own file: ``name`` is a path, looked for beside the config first.
    """

    name: str
    checksum: str | None = None
    urls: tuple[str, ...] = ()
    content: str | None = None
    member: str | None = None
    own: bool = False


class Dataset(Checked, ABC):
    """A data set; options are the keyword-only, annotated, checked arguments of the constructor."""

    kind: ClassVar[Literal["interactions", "images"]]

    licence: str = "not stated"
    """What its owner allows, for the card and the report."""

    cite: str = ""
    """What its owner, or good manners, ask to cite."""

    unit: str | None = None
    """What the data are a sample of, where that is more than their own raw file (the releases of
    one collection); empty for drawn data. See :meth:`counted_as`."""

    drawn_for: str | None = None
    """Whose split this is in a study of replicates, for the card; see :meth:`split_seed`."""

    @abstractmethod
    def split_seed(self, raw: Path | None = None) -> str | None:
        """The option whose number draws the split; None where the split is published and fixed.

        Each replicate of a study has this option drawn anew, so that it has a split of its own; a
        fixed split is that of all replicates.

        Args:
            raw: the raw file, if it is known: one form of it may come in parts.
        """

    def counted_as(self) -> str:
        """What counts once in a comparison across data sets, however many data sets are of it.

        Splits and sub-samples of one raw file are not several data sets. Empty: none at all.
        """
        if self.unit is not None:
            return self.unit
        files = self.raw_files()
        return self.raw_folder() or (files[0].name if files else type(self).__name__)

    def raw_files(self) -> list[RawFile]:
        """The forms of the raw data, the preferred one first; none for an embedded data set."""
        return []

    def companions(self) -> list[RawFile]:
        """Further files that must lie beside the raw file, all of them; by default none."""
        return []

    def raw_folder(self) -> str:
        """The sub-folder of the local folder where the files may lie."""
        return ""

    def check(self, raw: Path) -> None:
        """Look at a raw file that is here before any job runs; quick, whatever the file's size.

        Raises:
            DataError: the split would refuse the file.
        """

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

    def write_card(
        self, out: Path, source: dict[str, Any], names: list[str], facts: dict[str, Any]
    ) -> None:
        """``card.json``: what was split, from what, under which terms, a digest per file."""
        about = {"kind": self.kind, "unit": self.counted_as()}
        about |= {"licence": self.licence, "cite": self.cite}
        about |= {"drawn_for": self.drawn_for} if self.drawn_for else {}
        files = {name: digest(out / name) for name in names}
        write_json(out / "card.json", about | {"source": source} | facts | {"files": files})


class Interactions(Dataset):
    """Users × items, split by strong generalisation (see :mod:`vaebench.datasets.protocol`)."""

    kind: ClassVar[Literal["interactions", "images"]] = "interactions"
    split: Protocol | Given | Temporal

    cutoff: int = 100
    """K of the NDCG@K that judges; a class whose data may have few items has it as an option."""

    lists: Mapping[str, int] = MappingProxyType({})
    """Further metrics that are asked for → K, the length of their lists."""

    def split_seed(self, raw: Path | None = None) -> str | None:  # noqa: ARG002
        """``split.seed`` of strong generalisation; the other kinds are fixed."""
        return "split.seed" if self.split.kind == "strong" else None

    @abstractmethod
    def read(self, raw: Path) -> Ratings:
        """The interactions that count (ratings at or above the threshold), in file order."""

    def truth(self, parts: Split) -> dict[str, float]:  # noqa: ARG002
        """What is known of the test users' true distribution; nothing for real data."""
        return {}

    def parts(self, raw: Path | None) -> Split:
        """The split, which has something to train, to select and to test on.

        Raises:
            DataError: too few items or users, or nobody to rank for.
        """
        parts = split(self.read(raw or NO_FILE), self.split)
        counts = parts.counts
        self.check_depth(counts["training_items"])
        for part in HELD_OUT:
            if counts[f"{part}_users"] == counts[f"{part}_users_without_target"]:
                raise DataError(
                    f"split: none of {counts[f'{part}_users']} {part} users has a held-out item of "
                    "the training items; allowed: at least one, so more users or more items of each"
                )
        return parts

    def check_depth(self, items: int) -> None:
        """Whether there are more items than the lists that are judged are long.

        Raises:
            DataError: a list would hold all items, so that none could be missing from it.
        """
        own = ", or a smaller cutoff" if "cutoff" in vars(self) else ""
        asked = [(f"ndcg@{self.cutoff}", self.cutoff, own)]
        asked += [(name, k, ", or a smaller k") for name, k in self.lists.items()]
        for name, k, option in asked:
            if items <= k:
                raise DataError(
                    f"{name}: a list of {k} holds all {items} items of training users; allowed: "
                    f"more than {k} items{option}"
                )

    def check(self, raw: Path) -> None:
        """Split a small file already, and leave a large one for its job."""
        if raw.stat().st_size <= COUNTED:
            self.parts(raw)

    def write_split(self, raw: Path | None, out: Path, source: dict[str, Any]) -> None:
        """Write SciPy CSR ``.npz``: ``train``, ``{validation,test}_{fold_in,held_out}``; ids."""
        parts = self.parts(raw)
        for name, matrix in parts.matrices.items():
            with whole(out / f"{name}.npz") as path, path.open("wb") as file:
                scipy.sparse.save_npz(file, matrix, compressed=False)
        for name, ids in parts.ids.items():
            with whole(out / f"{name}.txt") as path:
                path.write_text("".join(f"{i}\n" for i in ids.tolist()), encoding="utf-8")
        names = [
            *(f"{name}.npz" for name in parts.matrices),
            *(f"{name}.txt" for name in parts.ids),
        ]
        facts = {"protocol": self.split.model_dump(), "counts": parts.counts}
        self.write_card(out, source, names, facts | {"truth": self.truth(parts)})


class Images(Dataset):
    """Pictures as rows of pixels, (N, F) float32 in [0, 1]."""

    kind: ClassVar[Literal["interactions", "images"]] = "images"

    shape: tuple[int, int] | None = None
    """Height and width, F = height · width; None where nobody knows."""

    dynamic: bool = False
    """True if training pictures are grey values from which binary ones are drawn at every use."""

    held_out_class: int | None = None
    """A class that training and validation never see: what an anomaly detector has to find."""

    def split_seed(self, raw: Path | None = None) -> str | None:  # noqa: ARG002
        """None: the parts are as published. A class that draws them names its option."""
        return None

    @abstractmethod
    def read(self, raw: Path) -> dict[str, np.ndarray]:
        """``train``, ``validation`` and ``test``, each (N, F)."""

    @property
    def has_labels(self) -> bool:
        """Whether there are classes, for a model that looks at them."""
        return type(self).labels is not Images.labels

    def labels(self, raw: Path) -> dict[str, np.ndarray]:  # noqa: ARG002
        """The class of each picture of each part, (N,) int64; by default there are none."""
        return {}

    factor_names: ClassVar[tuple[str, ...]] = ()
    """What the pictures were made from, where that is known; see :meth:`factors`."""

    def factors(self, raw: Path) -> dict[str, np.ndarray]:  # noqa: ARG002
        """The values of ``factor_names`` of each picture of each part, (N, F) int64 from 0."""
        return {}

    def rows(self, raw: Path) -> dict[str, np.ndarray]:  # noqa: ARG002
        """The number in the source of each picture of each part, where the split is ours."""
        return {}

    def write_split(self, raw: Path | None, out: Path, source: dict[str, Any]) -> None:
        """Write ``{train,validation,test}.npy``; labels, factors and row numbers if any."""
        files: dict[str, np.ndarray] = {}
        given = raw or NO_FILE
        parts, labels = self.read(given), self.labels(given)
        beside = {"labels": labels, "factors": self.factors(given), "rows": self.rows(given)}
        for name, pictures in parts.items():
            if not (np.isfinite(pictures).all() and pictures.min() >= 0 and pictures.max() <= 1):
                raise DataError(f"{name}: pixels outside [0, 1]; allowed: finite values in [0, 1]")
            kept = np.ones(len(pictures), bool)
            if labels and self.held_out_class is not None and name != "test":
                kept = labels[name] != self.held_out_class
            files[name] = pictures[kept].astype(np.float32)
            for suffix, values in beside.items():
                if values:
                    files[f"{name}_{suffix}"] = values[name][kept]
            if not kept.any():
                raise DataError(f"{name}: no picture is left; allowed: at least one")
        for name, array in files.items():
            with whole(out / f"{name}.npy") as path, path.open("wb") as file:
                np.save(file, array, allow_pickle=False)
        counts = {f"{name}_images": len(files[name]) for name in parts}
        counts["pixels"] = parts["train"].shape[1]
        facts = {
            "counts": counts,
            "shape": list(self.shape) if self.shape else None,
            "dynamic": self.dynamic,
            "held_out_class": self.held_out_class,
            "truth": {},
        } | ({"factors": list(self.factor_names)} if self.factor_names else {})
        self.write_card(out, source, [f"{name}.npy" for name in files], facts)
