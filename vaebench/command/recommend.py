"""``vaebench recommend MODEL --users FILE``: the best items for users of a file of any size."""

import argparse
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from scipy.sparse import csr_matrix

from vaebench.datasets.tables import check_columns, opened
from vaebench.errors import DataError
from vaebench.files import whole
from vaebench.library import Fitted, load, recommended
from vaebench.sparse import SparseRows

BATCH = 2**16
"""Rows of a Parquet file that are read at a time; of a CSV file it is a block of bytes."""

PART = 2**26
"""Bytes of the file, about, whose users are held at a time."""

PARTS = 512
"""The most files in which users wait for their turn."""

NAMED = 5
"""Unknown items that are named."""

ENDINGS = {".csv": ",", ".tsv": "\t", ".parquet": None}
"""Ending of a file → what is between its values; None: not a text."""


@dataclass
class Unknown:
    """Items of the file that the model does not know.

    Attributes:
        rows: with such an item.
        names: the first few of them.
    """

    rows: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, items: pa.Array) -> None:
        """Count these rows."""
        self.rows += len(items)
        if len(self.names) <= NAMED:
            new = (name for name in pc.unique(items).to_pylist() if name not in self.names)
            self.names += [name for name, _ in zip(new, range(NAMED + 1), strict=False)]

    def said(self) -> str:
        """One sentence; empty if there are none."""
        if not self.rows:
            return ""
        more = ", …" if len(self.names) > NAMED else ""
        names = ", ".join(map(repr, self.names[:NAMED])) + more
        return f"{self.rows:,} rows have items that the model does not know: {names}; ignored"


def batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The ``columns`` of a CSV, TSV or Parquet file as texts, part by part.

    Raises:
        DataError: not readable as a table, or a column is missing.
    """
    ending = _ending(path.name.removesuffix(".gz").removesuffix(".zip"))
    try:
        with ExitStack() as stack:
            found: Any
            if ENDINGS[ending] is None:
                file = stack.enter_context(pa.parquet.ParquetFile(path))
                check_columns(path.name, columns, file.schema_arrow.names)
                found = file.iter_batches(BATCH, columns=list(columns))
            else:
                content = stack.enter_context(opened(path))
                parse = pa.csv.ParseOptions(delimiter=ENDINGS[ending], newlines_in_values=True)
                convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string()))
                reader = pa.csv.open_csv(content, parse_options=parse, convert_options=convert)
                found = stack.enter_context(reader)
                check_columns(path.name, columns, found.schema.names)
            for batch in found:
                texts = [pc.cast(batch[name], pa.string()) for name in columns]
                if any(text.null_count or (pc.any(pc.equal(text, "")).as_py()) for text in texts):
                    raise DataError(f"{path.name}: a row has no user or no item; allowed: both")
                yield pa.record_batch(texts, ["user", "item"])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeError, OSError) as error:
        said = " ".join(str(error).split())
        raise DataError(f"{path}: not readable as a table: {said}") from error


def _ending(name: str) -> str:
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        raise DataError(f"{name}: the name is not allowed; it should end with {', '.join(ENDINGS)}")
    return ending


def histories(
    path: Path, known: pa.Array, columns: Sequence[str], unknown: Unknown
) -> Iterator[tuple[np.ndarray, SparseRows]]:
    """Users and what is known of them, (U, I), each user once.

    What does not fit into one part is first sorted into files of a temporary folder by a hash of
    the user, so that memory depends on neither the number of users nor that of rows.
    """
    rows = (_numbered(batch, known, unknown) for batch in batches(path, columns))
    parts = _parts(path)
    if parts <= 1:
        yield _history(list(rows), len(known))
        return
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.arrow" for number in range(parts)]
        with ExitStack() as stack:
            writers = [stack.enter_context(pa.ipc.new_stream(file, SCHEMA)) for file in files]
            for batch in rows:
                encoded = batch["user"].dictionary_encode()
                hashes = pd.util.hash_array(encoded.dictionary.to_numpy(zero_copy_only=False))
                part = pa.array((hashes % parts)[encoded.indices.to_numpy()])
                for number, writer in enumerate(writers):
                    writer.write_batch(batch.filter(pc.equal(part, number)))
        for file in files:
            with pa.ipc.open_stream(file) as reader:
                held = list(reader)
            file.unlink()
            yield _history(held, len(known))


def _parts(path: Path) -> int:
    """Into how many files the rows are sorted; 1: they are held at once."""
    packed = ENDINGS.get(path.suffix.lower()) is None
    return max(1, min(PARTS, math.ceil(path.stat().st_size * (PACKED if packed else 1) / PART)))


PACKED = 8
"""How much larger a Parquet, .gz or .zip file is taken to be than it is."""

SCHEMA = pa.schema({"user": pa.string(), "item": pa.int32()})


def _numbered(batch: pa.RecordBatch, known: pa.Array, unknown: Unknown) -> pa.RecordBatch:
    """Users and the numbers of their items; −1 for one that the model does not know."""
    number = pc.index_in(batch["item"], known)
    if number.null_count:
        unknown.add(batch["item"].filter(number.is_null()))
    return pa.record_batch([batch["user"], pc.fill_null(number, -1)], schema=SCHEMA)


def _history(held: list[pa.RecordBatch], items: int) -> tuple[np.ndarray, SparseRows]:
    """The users of these rows, in the order of their first, and their items."""
    table = pa.Table.from_batches(held, SCHEMA)
    encoded = table["user"].combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_numpy(zero_copy_only=False)
    number = table["item"].to_numpy()
    row, column = encoded.indices.to_numpy()[number >= 0], number[number >= 0]
    matrix = csr_matrix((np.ones(len(row), np.float32), (row, column)), (len(names), items))
    matrix.sum_duplicates()
    matrix.data.fill(1)
    return names, SparseRows.from_scipy(matrix)


class Writer:
    """Rows ``user,item,rank,score`` as CSV or Parquet, as they come."""

    def __init__(self, to: Path | IO[str], delimiter: str | None) -> None:
        self.to, self.delimiter, self.begun = to, delimiter, False
        self._parquet: pa.parquet.ParquetWriter | None = None

    def write(self, frame: pd.DataFrame) -> None:
        """Append."""
        frame = frame[["user", "item", "rank", "score"]]
        if self.delimiter is not None:
            frame.to_csv(
                self.to,
                sep=self.delimiter,
                index=False,
                header=not self.begun,
                mode="a",
                float_format="%.6g",
            )
        else:
            table = pa.Table.from_pandas(frame, preserve_index=False)
            self._parquet = self._parquet or pa.parquet.ParquetWriter(self.to, table.schema)
            self._parquet.write_table(table)
        self.begun = True

    def close(self) -> None:
        """Write what closes the file."""
        if self._parquet is not None:
            self._parquet.close()


def recommend(
    fitted: Fitted, path: Path, columns: Sequence[str], top: int, write: Writer
) -> Iterator[str]:
    """Write the best items of every user of the file; yields what should be said of it.

    Raises:
        DataError: the file is no such table, or no row of it has an item of the model.
    """
    unknown, found, without, seen = Unknown(), 0, 0, 0
    known = pa.array([str(item) for item in fitted.items])
    for users, rows in histories(path, known, columns, unknown):
        seen += int(rows.lengths.sum())
        without += int((rows.lengths == 0).sum())
        found += len(users)
        if not found:
            raise DataError(f"{path}: has no rows; allowed: rows of a user and an item")
        if not seen and _parts(path) == 1:
            raise DataError(
                f"{path}: {unknown.said().partition(';')[0]}; allowed: items as those that it was "
                f"trained on, {', '.join(map(repr, known[:NAMED].to_pylist()))}, …"
            )
        for frame in recommended(fitted, rows, users, top):
            write.write(frame)
    if unknown.rows:
        yield unknown.said()
    if without:
        yield f"{without:,} users have no item that the model knows; all get the same list"
    yield f"{found:,} users"


def main(arguments: Sequence[str]) -> None:
    """Write recommendations, and say on the other channel what they lack."""
    parser = argparse.ArgumentParser(
        prog="vaebench recommend",
        description="The best items for each user of a file, by a model that Fitted.save() wrote.\n"
        "The file has one row for each interaction; its users may be new to the model. What a\n"
        "user has already is not recommended. Memory does not grow with the number of users.",
        epilog="examples:\n"
        "  vaebench recommend model.safetensors --users ratings.csv --top 20 --out lists.csv\n"
        "  vaebench recommend model.safetensors --users new.parquet --item movieId | head",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, help="a file that Fitted.save() wrote")
    parser.add_argument("--users", type=Path, required=True, help="CSV, TSV or Parquet")
    parser.add_argument("--user", default="user", help="the column of users; by default: user")
    parser.add_argument("--item", default="item", help="the column of items; by default: item")
    parser.add_argument("--top", type=int, default=10, help="items for each user; by default: 10")
    parser.add_argument(
        "--out", type=Path, help=".csv, .tsv or .parquet; by default CSV is printed"
    )
    parser.add_argument("--beta", type=float, help="where the dial stands, of a model with one")
    given = parser.parse_args(arguments)
    if given.top < 1:
        parser.error(f"--top: {given.top} is not allowed; it should be at least 1")
    if given.user == given.item:
        parser.error(f"--user and --item are both {given.user!r}; they should be two columns")
    ending = ENDINGS[_ending(given.out.name)] if given.out else ","
    if not given.users.is_file():
        raise DataError(f"{given.users}: no such file; allowed: a table of users and their items")
    fitted = load(given.model)
    if given.beta is not None:
        fitted = fitted.at(given.beta)
    with whole(given.out) if given.out else nullcontext(sys.stdout) as to:
        write = Writer(to, ending)
        said = list(recommend(fitted, given.users, [given.user, given.item], given.top, write))
        write.close()
    for sentence in said:
        print(f"vaebench: {sentence}", file=sys.stderr)  # noqa: T201
