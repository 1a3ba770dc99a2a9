"""A user's own table: every form gives the same, and every defect has its sentence."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaebench.components import create
from vaebench.datasets.fetch import check, fetch
from vaebench.datasets.protocol import Given, Protocol, Ratings, Temporal, split
from vaebench.datasets.ratings_table import RatingsTable
from vaebench.errors import ConfigError, DataError
from vaebench.files import read_json
from vaebench.sparse import SparseRows
from vaebench.training.data import Data

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
        *[({"encoding": e}, f"encoding: '{e}' is no enc") for e in ("utf-9", "rot13", "punycode")],
        *[({"delimiter": d}, "one character of ASCII") for d in ('"', "\n", "é")],
        ({"item": "who"}, r"columns 'who', 'who': should have different names"),
        ({"user": ""}, r"columns '', 'what': should have different names"),
        ({"repeats": "sum"}, r"repeats: 'sum' is not allowed; without a rating: first, last"),
        ({"path": "mine.xlsx.gz"}, r"'mine\.xlsx\.gz' is not allowed"),
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


CSV = FRAME.to_csv(index=False)


def packed(path: Path, content: bytes) -> Path:
    """``content`` as the ending of ``path`` says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("folder/", b"")
            archive.writestr("folder/any name", content)
    else:
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("encoding", ["utf8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".csv.zip", ".CSV.GZ"])
def test_packed_tables_of_any_encoding_give_the_same(
    tmp_path: Path, ending: str, encoding: str
) -> None:
    path = tmp_path / f"mine{ending}"
    packed(Path(str(path).lower()), CSV.encode(encoding)).rename(path)
    mine = table(path, encoding=encoding)
    assert pairs(mine.read(path)) == LIKED
    with pytest.raises(DataError, match="2 validation and 1 test users are not allowed; 3 users"):
        table(
            path,
            encoding=encoding,
            split=Protocol(min_items_per_user=0, validation_users=2, test_users=1),
        ).check(path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "a.csv",
            gzip.compress(CSV.encode(), mtime=0),
            r"the content is gz, .* ends with \.csv\.gz",
        ),
        ("a.tsv", packed, r"the content is zip, not text; .* ends with \.tsv\.zip"),
        ("a.csv.gz", CSV.encode(), r"not a whole gz file"),
        ("a.csv.zip", gzip.compress(CSV.encode(), mtime=0), r"not a whole zip file"),
        (
            "a.csv.gz",
            gzip.compress(CSV.encode() * 9_999, mtime=0)[:-30],
            r"not readable as a table",
        ),
        ("a.csv.gz", b"", r"not a whole gz file"),
        ("a.csv", b"PAR1 and so on", r"content is parquet, .* ends with \.parquet"),
    ],
    ids=["gz as csv", "zip as tsv", "csv as gz", "gz as zip", "cut", "empty", "parquet as csv"],
)
def test_what_is_packed_otherwise_than_it_says_is_refused(
    tmp_path: Path, name: str, content: Any, says: str
) -> None:
    if content is packed:
        content = packed(tmp_path / "b.zip", CSV.encode()).read_bytes()
    path = tmp_path / name
    path.write_bytes(content)
    for look in (table(path).read, table(path).check):
        with pytest.raises(DataError, match=says) as caught:
            look(path)
        assert "\n" not in str(caught.value)


def test_an_archive_of_several_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", CSV)
        archive.writestr("b.csv", CSV)
    with pytest.raises(DataError, match=r"there are 2 files in it; allowed: one"):
        table(path).read(path)


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 40).map(lambda n: n / 8)),
        min_size=1,
        max_size=40,
    ),
    repeats=st.sampled_from(["first", "last", "max", "sum"]),
)
def test_repeated_rows_become_one_as_pandas_makes_them_one(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, float]], repeats: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "repeated.csv"
    frame = pd.DataFrame(rows, columns=["who", "what", "stars"])
    frame.to_csv(path, index=False)
    one = frame.assign(row=frame.index).groupby(["who", "what"], as_index=False)
    merged = one.agg(
        stars=("stars", repeats), row=("row", repeats if repeats == "last" else "first")
    )
    liked = merged[merged["stars"] >= 3].sort_values("row")
    expected = list(zip(liked["who"], liked["what"], strict=True))
    mine = table(path, threshold=3.0, repeats=repeats)
    if expected:
        assert pairs(mine.read(path)) == expected
    else:
        assert "no interaction with stars ≥ 3.0" in message(mine, path)


def test_repeated_rows_without_a_rating_are_refused_or_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    frame = pd.DataFrame({"who": [1, 1, 2, 1], "what": [5, 6, 5, 5]})
    frame.to_csv(path, index=False)
    options = {"path": str(path), "user": "who", "item": "what"}
    assert pairs(RatingsTable(**options, repeats="first").read(path)) == [(1, 5), (1, 6), (2, 5)]
    assert pairs(RatingsTable(**options, repeats="last").read(path)) == [(1, 6), (2, 5), (1, 5)]
    frame["what"] = [5, 6, 5, 7]
    twice = pd.concat([frame.assign(who=user) for user in (1, 2, 3)] * 2)
    twice.to_csv(path, index=False)
    how = Protocol(min_items_per_user=0, validation_users=1, test_users=1)
    with pytest.raises(DataError, match=r"pairs occur more than once.*the option repeats"):
        RatingsTable(**options, split=how).parts(path)


LABELLED = pd.DataFrame(
    {
        "who": [1, 1, 1, 2, 2, 3, 3, 3],
        "what": [10, 11, 12, 10, 12, 11, 12, 10],
        "when": ["2020-01-03 10:00:00", *["2020-01-02 23:59:59"] * 6, "2020-01-01 00:00:00"],
        "part": ["train", "train", "validation", "train", "test", "test", "train", "train"],
    }
)


def in_ids(path: Path, mine: RatingsTable) -> dict[str, list[tuple[int, int]]]:
    """The pairs of every matrix of the split."""
    parts = split(mine.read(path), mine.split)
    found = {}
    for name, matrix in parts.matrices.items():
        rows, columns = matrix.nonzero()
        users = parts.ids[f"{name.split('_', maxsplit=1)[0]}_users"][rows]
        found[name] = list(zip(users.tolist(), parts.ids["items"][columns].tolist(), strict=True))
    return found


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_given_split_is_a_column_or_files(tmp_path: Path, ending: str) -> None:
    options: dict[str, Any] = {"user": "who", "item": "what"}
    for part, rows in [("all", LABELLED), *LABELLED.groupby("part")]:
        WRITERS[ending](rows, tmp_path / f"{part}{ending}")
    whole, train = tmp_path / f"all{ending}", tmp_path / f"train{ending}"
    column = RatingsTable(path=str(whole), **options, split=Given(column="part"))
    names = {part: f"{part}{ending}" for part in ("validation", "test")}
    files = RatingsTable(path=train.name, **options, split=Given(files=names))  # type: ignore[arg-type]
    receipt = fetch(files, None, tmp_path / "downloads", [tmp_path])
    assert set(receipt["companions"]) == set(names.values())
    expected = {
        "train": [(1, 10), (1, 11), (2, 10), (3, 10), (3, 12)],
        "validation_fold_in": [(1, 10), (1, 11)],
        "validation_held_out": [(1, 12)],
        "test_fold_in": [(2, 10), (3, 10), (3, 12)],
        "test_held_out": [(2, 12), (3, 11)],
    }
    assert {k: sorted(v) for k, v in in_ids(whole, column).items()} == expected
    assert in_ids(Path(receipt["path"]), files) == in_ids(whole, column)


def test_files_of_a_given_split_that_are_apart_are_refused(tmp_path: Path) -> None:
    """Readers look beside the training file; found before any job as in it."""
    for folder, part in (("a", "train"), ("b", "test")):
        (tmp_path / folder).mkdir()
        LABELLED.to_csv(tmp_path / folder / f"{part}.csv", index=False)
    mine = RatingsTable(
        path="a/train.csv", user="who", item="what", split=Given(files={"test": "b/test.csv"})
    )
    for look in (check, lambda *given: fetch(*given[:2], tmp_path, given[2])):
        with pytest.raises(DataError, match=r"train\.csv, .*test\.csv lie in different folders"):
            look(mine, None, [tmp_path])


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, ending: str) -> None:
    """Nobody knows which of the two is meant."""
    path = tmp_path / f"mine{ending}"
    frame = pa.table([[1], [2], [3]], names=["who", "what", "who"])
    (pa.parquet.write_table if ending == ".parquet" else pa.csv.write_csv)(frame, path)
    for look in (unrated(path).read, unrated(path).check):
        with pytest.raises(DataError, match=r"column 'who' is there more than once; allowed: once"):
            look(path)


def test_a_wrong_checksum_is_found_before_any_job(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "mine.csv", index=False)
    with pytest.raises(DataError, match=r"mine\.csv: sha256 checksum is \w{64}; allowed: 0"):
        check(table("mine.csv", checksum="sha256:0"), None, [tmp_path])


def test_labels_that_are_none_are_refused_with_their_row(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    LABELLED.replace("validation", "dev").to_csv(path, index=False)
    mine = RatingsTable(path=str(path), user="who", item="what", split=Given(column="part"))
    assert message(mine, path).startswith(
        "mine.csv: column 'part' has 'dev' in data row 3; allowed"
    )


def test_a_temporal_split_goes_by_dates_or_numbers(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    how = Temporal(validation_share=0.4, test_share=0.2, min_items_per_user=0)
    found = []
    times = [
        [40, 30, 20, 10, 0],
        [4e9, 3.5, 3.25, -1, -2.5],
        ["2020-01-05", "2019-12-31", "2019-12-30", "2010-01-01", "1999-01-01"],
        [
            "2020-01-02 00:00:01",
            "2020-01-02 00:00:00",
            "2020-01-01 10:00:00",
            "2020-01-01 09:00:00",
            "2019-02-02 03:04:05",
        ],
    ]
    for when in times:
        frame = pd.DataFrame({"who": [1, 1, 1, 1, 2], "what": [5, 6, 7, 8, 5], "when": when})
        frame["what"] = [5, 6, 7, 8, 5]
        frame.to_csv(path, index=False)
        mine = RatingsTable(path=str(path), user="who", item="what", time="when", split=how)
        read = mine.read(path)
        assert read.times is not None
        assert np.argsort(read.times).tolist() == [4, 3, 2, 1, 0]
        found.append(in_ids(path, mine))
    assert found == found[:1] * 4
    frame["when"] = "soon"
    frame.to_csv(path, index=False)
    assert "column 'when' has values that are no times" in message(mine, path)


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".csv.gz"])
def test_a_study_finds_what_is_wrong_before_any_job(tmp_path: Path, ending: str) -> None:
    """Of a large file only the columns: what is not there is said, what is in it is not read."""
    path = tmp_path / f"mine{ending}"
    frame = pd.DataFrame({"who": range(30), "what": range(30), "stars": 5})
    if ending == ".parquet":
        frame.to_parquet(path)
    else:
        packed(path, frame.to_csv(index=False).encode())
    for mine, says in (
        (table("nowhere.csv"), r"nowhere\.csv cannot be downloaded and it is not in .*nowhere"),
        (table(path.name, user="user"), "no column 'user'; it has who, what, stars"),
        (table(path.name), "10000 validation and 10000 test users are not allowed; 0 users"),
    ):
        with pytest.raises(DataError, match=says):
            check(mine, None, [tmp_path])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vaebench.datasets.COUNTED", 10)
        check(table(path.name), None, [tmp_path])
        with pytest.raises(DataError, match="no column 'user'"):
            check(table(path.name, user="user"), None, [tmp_path])


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


@pytest.mark.parametrize("kind", ["interactions", "images"])
def test_a_split_file_of_other_bytes_is_not_believed(tmp_path: Path, kind: str) -> None:
    """Every file that is read has its digest in the card, and the error names the file."""
    dataset = create(
        "vaebench.datasets",
        {"class": "digits.Digits"}
        if kind == "images"
        else {
            "class": "planted.Planted",
            "users": 100,
            "items": 110,
            "importance_samples": 1,
            "split": {"validation_users": 10, "test_users": 10},
        },
    )
    dataset.write_split(None, tmp_path, {})
    card = read_json(tmp_path / "card.json")
    assert sorted(card["files"]) == sorted(
        path.name for path in tmp_path.iterdir() if path.name != "card.json"
    )
    assert (card["unit"], card["licence"]) == (dataset.counted_as(), dataset.licence)
    data = Data(tmp_path, torch.device("cpu"))
    whole = {"train": data.train, "validation": lambda: data.held_out("validation")}
    for part, read in whole.items():
        read()
        path = next(tmp_path.glob(f"{part}.np*"), tmp_path / f"{part}_held_out.npz")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"{path.name}: sha256 checksum is .*; allowed: "):
            read()


def test_fewer_items_than_the_ranking_needs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    pairs = [(user, item) for user in range(20) for item in range(60)]
    pd.DataFrame(pairs, columns=["who", "what"]).to_csv(path, index=False)
    protocol = Protocol(validation_users=2, test_users=3)
    dataset = RatingsTable(path=str(path), user="who", item="what", split=protocol)
    with pytest.raises(
        DataError, match=r"ndcg@100: a list of 100 holds all 60 items .* smaller cutoff"
    ):
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
