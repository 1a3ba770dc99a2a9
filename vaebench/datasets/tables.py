"""Reading delimited and columnar files of interactions into :class:`Ratings`."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from vaebench.datasets.protocol import Ratings
from vaebench.errors import DataError


def read_delimited(
    source: Path | IO[bytes],
    *,
    name: str,
    delimiter: str = ",",
    names: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """A CSV or TSV file; ``names`` if it has no header, ``columns`` the ones to keep.

    Raises:
        DataError: not readable as such a table, or a column is missing.
    """
    options = pa.csv.ReadOptions(column_names=names)
    try:
        table = pa.csv.read_csv(
            source,
            read_options=options,
            parse_options=pa.csv.ParseOptions(delimiter=delimiter),
            convert_options=pa.csv.ConvertOptions(
                include_columns=list(columns) if names and columns else None
            ),
        )
    except (pa.ArrowInvalid, EOFError) as error:
        raise DataError(f"{name}: not readable as a table: {error}") from error
    return _checked(table, name, columns)


def read_parquet(path: Path, columns: Sequence[str]) -> pa.Table:
    """The ``columns`` of a Parquet file.

    Raises:
        DataError: not a Parquet file, or a column is missing.
    """
    try:
        table = pa.parquet.read_table(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path.name}: not readable as Parquet: {error}") from error
    table = _checked(table, path.name, columns)
    for number, column in enumerate(table.columns):  # to kinds that every kernel knows
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        kind = pa.large_string() if pa.types.is_string_view(kind) else kind
        table = table.set_column(number, table.column_names[number], column.cast(kind))
    return table


def _checked(table: pa.Table, name: str, columns: Sequence[str] | None) -> pa.Table:
    for column in columns or []:
        if column not in table.column_names:
            raise DataError(
                f"{name}: there is no column {column!r}; it has {', '.join(table.column_names)}"
            )
    return table.select(list(columns)) if columns else table


def ratings(
    table: pa.Table,
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
        values = table[column]
        blank = pc.is_null(values)
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            blank = pc.or_kleene(blank, pc.equal(pc.utf8_trim_whitespace(values), ""))
        elif pa.types.is_floating(values.type):
            blank = pc.or_kleene(blank, pc.is_nan(values))
        blanks = pc.sum(blank).as_py() or 0
        if blanks:
            row = pc.index(blank.combine_chunks(), pa.scalar(value=True)).as_py() + 1
            raise DataError(
                f"{name}: column {column!r} has {blanks} blank values, the first in data row "
                f"{row}; allowed: a value in every row"
            )
    if rating is not None and threshold is not None:
        if not (
            pa.types.is_integer(table[rating].type) or pa.types.is_floating(table[rating].type)
        ):
            raise DataError(f"{name}: column {rating!r} has values that are no numbers")
        table = table.filter(pc.greater_equal(table[rating], threshold))
    if not len(table):
        which = f" with {rating} ≥ {threshold}" if rating is not None else ""
        raise DataError(f"{name}: no interaction{which}; allowed: at least one")
    users, user_ids = _codes(table[user])
    items, item_ids = _codes(table[item])
    return Ratings(users, items, user_ids, item_ids)


def _codes(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """int32 codes and the sorted ids that they stand for."""
    encoded = pc.dictionary_encode(column).combine_chunks()
    dictionary = encoded.dictionary
    order = pc.sort_indices(dictionary).to_numpy()
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    ids = dictionary.take(order).to_numpy(zero_copy_only=False)
    return rank[encoded.indices.to_numpy()], ids
