"""A file of any length, read once in bounded memory: counts of all of it, rows of some users.

Users are drawn by a hash of their ids, so that a user's rows are kept all or not at all, wherever
they stand in the file, and the same file gives the same users. When too many rows are kept, half of
the users are dropped and reading goes on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from vaebench.advice.columns import Layout
from vaebench.datasets.protocol import Ratings
from vaebench.datasets.tables import BLANKS, BLOCK, ROWS, TEXT, Column, opened, ratings
from vaebench.errors import DataError

MOST_ROWS = 4_000_000
"""Rows that are kept: more than can be trained on in minutes."""

PENDING = 4_000_000
"""Distinct ids that wait to be counted together."""

HASHES = 2.0**64


@dataclass
class Counter:
    """How often each hash of an id came; two of 10⁷ ids have one hash in 3 of 10⁶ files."""

    keys: list[np.ndarray] = field(default_factory=list)
    counts: list[np.ndarray] = field(default_factory=list)
    pending: int = 0

    def add(self, keys: np.ndarray, counts: np.ndarray) -> None:
        """Count ``keys`` (n,) uint64 so often."""
        self.keys.append(keys)
        self.counts.append(counts)
        self.pending += len(keys)
        if self.pending > PENDING:
            self.total()
            self.pending = 0

    def total(self) -> np.ndarray:
        """The count of each distinct key, in the order of the keys."""
        if not self.keys:
            return np.zeros(0, np.int64)
        keys, counts = np.concatenate(self.keys), np.concatenate(self.counts)
        order = np.argsort(keys, kind="stable")
        keys, counts = keys[order], counts[order]
        starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        self.keys, self.counts = [keys[starts]], [np.add.reduceat(counts, starts)]
        return self.counts[0]


@dataclass
class Piece:
    """Rows of a block: codes of its own distinct users and items."""

    users: np.ndarray
    items: np.ndarray
    user_ids: pa.Array
    item_ids: pa.Array
    hashes: np.ndarray

    def below(self, share: float) -> "Piece":
        """The rows of the users whose hash is below ``share`` of all."""
        kept = (self.hashes < share * HASHES)[self.users]
        return Piece(
            self.users[kept], self.items[kept], self.user_ids, self.item_ids, self.hashes
        ).compact()

    def compact(self) -> "Piece":
        """Without ids that no row has."""
        users, user_codes = np.unique(self.users, return_inverse=True)
        items, item_codes = np.unique(self.items, return_inverse=True)
        return Piece(
            user_codes.astype(np.int32),
            item_codes.astype(np.int32),
            self.user_ids.take(pa.array(users)),
            self.item_ids.take(pa.array(items)),
            self.hashes[users],
        )


@dataclass(frozen=True)
class Reading:
    """What a file holds.

    Attributes:
        ratings: the kept rows that count, each pair once.
        rows: of the file.
        counted: rows that count, repeats included.
        blank: rows that were skipped since they have no user or no item.
        repeats: the share of the kept rows that repeat a pair.
        share: of the users that were kept, 1 of a file that is not too long.
        of_users: (U,) rows that count, of every user of the file.
        of_items: (I,) likewise of every item.
    """

    ratings: Ratings
    rows: int
    counted: int
    blank: int
    repeats: float
    share: float
    of_users: np.ndarray
    of_items: np.ndarray


def read(
    layout: Layout, most: int = MOST_ROWS, said: Callable[[int], None] = lambda _: None
) -> Reading:
    """Read the file; of a long one at most ``most`` rows are kept, those of users drawn by hash.

    Args:
        layout: what its columns are.
        most: rows to keep.
        said: called with the number of rows so far, block by block.

    Raises:
        DataError: not readable, a rating is no number, or no row counts.
    """
    users, items = Counter(), Counter()
    pieces: list[Piece] = []
    share, rows, counted, blank, kept = 1.0, 0, 0, 0, 0
    for columns in _blocks(layout):
        rows += len(columns[layout.user])
        piece, skipped = _piece(columns, layout)
        blank += skipped
        counted += len(piece.users)
        users.add(piece.hashes, np.bincount(piece.users, minlength=len(piece.hashes)))
        hashes = _hashes(piece.item_ids)
        items.add(hashes, np.bincount(piece.items, minlength=len(hashes)))
        pieces.append(piece.below(share) if share < 1 else piece)
        kept += len(pieces[-1].users)
        while kept > most:
            share /= 2
            pieces = [each.below(share) for each in pieces]
            kept = sum(len(each.users) for each in pieces)
        said(rows)
    pieces = [piece for piece in pieces if len(piece.users)]
    if not pieces:
        which = "" if layout.rating is None else f" with {layout.rating} ≥ {layout.threshold:g}"
        raise DataError(
            f"{layout.path.name}: no row of {rows} has a user and an item{which}; allowed: at "
            "least one"
        )
    table = {
        layout.user: _column([(p.users, p.user_ids) for p in pieces]),
        layout.item: _column([(p.items, p.item_ids) for p in pieces]),
    }
    found = ratings(
        table, name=layout.path.name, user=layout.user, item=layout.item, repeats="first"
    )
    repeats = 1 - len(found.users) / kept
    return Reading(found, rows, counted, blank, repeats, share, users.total(), items.total())


def _piece(columns: dict[str, pa.Array], layout: Layout) -> tuple[Piece, int]:
    """The rows of a block that count, and how many have no user or no item."""
    ids = [_plain(columns[name]) for name in (layout.user, layout.item)]
    rows = np.ones(len(ids[0][0]), bool)
    for codes, distinct in ids:
        named = np.append(~_blank(distinct), False)
        rows &= named[codes]
    skipped = len(rows) - int(rows.sum())
    if layout.rating is not None and layout.threshold is not None:
        codes, distinct = _plain(columns[layout.rating])
        liked = np.append(_numbers(distinct, layout) >= layout.threshold, False)
        rows &= liked[codes]
    (users, user_ids), (items, item_ids) = ids
    hashes = _hashes(user_ids)
    return Piece(users[rows], items[rows], user_ids, item_ids, hashes).compact(), skipped


def _plain(column: pa.Array) -> tuple[np.ndarray, pa.Array]:
    """Codes, −1 where there is nothing, and distinct texts."""
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    distinct = encoded.dictionary
    if not pa.types.is_string(distinct.type):
        distinct = distinct.cast(pa.string())
    return encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), distinct


def _blank(distinct: pa.Array) -> np.ndarray:
    blank = pc.is_in(pc.utf8_trim_whitespace(distinct), BLANKS)
    return np.asarray(pc.or_kleene(blank, pc.is_null(distinct)).to_numpy(zero_copy_only=False))


def _numbers(distinct: pa.Array, layout: Layout) -> np.ndarray:
    """Ratings as float64, NaN of blanks.

    Raises:
        DataError: one is no number.
    """
    texts = pc.if_else(pa.array(_blank(distinct)), pa.scalar(None, pa.string()), distinct)
    try:
        values = pc.utf8_trim_whitespace(texts).cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{layout.path.name}: column {layout.rating!r} has ratings that are no numbers "
            f"({error}); allowed: numbers, or another column by --rating"
        ) from error
    return np.asarray(values.to_numpy(zero_copy_only=False), float)


def _hashes(ids: pa.Array) -> np.ndarray:
    """(n,) uint64, the same on every machine."""
    texts = ids.to_numpy(zero_copy_only=False)
    return np.asarray(pd.util.hash_array(texts, categorize=False))


def _column(parts: list[tuple[np.ndarray, pa.Array]]) -> Column:
    chunks = pa.chunked_array([pa.DictionaryArray.from_arrays(codes, ids) for codes, ids in parts])
    unified = chunks.unify_dictionaries().chunks
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in unified])
    return Column(codes, unified[0].dictionary, written=True)


def _blocks(layout: Layout) -> Iterator[dict[str, pa.Array]]:
    """The columns that are read, block by block.

    Raises:
        DataError: not readable as the table that its beginning is.
    """
    try:
        if layout.delimiter is None:
            with pa.parquet.ParquetFile(layout.path) as file:
                for batch in file.iter_batches(ROWS, columns=layout.columns):
                    yield {name: batch.column(name) for name in layout.columns}
        else:
            yield from _text(layout)
    except (pa.ArrowException, UnicodeError, EOFError, OSError) as error:
        said = " ".join(str(error).split())[:300]
        raise DataError(f"{layout.path.name}: not readable as a table: {said}") from error


def _text(layout: Layout) -> Iterator[dict[str, pa.Array]]:
    names, delimiter = layout.names, layout.delimiter
    if delimiter == "::":  # for Arrow: divided by :, with a blank column after each
        delimiter = ":"
        names = [each for n, name in enumerate(names) for each in (name, f"\0{n}")][:-1]
    options = pa.csv.ReadOptions(
        column_names=names,
        skip_rows=layout.skip,
        block_size=BLOCK,
        encoding=layout.encoding,
    )
    parse = pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=layout.quoted)
    convert = pa.csv.ConvertOptions(
        include_columns=layout.columns, column_types=dict.fromkeys(layout.columns, TEXT)
    )
    with opened(layout.path) as content, pa.csv.open_csv(content, options, parse, convert) as table:
        for batch in table:
            yield {name: batch.column(name) for name in layout.columns}
