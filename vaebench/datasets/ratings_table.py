"""A user's own interactions: CSV, TSV or Parquet with named columns."""

import string
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from vaebench.datasets import Cutoff, Interactions, RawFile
from vaebench.datasets.protocol import LABELS, AnySplit, Given, Protocol, Ratings, Temporal
from vaebench.datasets.tables import (
    Column,
    Repeats,
    check_columns,
    header,
    joined,
    ratings,
    read_delimited,
    read_parquet,
)
from vaebench.errors import DataError

DELIMITERS = {".csv": ",", ".tsv": "\t", ".dat": "\t", ".txt": "\t"}
CHARACTERS = set(string.printable) - set('\r\n"')
PART = "label of its file"
"""The column that a given split in several files makes; no file can have it, but none needs to."""


class RatingsTable(Interactions):
    """One row an interaction; ``path`` is looked for beside the config, then in the working folder.

    Rows with ``rating`` ≥ ``threshold`` count; without these two options every row does. The file
    has a header; ``delimiter`` is taken from the ending unless given, and ``.gz`` or ``.zip`` may
    follow that ending. ``encoding`` is Python's word for that of a text. ``repeats`` says what
    becomes of rows of the same user and item, before the threshold: ``refuse`` them, or make one of
    them with the ``first``, ``last``, ``max`` or ``sum`` of their ratings. ``time`` is the column
    that a temporal split goes by. ``checksum`` (``sha256:…``) is optional. ``cutoff`` is the K of
    the NDCG@K that judges, less than the number of items.

    Raises:
        ValueError: a threshold without a rating column, or the other way round; an unknown ending
            without a delimiter, a delimiter of several characters, an unknown encoding, a greatest
            or summed rating without a rating, a temporal split without a time.

    References:
        vaebench

    Example:
        >>> from vaebench.datasets.ratings_table import RatingsTable
        >>> [file.name for file in RatingsTable(path="x.csv", user="u", item="i").raw_files()]
        ['x.csv']
    """

    licence = "the user's own data: as their owner says"

    def __init__(
        self,
        *,
        path: str,
        user: str,
        item: str,
        rating: str | None = None,
        threshold: float | None = None,
        time: str | None = None,
        repeats: Repeats = "refuse",
        delimiter: str | None = None,
        encoding: str = "utf8",
        checksum: str | None = None,
        cutoff: Cutoff = 100,
        split: AnySplit = Protocol(),  # noqa: B008 (frozen)
    ) -> None:
        if (rating is None) != (threshold is None):
            raise ValueError("rating and threshold belong together: give both or none")
        ending = _ending(path)
        if delimiter is None and ending not in {*DELIMITERS, ".parquet"}:
            allowed = ", ".join(sorted({*DELIMITERS, ".parquet"}))
            raise ValueError(f"path: {path!r} is not allowed; it should end with one of {allowed}")
        if delimiter is not None and (len(delimiter) != 1 or delimiter not in CHARACTERS):
            raise ValueError(
                f"delimiter: {delimiter!r} is not allowed; it should be one character of ASCII, "
                "no quote and no line's end"
            )
        try:
            pa.transcoding_input_stream(
                pa.BufferReader("a".encode(encoding)), encoding, "utf8"
            ).read()
        except Exception:  # noqa: BLE001 (what an encoding that is none of texts raises)
            raise ValueError(f"encoding: {encoding!r} is no encoding of texts") from None
        given = split if isinstance(split, Given) else None
        used = [column for column in (user, item, rating, time) if column is not None]
        used += [given.column] if given and given.column is not None else []
        if len(set(used)) < len(used) or "" in used:
            raise ValueError(f"columns {', '.join(map(repr, used))}: should have different names")
        if repeats in ("max", "sum") and rating is None:
            raise ValueError(f"repeats: {repeats!r} is not allowed; without a rating: first, last")
        if isinstance(split, Temporal) and time is None:
            raise ValueError("split: temporal needs time, the column of times")
        self.path, self.user, self.item, self.rating = path, user, item, rating
        self.threshold, self.time, self.repeats = threshold, time, repeats
        self.delimiter = delimiter or DELIMITERS.get(ending)
        self.encoding, self.checksum = encoding, checksum
        self.cutoff, self.split = cutoff, split
        self.files = dict(given.files or {}) if given else {}

    def raw_files(self) -> list[RawFile]:
        """The one file."""
        return [RawFile(self.path, self.checksum, own=True)]

    def companions(self) -> list[RawFile]:
        """The other files of a given split."""
        return [RawFile(name, own=True) for name in self.files.values()]

    def check(self, raw: Path) -> None:
        """The columns, from the header alone; of a small file all."""
        if self.delimiter is None:
            try:
                present = pa.parquet.read_schema(raw).names
            except (pa.ArrowInvalid, OSError) as error:
                raise DataError(f"{raw.name}: not readable as Parquet: {error}") from error
        else:
            present = header(raw, raw.name, self.delimiter, self.encoding, newlines=True)
        check_columns(raw.name, self._columns(), present)
        super().check(raw)

    def read(self, raw: Path) -> Ratings:
        """The rows that count, in file order; of several files one file after the other."""
        part = self.split.column if isinstance(self.split, Given) else None
        table = self._table(raw)
        if self.files:
            part = PART
            others = [
                self._labelled(self._table(raw.parent / Path(name).name), label)
                for label, name in self.files.items()
            ]
            table = joined([self._labelled(table, "train"), *others])
        return ratings(
            table,
            name=raw.name,
            user=self.user,
            item=self.item,
            rating=self.rating,
            threshold=self.threshold,
            time=self.time if isinstance(self.split, Temporal) else None,
            part=part,
            repeats=self.repeats,
        )

    def _columns(self) -> list[str]:
        """The columns that are read."""
        of_split = self.time if isinstance(self.split, Temporal) else None
        of_split = self.split.column if isinstance(self.split, Given) else of_split
        return [c for c in (self.user, self.item, self.rating, of_split) if c]

    def _table(self, path: Path) -> dict[str, Column]:
        if self.delimiter is None:
            return read_parquet(path, self._columns())
        return read_delimited(
            path,
            name=path.name,
            delimiter=self.delimiter,
            columns=self._columns(),
            encoding=self.encoding,
            newlines=True,
        )

    def _labelled(self, table: dict[str, Column], label: str) -> dict[str, Column]:
        """``table`` with a column of the one label."""
        rows = len(table[self.user].codes)
        codes = np.full(rows, LABELS.index(label), np.int32)
        return table | {PART: Column(codes, pa.array(LABELS), written=True)}


def _ending(path: str) -> str:
    """The ending that says what a table is, below ``.gz`` or ``.zip``."""
    first = Path(path)
    return Path(first.stem if first.suffix.lower() in {".gz", ".zip"} else first).suffix.lower()
