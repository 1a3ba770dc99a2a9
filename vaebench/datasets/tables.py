"""Reading delimited and columnar files of interactions into :class:`Ratings`.

A file has up to 100 million rows but few distinct users and items. So a column is int32 codes of
its distinct values from the reader on, and what a value means is decided once for each of these.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from vaebench.datasets.fetch import only_zip_member
from vaebench.datasets.protocol import LABELS, Ratings
from vaebench.errors import DataError

BLOCK = 1 << 24
"""Bytes of text parsed at once: each block brings a dictionary of its own."""
ROWS = 1 << 20
"""Rows of a Parquet file decoded at once."""
TEXT = pa.dictionary(pa.int32(), pa.string())
WHOLE = r"^(0|-?[1-9][0-9]*)$"
"""An integer as a program writes it: 007, +7 and 7.0 are other ids than 7."""
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
BLANKS = pa.array(pa.csv.ConvertOptions().null_values)
"""What stands for nothing among numbers: the empty text, NULL, NaN and their like."""
PACKED = {b"\x1f\x8b": ".gz", b"PK\x03\x04": ".zip", b"PAR1": ".parquet"}
"""How a file that is no text begins, and how its name should end."""

First = Literal["count", "user", "nothing"]
"""What the first number of a line in an adjacency list is: the count of its items, the user, or an
item already; without a user's number it is that of the line, from 0."""

Repeats = Literal["refuse", "first", "last", "max", "sum"]
"""What becomes of the rows of one (user, item) pair: an error, or one row at the place of the first
(of the last for ``last``) with the first, last, greatest or summed rating."""


@dataclass(frozen=True)
class Column:
    """One column of a file.

    Attributes:
        codes: (N,) int32, row n holds ``distinct[codes[n]]``; −1 where the row has nothing.
        distinct: the values that occur, of the kind that the whole column has.
        written: ``distinct`` are texts as they stand in a file that knows nothing but texts.
    """

    codes: np.ndarray
    distinct: pa.Array
    written: bool = False

    @property
    def text(self) -> bool:
        """Whether the values are texts."""
        kind = self.distinct.type
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


@contextmanager
def opened(path: Path) -> Iterator[Path | IO[bytes]]:
    """A table of text, unpacked on the way if its name ends with ``.gz`` or ``.zip``.

    Raises:
        DataError: packed without such a name, not packed in spite of it, damaged, or an archive of
            several files.
    """
    ending = path.suffix.lower()
    with path.open("rb") as file:
        begin = file.read(4)
    really = next((name for magic, name in PACKED.items() if begin.startswith(magic)), "")
    if ending in {".gz", ".zip"}:
        if really != ending:
            raise DataError(f"{path.name}: not a whole {ending[1:]} file; allowed: what it says")
    elif really:
        raise DataError(
            f"{path.name}: the content is {really[1:]}, not text; allowed: a name that ends with "
            f"{really if really == '.parquet' else ending + really}"
        )
    if ending == ".gz":
        with pa.input_stream(path, compression="gzip") as stream:
            yield stream
    elif ending == ".zip":
        with only_zip_member(path) as member:
            yield member
    else:
        yield path


def read_csv(
    source: Path | IO[bytes],
    *,
    name: str,
    columns: Sequence[str],
    delimiter: str = ",",
    names: Sequence[str] | None = None,
    kind: pa.DataType | None = None,
    encoding: str = "utf8",
    newlines: bool = False,
) -> pa.Table:
    """The ``columns`` of a CSV or TSV file as Arrow reads them; ``names`` where it has no header.

    Without a ``kind`` for all columns Arrow infers theirs, in twice the memory or more. Without
    ``newlines`` a quoted value with a line's end in it is torn where it lies across two blocks;
    with it reading costs a quarter more.

    Raises:
        DataError: not readable as such a table, with the row where it is known; or a column is
            missing.
    """
    parse = pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=newlines)
    types = None if kind is None else dict.fromkeys(columns, kind)
    convert = pa.csv.ConvertOptions(include_columns=columns, column_types=types)

    def reading(*, threads: bool) -> pa.Table:
        read = pa.csv.ReadOptions(
            column_names=names, block_size=BLOCK, use_threads=threads, encoding=encoding
        )
        if isinstance(source, Path):
            with opened(source) as content:
                return pa.csv.read_csv(content, read, parse, convert)
        source.seek(0)
        return pa.csv.read_csv(source, read, parse, convert)

    if names is None:
        check_columns(name, columns, header(source, name, delimiter, encoding, newlines=newlines))
    with _readable(name):
        try:
            return reading(threads=True)
        except (pa.ArrowInvalid, UnicodeError):  # again, one after the other: now rows are counted
            return reading(threads=False)


def header(
    source: Path | IO[bytes], name: str, delimiter: str, encoding: str, *, newlines: bool
) -> list[str]:
    """The names of the columns, from the first block alone.

    Raises:
        DataError: not readable as a table.
    """
    # one thread: several do not know the row of a broken line
    read = pa.csv.ReadOptions(block_size=BLOCK, use_threads=False, encoding=encoding)
    parse = pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=newlines)
    with _readable(name):
        if isinstance(source, Path):
            with opened(source) as content, pa.csv.open_csv(content, read, parse) as table:
                return list(table.schema.names)
        with pa.csv.open_csv(source, read, parse) as table:
            return list(table.schema.names)


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """What reading raises, as a sentence."""
    try:
        yield
    except (pa.ArrowInvalid, UnicodeError, EOFError, OSError) as error:
        said = " ".join(str(error).split())
        raise DataError(f"{name}: not readable as a table: {said}") from error


def check_columns(name: str, columns: Sequence[str], present: Sequence[str]) -> None:
    """Refuse a table that has not each of ``columns`` once.

    Raises:
        DataError: names the column and those that there are.
    """
    for column in columns:
        if column not in present:
            raise DataError(f"{name}: there is no column {column!r}; it has {', '.join(present)}")
        if present.count(column) > 1:
            raise DataError(f"{name}: column {column!r} is there more than once; allowed: once")


def read_delimited(
    source: Path | IO[bytes],
    *,
    name: str,
    columns: Sequence[str],
    delimiter: str = ",",
    names: Sequence[str] | None = None,
    encoding: str = "utf8",
    newlines: bool = False,
) -> dict[str, Column]:
    """The ``columns`` of a CSV or TSV file, texts as written; ``names`` where it has no header.

    The options are those of :func:`read_csv`.

    Raises:
        DataError: not readable as such a table, or a column is missing.
    """
    table = read_csv(
        source,
        name=name,
        columns=columns,
        delimiter=delimiter,
        names=names,
        kind=TEXT,
        encoding=encoding,
        newlines=newlines,
    )
    return {column: _column(table[column], written=True) for column in columns}


def read_parquet(path: Path, columns: Sequence[str]) -> dict[str, Column]:
    """The ``columns`` of a Parquet file.

    Raises:
        DataError: not a Parquet file, a column is missing, or one has lists or the like.
    """
    try:
        with pa.parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            check_columns(path.name, columns, schema.names)
            kinds = {column: _plain(schema.field(column).type) for column in columns}
            for column, kind in kinds.items():
                if pa.types.is_nested(kind) or pa.types.is_binary(kind):
                    raise DataError(
                        f"{path.name}: column {column!r} is of kind {kind}; allowed: numbers, "
                        "texts or dates"
                    )
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


def _column(chunks: pa.ChunkedArray, *, written: bool = False) -> Column:
    """Dictionary-encoded chunks as one column."""
    unified = chunks.unify_dictionaries().chunks
    codes = np.empty(len(chunks), np.int32)
    start = 0
    for chunk in unified:
        codes[start : start + len(chunk)] = chunk.indices.fill_null(-1)
        start += len(chunk)
    distinct = unified[0].dictionary if unified else pa.array([], chunks.type.value_type)
    return Column(codes, distinct, written)


def joined(tables: Sequence[Mapping[str, Column]]) -> dict[str, Column]:
    """The rows of several tables of the same columns, one table after the other.

    Raises:
        DataError: a column is of another kind in another table.
    """
    result = {}
    for name, first in tables[0].items():
        columns = [table[name] for table in tables]
        if len({column.distinct.type for column in columns}) > 1:
            kinds = ", ".join(str(column.distinct.type) for column in columns)
            raise DataError(f"column {name!r} is of kinds {kinds}; allowed: one kind in all files")
        chunks = [
            pa.DictionaryArray.from_arrays(
                pa.array(column.codes, mask=column.codes < 0), column.distinct
            )
            for column in columns
        ]
        result[name] = _column(pa.chunked_array(chunks), written=first.written)
    return result


def coded(values: Sequence[str]) -> Column:
    """Texts as a column."""
    encoded = pc.dictionary_encode(pa.array(values, pa.string()))
    return Column(encoded.indices.to_numpy(), encoded.dictionary, written=True)


def read_lists(path: Path, first: First) -> tuple[Column, Column]:
    """Users and items of an adjacency list: a line a user, ids separated by blanks.

    Raises:
        DataError: not text, or a line whose count is not that of its items.
    """
    users: list[str] = []
    items: list[str] = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                head, *rest = line.split() or [""]
                if first == "nothing":
                    head, rest = str(number - 1), line.split()
                elif first == "count":
                    if head and head != str(len(rest)):
                        raise DataError(
                            f"{path.name}: line {number} begins with {head!r} and has {len(rest)} "
                            "items; allowed: their count"
                        )
                    head = str(number - 1)
                users += [head] * len(rest)
                items += rest
    except (OSError, UnicodeError) as error:
        raise DataError(f"{path.name}: not readable as text: {error}") from error
    return coded(users), coded(items)


def read_wide(
    source: Path | IO[bytes], *, name: str, delimiter: str, header: bool, skip: int
) -> np.ndarray:
    """The numbers of a table with a row per user and a column per item, float64; blank is NaN.

    ``skip``: so many first columns are something else.

    Raises:
        DataError: not such a table.
    """
    read = pa.csv.ReadOptions(autogenerate_column_names=not header, block_size=BLOCK)
    try:
        parse = pa.csv.ParseOptions(delimiter=delimiter)
        if isinstance(source, Path):
            with opened(source) as content:
                table = pa.csv.read_csv(content, read, parse)
        else:
            table = pa.csv.read_csv(source, read, parse)
    except (pa.ArrowInvalid, OSError) as error:
        said = " ".join(str(error).split())
        raise DataError(f"{name}: not readable as a table: {said}") from error
    columns = []
    for number, column in enumerate(table.columns[skip:], start=skip + 1):
        kind = column.type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
            raise DataError(
                f"{name}: column {number} has values that are no numbers; allowed: numbers"
            )
        columns.append(column.cast(pa.float64()).to_numpy())
    if not columns:
        raise DataError(f"{name}: {len(table.columns)} columns; allowed: more than {skip}")
    return np.stack(columns, axis=1)


def of_matrix(numbers: np.ndarray, above: float, missing: float | None, name: str) -> Ratings:
    """The entries > ``above`` of a (users, items) matrix, row after row; ``missing`` is none.

    Raises:
        DataError: there is none.
    """
    counts = numbers > above  # NaN is not
    if missing is not None:
        counts &= numbers != missing
    users, items = np.nonzero(counts)
    if not len(users):
        raise DataError(f"{name}: no number > {above:g}; allowed: at least one")
    ids = [np.arange(length) for length in numbers.shape]
    return Ratings(users.astype(np.int32), items.astype(np.int32), *ids)


def ratings(
    table: Mapping[str, Column],
    *,
    name: str,
    user: str,
    item: str,
    rating: str | None = None,
    threshold: float | None = None,
    time: str | None = None,
    part: str | None = None,
    repeats: Repeats = "refuse",
) -> Ratings:
    """Interactions of a table: rows with rating ≥ threshold; the value is then ignored.

    Ids of a file of text are integers if every one is written as a program writes an integer and
    fits into 64 bits, else texts as they stand: no two ids that are written differently become one.

    Args:
        table: its columns.
        name: of the file, for errors.
        user: the column of users.
        item: the column of items.
        rating: the column of numbers compared with ``threshold``, after ``repeats``.
        threshold: of a rating that counts.
        time: the column of numbers or dates that orders the rows.
        part: the column of labels of a given split.
        repeats: what becomes of rows with the same user and item.

    Raises:
        DataError: blank values, ids that differ by blanks alone, ratings that are no numbers, times
            that are no times, labels that are none, or no row that counts.
    """
    used = [column for column in (user, item, rating, time, part) if column]
    labels = {column: f"{name}: column {column!r}" for column in used}
    table = {column: _without_blanks(table[column]) for column in used} | {
        column: _ids(table[column], labels[column]) for column in (user, item)
    }
    for column in used:
        _refuse_blanks(table[column], labels[column])
    users, items = table[user].codes, table[item].codes
    rows: np.ndarray | slice = slice(
        None
    )  # all; a mask or numbers, so that large tables stay small
    numbers = None if rating is None else _numbers(table[rating], labels[rating])
    if repeats != "refuse" and len(users):
        values = None if rating is None or numbers is None else numbers[table[rating].codes]
        rows, values = _merged(users, items, values, repeats)
        if values is not None and threshold is not None:
            rows = rows[values >= threshold]
    elif rating is not None and numbers is not None and threshold is not None:
        rows = (numbers >= threshold)[table[rating].codes]
    users, items = users[rows], items[rows]
    if not len(users):
        which = f" with {rating} ≥ {threshold}" if rating is not None else ""
        raise DataError(f"{name}: no interaction{which}; allowed: at least one")
    users, user_ids = in_order(users, table[user].distinct)
    items, item_ids = in_order(items, table[item].distinct)
    times = None if time is None else _times(table[time], labels[time])[rows]
    parts = None if part is None else _parts(table[part], labels[part])[rows]
    return Ratings(users, items, user_ids, item_ids, times=times, labels=parts)


def _merged(
    users: np.ndarray, items: np.ndarray, values: np.ndarray | None, how: Repeats
) -> tuple[np.ndarray, np.ndarray | None]:
    """The rows that stand for their (user, item) pair, ascending, and the value of each."""
    keys = users.astype(np.int64) * (int(items.max()) + 1) + items
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    kept = order[np.append(starts[1:], len(order)) - 1] if how == "last" else order[starts]
    ascending = np.argsort(kept)
    if values is not None:
        if how in ("max", "sum"):
            combine = np.maximum if how == "max" else np.add
            values = combine.reduceat(values[order], starts)[ascending]
        else:
            values = values[kept[ascending]]
    return kept[ascending], values


def _ids(column: Column, label: str) -> Column:
    """Ids as integers where they are written as such; see :func:`ratings`."""
    if not column.text:
        return column
    texts = column.distinct
    trimmed = pc.utf8_trim_whitespace(texts)
    if len(pc.unique(trimmed)) < len(texts):
        alike: dict[str, list[str]] = {}
        for text, bare in zip(texts.to_pylist(), trimmed.to_pylist(), strict=True):
            alike.setdefault(bare, []).append(text)
        one, *others = next(iter(t for bare, t in alike.items() if bare and len(t) > 1), [""])
        if others:
            raise DataError(
                f"{label} has {one!r} and {others[0]!r}, which differ by blanks alone; allowed: "
                "one way of writing each id"
            )
    if not column.written:
        return column
    values = _without_blanks(column).distinct
    if not pc.all(pc.match_substring_regex(values, WHOLE), min_count=0).as_py():
        return column
    try:
        return Column(column.codes, values.cast(pa.int64()))
    except pa.ArrowInvalid:  # beyond 64 bits
        return Column(column.codes, values)


def _without_blanks(column: Column) -> Column:
    """Null where a file of text has a word for nothing; texts of other files are what they are."""
    if not column.written:
        return column
    blank = pc.is_in(pc.utf8_trim_whitespace(column.distinct), BLANKS)
    values = pc.if_else(blank, pa.scalar(None, column.distinct.type), column.distinct)
    return Column(column.codes, values, written=True)


def _numbers(column: Column, label: str) -> np.ndarray:
    """The distinct values as float64."""
    values = column.distinct
    if column.text:
        texts = pc.utf8_trim_whitespace(values)
        number = pc.match_substring_regex(texts, NUMBER)
        if not pc.all(number, min_count=0).as_py():
            row = _first(column, ~_bools(number))
            raise DataError(
                f"{label} has values that are no numbers, the first "
                f"{values[int(column.codes[row])].as_py()!r} in data row {row + 1}; "
                "allowed: a number in every row"
            )
        values = texts.cast(pa.float64())
    elif not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise DataError(f"{label} has values that are no numbers; allowed: numbers")
    return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _times(column: Column, label: str) -> np.ndarray:
    """(N,) int64 or float64 in the order of time."""
    values = _inferred(column.distinct) if column.written else column.distinct
    kind = values.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        values = values.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
        values = values.cast(pa.int64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise DataError(
            f"{label} has values that are no times; allowed: numbers, or dates like 2003-09-01 "
            "12:30:00, all in one form"
        )
    return np.asarray(values.to_numpy(zero_copy_only=False)[column.codes])


def _parts(column: Column, label: str) -> np.ndarray:
    """(N,) int8 places in ``LABELS``."""
    places = {text: place for place, text in enumerate(LABELS)}
    found = [places.get(str(value)) for value in column.distinct.to_pylist()]
    if None in found:
        row = _first(column, np.array([place is None for place in found]))
        raise DataError(
            f"{label} has {column.distinct[int(column.codes[row])].as_py()!r} in data row "
            f"{row + 1}; allowed: {', '.join(LABELS)}"
        )
    return np.array(found, np.int8)[column.codes]


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


def in_order(codes: np.ndarray, values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The codes renumbered by the sorted order of the values that occur, int32; these values."""
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
    if column.text:
        blank = pc.or_kleene(blank, pc.equal(pc.utf8_trim_whitespace(values), ""))
    blanks = np.append(_bools(blank), values=True)[column.codes]  # −1 finds the last one
    if blanks.any():
        raise DataError(
            f"{label} has {blanks.sum()} blank values, the first in data row "
            f"{blanks.argmax() + 1}; allowed: a value in every row"
        )


def _first(column: Column, which: np.ndarray) -> int:
    """The first row with one of the distinct values ``which``."""
    return int(which[column.codes].argmax())


def _bools(values: pa.Array) -> np.ndarray:
    return values.to_numpy(zero_copy_only=False).astype(bool)
