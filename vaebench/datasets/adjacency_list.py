"""A user's own interactions as adjacency lists, as LightGCN's and BARS' files are."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from vaebench.datasets import Cutoff, Interactions, RawFile
from vaebench.datasets.protocol import LABELS, Given, Lists, Protocol, Ratings
from vaebench.datasets.tables import Column, First, joined, ratings, read_lists


class AdjacencyList(Interactions):
    """A line a user: its number, or the count of its items, and then the items.

    ``first`` says which: ``user`` (LightGCN), ``count``, or ``nothing`` where items begin at once.
    A ``given`` split has further files of the same layout (``files: {test: test.txt}``). ``cutoff``
    is the K of the NDCG@K that judges, less than the number of items.

    References:
        vaebench

    Example:
        >>> from vaebench.datasets.adjacency_list import AdjacencyList
        >>> [file.name for file in AdjacencyList(path="train.txt").raw_files()]
        ['train.txt']
    """

    licence = "the user's own data: as their owner says"

    def __init__(
        self,
        *,
        path: str,
        first: First = "user",
        checksum: str | None = None,
        cutoff: Cutoff = 100,
        split: Lists = Protocol(),  # noqa: B008 (frozen)
    ) -> None:
        if isinstance(split, Given) and split.files is None:
            raise ValueError("split.column: a list has no columns; allowed: files")
        self.path, self.first, self.checksum = path, first, checksum
        self.cutoff, self.split = cutoff, split
        self.files = dict(split.files or {}) if isinstance(split, Given) else {}

    def raw_files(self) -> list[RawFile]:
        """The one file, or the training part of a given split."""
        return [RawFile(self.path, self.checksum, own=True)]

    def companions(self) -> list[RawFile]:
        """The other parts of a given split."""
        return [RawFile(name, own=True) for name in self.files.values()]

    def read(self, raw: Path) -> Ratings:
        """Every item of every line, in file order."""
        parts = [("train", raw)]
        parts += [(label, raw.parent / Path(name).name) for label, name in self.files.items()]
        tables = []
        for label, path in parts:
            user, item = read_lists(path, self.first)
            part = np.full(len(user.codes), LABELS.index(label), np.int32)
            tables.append(
                {"user": user, "item": item, "part": Column(part, pa.array(LABELS), written=True)}
            )
        return ratings(
            joined(tables),
            name=raw.name,
            user="user",
            item="item",
            part="part" if self.files else None,
        )
