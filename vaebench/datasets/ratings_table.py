"""A user's own interactions: CSV, TSV or Parquet with named columns."""

from pathlib import Path

from vaebench.datasets import Interactions, RawFile
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.datasets.tables import ratings, read_delimited, read_parquet

DELIMITERS = {".csv": ",", ".tsv": "\t", ".dat": "\t", ".txt": "\t"}


class RatingsTable(Interactions):
    """One row an interaction; ``path`` is looked for in the local folder, then from the study's.

    Rows with ``rating`` ≥ ``threshold`` count; without these two options every row does. The file
    has a header; ``delimiter`` is taken from the ending unless given. ``checksum`` (``sha256:…``)
    is optional.

    Raises:
        ValueError: a threshold without a rating column, or the other way round; an unknown ending
            without a delimiter, or a delimiter of several characters.
    """

    def __init__(
        self,
        *,
        path: str,
        user: str,
        item: str,
        rating: str | None = None,
        threshold: float | None = None,
        delimiter: str | None = None,
        checksum: str | None = None,
        split: Protocol = Protocol(),  # noqa: B008 (frozen)
    ) -> None:
        if (rating is None) != (threshold is None):
            raise ValueError("rating and threshold belong together: give both or none")
        ending = Path(path).suffix.lower()
        if delimiter is None and ending not in {*DELIMITERS, ".parquet"}:
            allowed = ", ".join(sorted({*DELIMITERS, ".parquet"}))
            raise ValueError(f"path: {path!r} is not allowed; it should end with one of {allowed}")
        if delimiter is not None and len(delimiter) != 1:
            raise ValueError(f"delimiter: {delimiter!r} is not allowed; it should be one character")
        self.path, self.user, self.item = path, user, item
        self.rating, self.threshold = rating, threshold
        self.delimiter = delimiter or DELIMITERS.get(ending)
        self.checksum, self.split = checksum, split

    def raw_files(self) -> list[RawFile]:
        """The one file."""
        return [RawFile(self.path, self.checksum)]

    def read(self, raw: Path | None) -> Ratings:
        """The rows that count, in file order."""
        assert raw is not None  # noqa: S101 (raw_files is not empty)
        columns = [column for column in (self.user, self.item, self.rating) if column]
        if self.delimiter is None:
            table = read_parquet(raw, columns)
        else:
            table = read_delimited(raw, name=raw.name, delimiter=self.delimiter, columns=columns)
        return ratings(
            table,
            name=raw.name,
            user=self.user,
            item=self.item,
            rating=self.rating,
            threshold=self.threshold,
        )
