"""A user's own table: every form gives the same, and every defect has its sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
import scipy.sparse
import torch

from vaebench.components import create
from vaebench.data import Data
from vaebench.datasets.fetch import fetch
from vaebench.datasets.protocol import Protocol, Ratings, split
from vaebench.datasets.ratings_table import RatingsTable
from vaebench.errors import ConfigError, DataError
from vaebench.sparse import SparseRows

FRAME = pd.DataFrame(
    {
        "when": [5, 4, 3, 2, 1, 0],
        "who": ["zoë", "ann", "ann", "zoë", "bob", "bob"],
        "what": [30, 10, 20, 10, 30, 20],
        "stars": [4.5, 4.0, 3.5, 5.0, 1.0, 4.0],
    }
)
LIKED = [("zoë", 30), ("ann", 10), ("zoë", 10), ("bob", 20)]
WRITERS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    ".txt": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    ".dat": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    ".parquet": lambda frame, path: frame.to_parquet(path, index=False),
}


def table(path: Path | str, **options: Any) -> RatingsTable:
    named = {"user": "who", "item": "what", "rating": "stars", "threshold": 4.0}
    return RatingsTable(path=str(path), **(named | options))


def unrated(path: Path | str) -> RatingsTable:
    return RatingsTable(path=str(path), user="who", item="what")


def pairs(ratings: Ratings) -> list[tuple[Any, Any]]:
    users = ratings.user_ids[ratings.users].tolist()
    return list(zip(users, ratings.item_ids[ratings.items].tolist(), strict=True))


def message(dataset: RatingsTable, path: Path) -> str:
    """The one sentence with which ``path`` is refused."""
    with pytest.raises(DataError) as caught:
        dataset.read(path)
    text = str(caught.value)
    assert text.startswith(f"{path.name}: ")
    assert "\n" not in text
    return text


@pytest.mark.parametrize("ending", WRITERS)
def test_every_form_gives_the_same(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"mine{ending}"
    WRITERS[ending](FRAME, path)
    ratings = table(path).read(path)
    assert pairs(ratings) == LIKED
    assert ratings.user_ids.tolist() == ["ann", "bob", "zoë"]
    assert ratings.item_ids.tolist() == [10, 20, 30]
    assert ratings.users.tolist() == [2, 0, 2, 1]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_without_a_rating_every_row_counts(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"mine{ending}"
    WRITERS[ending](FRAME, path)
    expected = list(zip(FRAME["who"], FRAME["what"], strict=True))
    assert pairs(unrated(path).read(path)) == expected


def test_a_delimiter_overrules_the_ending(tmp_path: Path) -> None:
    path = tmp_path / "mine.data"
    FRAME.to_csv(path, index=False, sep=";")
    assert pairs(table(path, delimiter=";").read(path)) == LIKED


@pytest.mark.parametrize("option", ["user", "item", "rating"])
@pytest.mark.parametrize("ending", WRITERS)
def test_a_missing_column_lists_those_there_are(tmp_path: Path, ending: str, option: str) -> None:
    path = tmp_path / f"mine{ending}"
    WRITERS[ending](FRAME, path)
    text = message(table(path, **{option: "nobody"}), path)
    assert text.endswith("there is no column 'nobody'; it has when, who, what, stars")


@pytest.mark.parametrize("blank", ["", "  ", "\t "])
def test_blank_users_are_refused(tmp_path: Path, blank: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"who,what,stars\nann,1,5\n{blank},2,5\nbob,2,5\n{blank},3,5\n")
    assert message(table(path), path) == (
        "mine.csv: column 'who' has 2 blank values, the first in data row 2; "
        "allowed: a value in every row"
    )


@pytest.mark.parametrize("blank", ["", " ", "NULL"])
def test_blank_numbers_of_users_are_refused(tmp_path: Path, blank: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"who,what\n1,1\n2,2\n{blank},2\n")
    assert "column 'who' has 1 blank values, the first in data row 3" in message(
        unrated(path), path
    )


def test_a_column_of_blanks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("who,what\n,1\n,2\n")
    assert "column 'who' has 2 blank values" in message(unrated(path), path)


@pytest.mark.parametrize("column", ["what", "stars"])
def test_blank_items_and_ratings_are_refused(tmp_path: Path, column: str) -> None:
    path = tmp_path / "mine.csv"
    frame = FRAME.astype({"what": float})
    frame.loc[3, column] = np.nan
    frame.to_csv(path, index=False)
    assert f"column {column!r} has 1 blank values, the first in data row 4" in message(
        table(path), path
    )


@pytest.mark.parametrize("blank", [None, "", "  "])
@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
    ],
    ids=str,
)
def test_blank_texts_in_parquet_are_refused(
    tmp_path: Path, kind: pa.DataType, blank: str | None
) -> None:
    path = tmp_path / "mine.parquet"
    who = pa.array(["ann", "bob", blank, "ann"]).cast(kind)
    pa.parquet.write_table(pa.table({"who": who, "what": [1, 2, 3, 4]}), path)
    assert "column 'who' has 1 blank values, the first in data row 3" in message(
        unrated(path), path
    )


@pytest.mark.parametrize("values", [[1, None, 3], [1.0, float("nan"), 3.0]])
def test_blank_numbers_in_parquet_are_refused(tmp_path: Path, values: list[float | None]) -> None:
    path = tmp_path / "mine.parquet"
    pa.parquet.write_table(pa.table({"who": pa.array(values), "what": [1, 2, 3]}), path)
    assert "column 'who' has 1 blank values, the first in data row 2" in message(
        unrated(path), path
    )


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)
def test_every_kind_of_text_in_parquet_gives_the_same(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "mine.parquet"
    who = pa.array(FRAME["who"].tolist(), pa.string()).cast(kind)
    columns = {"who": who, "what": FRAME["what"].to_numpy(), "stars": FRAME["stars"].to_numpy()}
    pa.parquet.write_table(pa.table(columns), path, row_group_size=2)
    assert pairs(table(path).read(path)) == LIKED


def test_ratings_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("who,what,stars\nann,1,5\nbob,2,good\n")
    assert "column 'stars' has values that are no numbers" in message(table(path), path)


def test_no_row_at_the_threshold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    FRAME.to_csv(path, index=False)
    assert message(table(path, threshold=6.0), path) == (
        "mine.csv: no interaction with stars ≥ 6.0; allowed: at least one"
    )


@pytest.mark.parametrize("ending", WRITERS)
def test_a_table_without_rows_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"mine{ending}"
    WRITERS[ending](FRAME[:0], path)
    assert message(unrated(path), path).endswith("no interaction; allowed: at least one")


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe not a table", b"who,what\n1,2,3\n4\n"])
def test_what_is_no_table_is_refused(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"mine{ending}"
    path.write_bytes(content)
    message(unrated(path), path)


def test_a_truncated_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    FRAME.to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert "not readable as Parquet" in message(table(path), path)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"threshold": 4.0}, "rating and threshold belong together"),
        ({"rating": "stars"}, "rating and threshold belong together"),
        ({"path": "mine.xlsx"}, r"'mine\.xlsx' is not allowed; .* \.csv, \.dat, \.parquet"),
        ({"path": "mine"}, r"'mine' is not allowed"),
        ({"delimiter": "::"}, r"delimiter: '::' is not allowed; .* one character"),
        ({"delimiter": ""}, r"delimiter: '' is not allowed; .* one character"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], says: str) -> None:
    """By the class, and in a study as an error of the config."""
    given = {"path": "mine.csv", "user": "who", "item": "what"} | options
    with pytest.raises(ValueError, match=says):
        RatingsTable(**given)
    with pytest.raises(ConfigError, match=says):
        create("vaebench.datasets", {"class": "ratings_table.RatingsTable", **given})


def test_the_file_is_found_and_verified_in_the_local_folder(tmp_path: Path) -> None:
    path = tmp_path / "mine" / "table.csv"
    path.parent.mkdir()
    FRAME.to_csv(path, index=False)
    receipt = fetch(table("mine/table.csv"), tmp_path, tmp_path / "downloads")
    assert Path(receipt["path"]).samefile(path)
    pinned = table("mine/table.csv", checksum=f"sha256:{receipt['sha256']}")
    assert fetch(pinned, tmp_path, tmp_path / "downloads") == receipt
    wrong = table("mine/table.csv", checksum="sha256:123")
    with pytest.raises(DataError, match=f"is {receipt['sha256']}; allowed: 123"):
        fetch(wrong, tmp_path, tmp_path / "downloads")
    with pytest.raises(DataError, match=r"nowhere\.csv cannot be downloaded and it is not in"):
        fetch(table("nowhere.csv"), tmp_path, tmp_path / "downloads")


def as_scipy(rows: SparseRows) -> scipy.sparse.csr_matrix:
    dense = rows.dense().numpy()
    assert rows.lengths.sum() == np.count_nonzero(dense)
    return scipy.sparse.csr_matrix(dense)


def test_the_written_split_is_read_back(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    users, items = np.nonzero(random.random((60, 140)) < 0.3)
    frame = pd.DataFrame({"who": [f"user {u}" for u in users], "what": items})
    path = tmp_path / "mine.parquet"
    frame.to_parquet(path)
    protocol = Protocol(validation_users=7, test_users=9)
    dataset = RatingsTable(path=str(path), user="who", item="what", split=protocol)
    dataset.write_split(path, tmp_path / "split", {"name": "mine.parquet", "sha256": "123"})

    parts = split(dataset.read(path), protocol)
    data = Data(tmp_path / "split", torch.device("cpu"))
    assert data.kind() == "interactions"
    train = data.train()
    assert isinstance(train, SparseRows)
    assert (as_scipy(train) != parts.matrices["train"]).nnz == 0
    for part, count in (("validation", 7), ("test", 9)):
        fold_in, held_out = (parts.matrices[f"{part}_{name}"] for name in ("fold_in", "held_out"))
        read = data.held_out(part)
        assert read.fold_in is not None
        assert read.held_out is not None
        assert isinstance(read.examples, SparseRows)
        assert len(read.examples) == count
        assert (as_scipy(read.fold_in) != fold_in).nnz == 0
        assert (as_scipy(read.held_out) != held_out).nnz == 0
        assert (as_scipy(read.examples) != fold_in + held_out).nnz == 0
    for name, ids in parts.ids.items():
        written = (tmp_path / "split" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        assert written == [str(i) for i in ids]


def test_fewer_items_than_the_ranking_needs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    pairs = [(user, item) for user in range(20) for item in range(60)]
    pd.DataFrame(pairs, columns=["who", "what"]).to_csv(path, index=False)
    protocol = Protocol(validation_users=2, test_users=3)
    dataset = RatingsTable(path=str(path), user="who", item="what", split=protocol)
    with pytest.raises(DataError, match=r"60 items .* allowed: at least 100, for NDCG@100"):
        dataset.write_split(path, tmp_path / "split", {})
    assert not (tmp_path / "split").exists()


def test_the_card_says_what_was_split(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    pairs = [(user, item) for user in range(20) for item in range(105)]
    pd.DataFrame(pairs, columns=["who", "what"]).to_csv(path, index=False)
    protocol = Protocol(validation_users=2, test_users=3)
    dataset = RatingsTable(path=str(path), user="who", item="what", split=protocol)
    dataset.write_split(path, tmp_path / "split", {"name": "mine.csv"})
    card = pd.read_json(tmp_path / "split" / "card.json", typ="series")
    assert card["kind"] == "interactions"
    assert card["source"] == {"name": "mine.csv"}
    assert card["protocol"] == protocol.model_dump()
    assert card["counts"]["interactions"] == 2_100
    assert card["counts"]["test_held_out_interactions"] == 63
    assert card["truth"] == {}
