"""What columns are: by name, by content, or asked for in one sentence."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vaebench.advice.columns import layout, liked
from vaebench.errors import DataError


def frame(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "user": rng.integers(1, 60, rows),
            "item": rng.integers(1000, 1200, rows),
            "rating": rng.integers(1, 6, rows),
            "when": rng.integers(1_100_000_000, 1_200_000_000, rows),
        }
    )


def text(path: Path, *, delimiter: str = ",", header: bool = True, **names: str) -> Path:
    table = frame().rename(columns=names)
    lines = [delimiter.join(map(str, row)) for row in table.itertuples(index=False)]
    lines = [delimiter.join(table.columns), *lines] if header else lines
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", " ", "::"])
@pytest.mark.parametrize("header", [True, False])
def test_every_delimiter_with_and_without_a_header(
    delimiter: str,
    header: bool,  # noqa: FBT001 (a parameter of the test)
    tmp_path: Path,
) -> None:
    found = layout(text(tmp_path / "mine.txt", delimiter=delimiter, header=header))
    expected = ["user", "item", "rating"] if header else ["1", "2", "3"]
    assert [found.user, found.item, found.rating] == expected
    assert (found.delimiter, found.threshold) == (delimiter, 4)


@pytest.mark.parametrize(
    ("user", "item", "rating"),
    [
        ("userId", "movieId", "rating"),
        ("reviewerID", "asin", "overall"),
        ("CUSTOMER ID", "product_id", "user_rating"),
        ("visitorid", "article", "Stars"),
    ],
)
def test_names_decide_whatever_their_order(
    user: str, item: str, rating: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    table = frame().rename(columns={"user": user, "item": item, "rating": rating})
    table[[rating, item, "when", user]].to_csv(path, index=False)
    found = layout(path)
    assert (found.user, found.item, found.rating) == (user, item, rating)


def test_users_in_sorted_blocks_are_no_scale(tmp_path: Path) -> None:
    table = frame(2000).assign(user=np.arange(2000) // 200)
    path = tmp_path / "mine.csv"
    table.to_csv(path, index=False, header=False)
    found = layout(path)
    assert (found.user, found.item, found.rating) == ("1", "2", "3")


def test_two_columns_of_text_are_a_user_and_an_item(tmp_path: Path) -> None:
    path = tmp_path / "mine.tsv"
    path.write_text("".join(f"Zoë{n % 7}\t歌{n % 11}\n" for n in range(80)), encoding="utf-8")
    found = layout(path)
    assert (found.user, found.item, found.rating, found.skip) == ("1", "2", None, 0)


def test_counts_are_no_opinions(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    frame().rename(columns={"rating": "plays"}).to_csv(path, index=False)
    assert layout(path).rating is None
    assert layout(path, threshold=2).threshold == 2


@pytest.mark.parametrize(
    ("values", "threshold"),
    [
        ([1, 2, 3, 4, 5], 4),
        ([0.5, 3.5, 5.0], 4),
        ([1, 10, 4], 8),
        ([0, 1], 1),
        ([-1, 1], 1),
        ([3, 3, 3], None),
        ([1, 2, 900], None),
        (list(range(40)), None),
    ],
)
def test_the_threshold_is_four_fifths_of_a_scale(
    values: list[float], threshold: float | None
) -> None:
    assert liked(values) == threshold


def test_packed_files_and_parquet(tmp_path: Path) -> None:
    plain = text(tmp_path / "mine.csv")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
        archive.write(plain, "mine.csv")
    frame().to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv.gz", "a.csv.zip", "a.parquet"):
        found = layout(tmp_path / name)
        assert (found.user, found.item, found.rating) == ("user", "item", "rating")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    rows = "".join(f"Zoë{n},Übel{n % 9}\n" for n in range(50))
    path.write_bytes(f"user,item\n{rows}".encode(encoding))
    assert layout(path).user == "user"


def test_what_is_unclear_is_asked_for_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.integers(0, 5000, (300, 4)), columns=list("abcd"))
    table.to_csv(path, index=False)
    with pytest.raises(DataError, match=r"which of the columns a, b, c, d .*--user and --item"):
        layout(path)
    found = layout(path, user="b", item="4")
    assert (found.user, found.item) == ("b", "d")
    with pytest.raises(DataError, match="no column 'z'"):
        layout(path, user="z")
    with pytest.raises(DataError, match="one column is to be two things"):
        layout(path, user="b", item="2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n\n", "only blank lines"),
        (b"user,item\n", "a header and no rows"),
        (bytes(range(256)) * 20, "is not text"),
        (b"once upon a time\nthere was\n", "no table"),
        (b"PAR1 this is none", "not readable as Parquet"),
        (b"\x1f\x8b\x08\x00 this is none", "the content is gz"),
    ],
)
def test_what_is_no_table_is_one_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as found:
        layout(path)
    assert "\n" not in str(found.value)


def test_a_folder_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        layout(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        layout(tmp_path / "none.csv")
