"""Reading delimited and columnar files of interactions into :class:`Ratings`.

A file has up to 100 million rows but few distinct users and items. So a column is int32 codes of
its distinct values from the reader on, and what a value means is decided once for each of these.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from vaebench.datasets.protocol import Ratings
from vaebench.errors import DataError

BLOCK = 1 << 24
"""Bytes of text parsed at once: each block brings a dictionary of its own."""
ROWS = 1 << 20
"""Rows of a Parquet file decoded at once."""
TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Column:
    """One column of a file.

    Attributes:
        codes: (N,) int32, row n holds ``distinct[codes[n]]``; −1 where the row has nothing.
        distinct: the values that occur, of the kind that the whole column has.
    """

    codes: np.ndarray
    distinct: pa.Array


def read_csv(
    source: Path | IO[bytes],
    *,
    name: str,
    columns: Sequence[str],
    delimiter: str = ",",
    names: Sequence[str] | None = None,
    kind: pa.DataType | None = None,
) -> pa.Table:
    """The ``columns`` of a CSV or TSV file as Arrow reads them; ``names`` where it has no header.

    Without a ``kind`` for all columns Arrow infers theirs, in twice the memory or more.

    Raises:
        DataError: not readable as such a table, or a column is missing.
    """
    read = pa.csv.ReadOptions(column_names=names, block_size=BLOCK)
    parse = pa.csv.ParseOptions(delimiter=delimiter)
    types = None if kind is None else dict.fromkeys(columns, kind)
    try:
        try:
            convert = pa.csv.ConvertOptions(include_columns=columns, column_types=types)
            return pa.csv.read_csv(source, read, parse, convert)
        except pa.ArrowKeyError:  # a column is missing: say which there are
            if not isinstance(source, Path):
                source.seek(0)
            with pa.csv.open_csv(source, read, parse) as opened:
                raise _missing(name, columns, opened.schema.names) from None
    except (pa.ArrowInvalid, EOFError) as error:
        raise DataError(f"{name}: not readable as a table: {error}") from error


def read_delimited(
    source: Path | IO[bytes],
    *,
    name: str,
    columns: Sequence[str],
    delimiter: str = ",",
    names: Sequence[str] | None = None,
) -> dict[str, Column]:
    """The ``columns`` of a CSV or TSV file; ``names`` where it has no header.

    Raises:
        DataError: not readable as such a table, or a column is missing.
    """
    table = read_csv(
        source, name=name, columns=columns, delimiter=delimiter, names=names, kind=TEXT
    )
    texts = {column: _column(table[column]) for column in columns}
    return {column: Column(text.codes, _inferred(text.distinct)) for column, text in texts.items()}


def read_parquet(path: Path, columns: Sequence[str]) -> dict[str, Column]:
    """The ``columns`` of a Parquet file.

    Raises:
        DataError: not a Parquet file, or a column is missing.
    """
    try:
        with pa.parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            if not set(columns) <= set(schema.names):
                raise _missing(path.name, columns, schema.names)
            kinds = {column: _plain(schema.field(column).type) for column in columns}
            chunks: dict[str, list[pa.Array]] = {column: [] for column in columns}
            for batch in file.iter_batches(ROWS, columns=list(columns)):
                for column, kind in kinds.items():
                    chunks[column].append(pc.dictionary_encode(batch[column].cast(kind)))
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path.name}: not readable as Parquet: {error}") from error
    return {
        column: _column(pa.chunked_array(chunks[column], pa.dictionary(pa.int32(), kind)))
        for column, kind in kinds.items()
    }


def _plain(kind: pa.DataType) -> pa.DataType:
    """``kind`` without encodings that not every kernel knows."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.large_string() if pa.types.is_string_view(kind) else kind


def _missing(name: str, columns: Sequence[str], present: Sequence[str]) -> DataError:
    column = next(column for column in columns if column not in present)
    return DataError(f"{name}: there is no column {column!r}; it has {', '.join(present)}")


def _column(chunks: pa.ChunkedArray) -> Column:
    """Dictionary-encoded chunks as one column."""
    unified = chunks.unify_dictionaries().chunks
    codes = np.empty(len(chunks), np.int32)
    start = 0
    for chunk in unified:
        codes[start : start + len(chunk)] = chunk.indices.fill_null(-1)
        start += len(chunk)
    distinct = unified[0].dictionary if unified else pa.array([], chunks.type.value_type)
    return Column(codes, distinct)


def _inferred(texts: pa.Array) -> pa.Array:
    """Distinct texts as Arrow reads a column of them: integers, floats, dates or texts."""
    if not len(texts):
        return texts
    file = io.BytesIO()
    pa.csv.write_csv(pa.table({"": texts}), file, pa.csv.WriteOptions(include_header=False))
    file.seek(0)
    read = pa.csv.ReadOptions(column_names=[""])
    return pa.csv.read_csv(file, read, pa.csv.ParseOptions(newlines_in_values=True))[
        ""
    ].combine_chunks()


def ratings(
    table: Mapping[str, Column],
    *,
    name: str,
    user: str,
    item: str,
    rating: str | None = None,
    threshold: float | None = None,
) -> Ratings:
    """Interactions of a table: rows with rating ≥ threshold; the value is then ignored.

    Raises:
        DataError: blank ids or ratings, ratings that are no numbers, or no row that counts.
    """
    for column in filter(None, (user, item, rating)):
        _refuse_blanks(table[column], f"{name}: column {column!r}")
    users, items = table[user].codes, table[item].codes
    if rating is not None and threshold is not None:
        values = table[rating].distinct
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            raise DataError(f"{name}: column {rating!r} has values that are no numbers")
        keep = _bools(pc.greater_equal(values, threshold))[table[rating].codes]
        users, items = users[keep], items[keep]
    if not len(users):
        which = f" with {rating} ≥ {threshold}" if rating is not None else ""
        raise DataError(f"{name}: no interaction{which}; allowed: at least one")
    users, user_ids = in_order(users, table[user].distinct)
    items, item_ids = in_order(items, table[item].distinct)
    return Ratings(users, items, user_ids, item_ids)


def in_order(codes: np.ndarray, values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The codes renumbered by the sorted order of the values that occur, int32; these values.

    Values that became equal (``7`` and ``07`` are one number) get one code.
    """
    occurs = np.bincount(codes, minlength=len(values)) > 0
    encoded = pc.dictionary_encode(values.filter(pa.array(occurs)))
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    new = np.empty(len(values), np.int32)
    new[occurs] = rank[encoded.indices.to_numpy()]
    return new[codes], encoded.dictionary.take(order).to_numpy(zero_copy_only=False)


def _refuse_blanks(column: Column, label: str) -> None:
    values = column.distinct
    blank = pc.is_null(values, nan_is_null=True)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        blank = pc.or_kleene(blank, pc.equal(pc.utf8_trim_whitespace(values), ""))
    blanks = np.append(_bools(blank), values=True)[column.codes]  # −1 finds the last one
    if blanks.any():
        raise DataError(
            f"{label} has {blanks.sum()} blank values, the first in data row "
            f"{blanks.argmax() + 1}; allowed: a value in every row"
        )


def _bools(values: pa.Array) -> np.ndarray:
    return values.to_numpy(zero_copy_only=False).astype(bool)
