"""One pass over a file: counts of all of it, all rows of some users."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vaebench.advice import reading
from vaebench.advice.columns import layout
from vaebench.advice.reading import Counter, read
from vaebench.errors import DataError


def write(path: Path, rows: int = 3000, users: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    table = pd.DataFrame(
        {
            "user": 9_000_000_000_000_000_000 + rng.integers(0, users, rows),
            "item": [f"é{n}" for n in rng.integers(0, 80, rows)],
            "rating": rng.integers(1, 6, rows),
        }
    )
    table.to_csv(path, index=False)
    return table


def test_counts_and_rows_are_those_of_pandas(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv")
    found = read(layout(tmp_path / "a.csv"))
    liked = table[table["rating"] >= 4]
    pairs = liked.drop_duplicates(["user", "item"])
    assert (found.rows, found.counted) == (len(table), len(liked))
    assert found.repeats == pytest.approx(1 - len(pairs) / len(liked))
    assert sorted(found.of_users) == sorted(liked["user"].value_counts())
    assert sorted(found.of_items) == sorted(liked["item"].value_counts())
    mine = set(
        zip(
            found.ratings.user_ids[found.ratings.users].tolist(),
            found.ratings.item_ids[found.ratings.items].tolist(),
            strict=True,
        )
    )
    assert mine == set(zip(pairs["user"].tolist(), pairs["item"].tolist(), strict=True))


def test_a_long_file_keeps_all_rows_of_some_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BLOCK", 4096)  # many blocks
    table = write(tmp_path / "a.csv").drop(columns="rating")
    table.to_csv(tmp_path / "a.csv", index=False)
    found = read(layout(tmp_path / "a.csv"), most=800)
    assert found.share in (0.5, 0.25, 0.125)
    assert len(found.of_users) == table["user"].nunique(), "counts are of the whole file"
    assert found.of_users.sum() == len(table)
    whole = table.drop_duplicates().groupby("user")["item"].nunique()
    kept = pd.Series(found.ratings.users).value_counts()
    kept.index = found.ratings.user_ids[kept.index]
    assert (whole[kept.index] == kept).all(), "a user's rows are kept all or not at all"
    assert abs(len(kept) / len(whole) - found.share) < 0.15
    again = read(layout(tmp_path / "a.csv"), most=800)
    assert (again.ratings.user_ids == found.ratings.user_ids).all()


def test_blank_ids_are_skipped_and_counted(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv").astype(object)
    table.loc[:9, "user"] = None
    table.to_csv(tmp_path / "a.csv", index=False)
    assert read(layout(tmp_path / "a.csv")).blank == 10


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_parquet_and_text_say_the_same(ending: str, tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv")
    table.to_parquet(tmp_path / "a.parquet")
    found = read(layout(tmp_path / f"a.{ending}"))
    assert (found.counted, len(found.of_items)) == ((table["rating"] >= 4).sum(), 80)


def test_the_doubled_colon_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ratings.dat"
    path.write_text("".join(f"{n % 50}::{n % 31}::{1 + n % 5}::978300760\n" for n in range(900)))
    found = read(layout(path))
    assert (len(found.of_users), len(found.of_items), found.rows) == (20, 31, 900)


def test_broken_rows_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path)
    with path.open("a") as file:
        file.write("1,2,3,4,5\n" * 3)
    with pytest.raises(DataError, match="not readable as a table") as found:
        read(layout(path))
    assert "\n" not in str(found.value)


def test_a_word_among_ratings_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path)
    with path.open("a") as file:
        file.write("1,2,good\n")
    with pytest.raises(DataError, match="ratings that are no numbers"):
        read(layout(path, rating="rating", threshold=3))


def test_the_counter_adds_what_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PENDING", 50)
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 40, 1000).astype(np.uint64)
    counter = Counter()
    for part in np.split(ids, 20):
        counter.add(*np.unique(part, return_counts=True))
    assert (counter.total() == np.bincount(ids.astype(int))).all()
    assert len(counter.keys[0]) == 40, "bounded by the distinct ids"
