"""No id becomes another's, and every value that is none is named with its row."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vaebench.datasets import tables
from vaebench.datasets.protocol import Ratings
from vaebench.datasets.tables import ratings, read_delimited, read_parquet
from vaebench.errors import DataError

SMALL = 64
"""A block of a few rows: what a column is shows only in a later one."""

PLAIN = ["7", "12", "-3", "0", str(2**63 - 1), str(-(2**63))]
ODD = [
    *(
        "007",
        "07",
        "+7",
        "7.0",
        "7e0",
        "-0",
        "0x7",
        "1_000",
        "NULL.",
        "a,b",
        'say "x"',
        "two\nlines",
    ),
    *("true", "TRUE", "True", "zoë", "zoe\u0308", "ＺＯＥ", "2020-01-02", "2020-01-02 00:00:00"),
    *(str(2**63), str(2**63 + 1), str(2**64 - 1), str(2**64), str(10**30), "9007199254740993.0"),
]
"""Ids that some reader of tables takes for another one of them."""


def as_read(column: tables.Column) -> list[Any]:
    return column.distinct.take(pa.array(column.codes, mask=column.codes < 0)).to_pylist()


def csv_of(*columns: Sequence[object]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows(zip(*columns, strict=True))
    return file.getvalue().encode()


def read_ids(texts: list[str]) -> Ratings:
    """The ids as users, each with items of its own; read in blocks of a few rows."""
    content = csv_of(["who", *texts], ["what", *range(len(texts))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "BLOCK", SMALL)
        table = read_delimited(
            io.BytesIO(content), name="mine", columns=["who", "what"], newlines=True
        )
    return ratings(table, name="mine", user="who", item="what")


@given(texts=st.lists(st.sampled_from(PLAIN + ODD), min_size=1, max_size=60))
def test_ids_that_are_written_differently_are_different_users(texts: list[str]) -> None:
    read = read_ids(texts)
    assert [str(who) for who in read.user_ids[read.users]] == texts
    assert sorted(map(str, read.user_ids)) == sorted(set(texts))


@example(texts=["NaN"])
@given(texts=st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=20))
def test_any_texts_are_kept_or_refused_as_blanks(texts: list[str]) -> None:
    texts = [
        text.replace("\r", "").replace("\0", "").encode("utf8", "ignore").decode() or "x"
        for text in texts
    ]
    try:
        read = read_ids(texts)
    except DataError as error:
        assert re.search(r"blank values|differ by blanks alone", str(error))  # noqa: PT017
        bare, words = [text.strip() for text in set(texts)], set(tables.BLANKS.to_pylist())
        assert len(set(bare)) < len(bare) or not all(bare) or set(bare) & words
    else:
        assert [str(who) for who in read.user_ids[read.users]] == texts


@pytest.mark.parametrize("more", [[], ["-5", "0"]])
def test_ids_that_are_integers_come_in_the_order_of_numbers(more: list[str]) -> None:
    read = read_ids(["10", "9", str(2**63 - 1), *more])
    assert read.user_ids.dtype == np.int64
    assert read.user_ids.tolist() == sorted(map(int, ["10", "9", str(2**63 - 1), *more]))


def test_a_thousand_users_beyond_63_bits_stay_a_thousand() -> None:
    ids = [str(2**63 + number) for number in range(1_000)]
    assert len(read_ids(ids).user_ids) == 1_000


@pytest.mark.parametrize("blank", ["", " ", "NULL", "NaN"])
@pytest.mark.parametrize("others", [["1", "2"], [str(2**63), "2"]])
def test_blanks_among_numbers_of_any_size_are_refused(others: list[str], blank: str) -> None:
    with pytest.raises(DataError, match=r"'who' has 1 blank values, the first in data row 3"):
        read_ids([*others, blank])


@pytest.mark.parametrize("pair", [("7", " 7"), ("ann", "ann "), ("7", "\u00a07")])
def test_ids_that_differ_by_blanks_alone_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(DataError) as caught:
        read_ids(["1", *pair])
    assert str(caught.value) == (
        f"mine: column 'who' has {pair[0]!r} and {pair[1]!r}, which differ by blanks alone; "
        "allowed: one way of writing each id"
    )


def test_unsigned_ids_of_parquet_stay_apart(tmp_path: Path) -> None:
    who = pa.array([2**63 + number for number in range(50)], pa.uint64())
    pa.parquet.write_table(pa.table({"who": who, "what": range(50)}), tmp_path / "mine.parquet")
    table = read_parquet(tmp_path / "mine.parquet", ["who", "what"])
    assert ratings(table, name="mine", user="who", item="what").user_ids.tolist() == who.to_pylist()


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.struct({"a": pa.int64()}), pa.binary()])
def test_kinds_that_name_nobody_are_refused(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "mine.parquet"
    pa.parquet.write_table(pa.table({"who": pa.array([None], kind)}), path)
    with pytest.raises(DataError, match=r"column 'who' is of kind .*; allowed: numbers, texts"):
        read_parquet(path, ["who"])


@pytest.mark.parametrize("wrong", ["good", "4,5", "1e", "--4", "0x4", "inf", "4 stars"])
def test_a_rating_that_is_no_number_is_shown_with_its_row(wrong: str) -> None:
    stars = ["4", " 4.5 ", "1e0", "+3", ".5", "4", wrong, wrong]
    content = csv_of(["u", *range(8)], ["i", *range(8)], ["stars", *stars])
    table = read_delimited(io.BytesIO(content), name="mine", columns=["u", "i", "stars"])
    with pytest.raises(DataError) as caught:
        ratings(table, name="mine", user="u", item="i", rating="stars", threshold=4)
    assert str(caught.value) == (
        f"mine: column 'stars' has values that are no numbers, the first {wrong!r} in data row 7; "
        "allowed: a number in every row"
    )


def test_ratings_are_numbers_however_they_are_written() -> None:
    stars = ["4", " 4.5 ", "1e0", "+3", ".5", "40e-1", "3.99"]
    content = csv_of(["u", *range(7)], ["i", *range(7)], ["stars", *stars])
    table = read_delimited(io.BytesIO(content), name="mine", columns=["u", "i", "stars"])
    read = ratings(table, name="mine", user="u", item="i", rating="stars", threshold=4)
    assert read.user_ids.tolist() == [0, 1, 5]


@pytest.mark.parametrize(
    "content", [b"u,i\n1,2\n3,4\n5,6,7\n", "u,i\n1,2\n3,4\nzoë,6\n".encode("latin-1")]
)
def test_a_row_that_cannot_be_read_is_named(content: bytes) -> None:
    """The header is row 1, as in an editor."""
    with pytest.raises(DataError, match=r"mine: not readable as a table: .*Row #4"):
        read_delimited(io.BytesIO(content), name="mine", columns=["u", "i"])


def test_ids_of_rows_that_do_not_count_are_gone() -> None:
    content = b"who,what,stars\nann,1,5\nbob,2,1\nzoe,3,4\nann,3,4.5\n"
    columns = ["who", "what", "stars"]
    read = ratings(
        read_delimited(io.BytesIO(content), name="mine", columns=columns),
        name="mine",
        user="who",
        item="what",
        rating="stars",
        threshold=4,
    )
    assert read.user_ids.tolist() == ["ann", "zoe"]
    assert read.item_ids.tolist() == [1, 3]
    assert read.users.tolist() == [0, 1, 0]
    assert read.items.tolist() == [0, 1, 1]


@pytest.mark.parametrize("kind", [pa.string(), pa.int64(), pa.dictionary(pa.int8(), pa.string())])
def test_blocks_of_a_parquet_file_share_their_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: pa.DataType
) -> None:
    """Texts that look like numbers stay texts: a Parquet file says what they are."""
    monkeypatch.setattr(tables, "ROWS", 3)
    who = ["10", "9", "10", "8", "9", None, "8"]
    path = tmp_path / "mine.parquet"
    values = pa.array(who).cast(kind)
    pa.parquet.write_table(pa.table({"who": values, "more": range(7)}), path)
    read = read_parquet(path, ["who"])
    assert list(read) == ["who"]
    assert as_read(read["who"]) == values.to_pylist()
    assert len(read["who"].distinct) == 3


def test_the_first_blank_is_found_in_a_later_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BLOCK", SMALL)
    rows = [f"{row % 9},{row}\n" for row in range(100)]
    rows[70], rows[90] = ",70\n", "NULL,90\n"
    read = read_delimited(
        io.BytesIO("".join(rows).encode()), name="mine", columns=["u", "i"], names=["u", "i"]
    )
    with pytest.raises(DataError, match=r"'u' has 2 blank values, the first in data row 71;"):
        ratings(read, name="mine", user="u", item="i")


def test_another_encoding_is_refused_where_it_matters(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    frame = pd.DataFrame({"who": ["ann", "zoë"], "what": [1, 2]})
    frame.to_csv(path, index=False, encoding="latin-1")
    with pytest.raises(DataError, match=r"mine\.csv: not readable as a table: .*UTF8"):
        read_delimited(path, name=path.name, columns=["who", "what"])
    assert as_read(read_delimited(path, name=path.name, columns=["what"])["what"]) == ["1", "2"]
