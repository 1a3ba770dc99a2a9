"""Reading in blocks gives what Arrow infers from the whole column at once."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaebench.datasets import tables
from vaebench.datasets.tables import ratings, read_delimited, read_parquet
from vaebench.errors import DataError

# a block holds a few rows: what a column is shows only in a later one
SMALL = 64
KINDS = {
    "integers": ["7", "07", " 12", "-3", "100", '"8"'],
    "floats": ["7", "7.0", "1e3", "-0.5", "12"],
    "texts": ["7", "07", "NULL", "ann", " ann", "zoë", '"a,b"', '"say ""x"""'],
    "dates": ["2020-01-02", "1999-12-31", "2020-01-03"],
    "booleans": ["true", "false", "True"],
    "numbers with a blank": ["1", "2", "NULL", "3"],
}


def as_read(column: tables.Column) -> list[Any]:
    return column.distinct.take(pa.array(column.codes, mask=column.codes < 0)).to_pylist()


@settings(max_examples=60, deadline=None)
@given(
    texts=st.sampled_from(list(KINDS.values())).flatmap(
        lambda kind: st.lists(st.sampled_from(kind), min_size=1, max_size=60)
    )
)
def test_kinds_are_those_that_arrow_infers(texts: list[str]) -> None:
    content = "".join(f"{text},{row}\n" for row, text in enumerate(texts)).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "BLOCK", SMALL)
        read = read_delimited(
            io.BytesIO(content), name="mine", columns=["a", "b"], names=["a", "b"]
        )
    options = pa.csv.ReadOptions(column_names=["a", "b"])
    whole = pa.csv.read_csv(io.BytesIO(content), options)
    for name, column in read.items():
        assert column.distinct.type == whole[name].type
        assert as_read(column) == whole[name].to_pylist()
        assert column.codes.dtype == np.int32


def test_texts_that_are_one_number_are_one_user() -> None:
    content = b"who,what\n7,1\n12,2\n07,2\n12,1\n"
    read = ratings(
        read_delimited(io.BytesIO(content), name="mine", columns=["who", "what"]),
        name="mine",
        user="who",
        item="what",
    )
    assert read.user_ids.tolist() == [7, 12]
    assert read.users.tolist() == [0, 1, 0, 1]


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
    assert as_read(read_delimited(path, name=path.name, columns=["what"])["what"]) == [1, 2]
